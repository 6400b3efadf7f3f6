// Package templates holds the pages as html/template files. It owns no
// behaviour; signaling/web parses and renders them.
package templates

import "embed"

// FS holds every page. layout.html frames all of them but the class page.
//
//go:embed *.html
var FS embed.FS
