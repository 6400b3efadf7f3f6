// Package web renders the pages and carries files over HTTP: log-in, my
// classes, the class page and what remains of a class, accounts, uploads by
// tus 1.0.0 and downloads.
//
// It owns the words of the pages it renders, cookies, form tokens and the
// addresses under /, /c and /static. It decides no permission of its own:
// classroom's table does. It never touches a password or a signature itself,
// that is auth's, and it keeps no state of its own between requests.
//
// There are no locks here and no goroutines.
package web
