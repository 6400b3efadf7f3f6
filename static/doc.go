// Package static holds the files a browser loads, embedded in the binary.
//
// It owns the style sheets, the scripts (ES modules, served as they are
// written), the strings of both languages and the pictures. third-party is
// filled by scripts/setup from the npm lock file and is not committed.
//
// It never serves anything itself, knows no route, and holds nothing that
// depends on a class or a person. There are no locks here.
package static
