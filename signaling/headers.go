package signaling

import (
	"net/http"
	"strings"
)

// setHeaders puts on every answer what keeps a browser from doing more than
// the pages need. Handlers may make it stricter for their own answer.
// ancestors are the origins that may frame what this path shows.
func setHeaders(h http.Header, host string, secure bool, ancestors []string) {
	h.Set("Content-Security-Policy", policy(host, secure, ancestors))
	h.Set("X-Content-Type-Options", "nosniff")
	if len(ancestors) == 0 {
		h.Set("X-Frame-Options", "DENY") // it cannot name origins
	}
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(self), microphone=(self), display-capture=(self), fullscreen=(self), "+
		"autoplay=(self), picture-in-picture=(self), screen-wake-lock=(self), clipboard-write=(self), "+
		"speaker-selection=(self), geolocation=(), payment=(), usb=(), serial=(), midi=(), hid=(), browsing-topics=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if secure {
		// Without includeSubDomains and preload: the names beside this one
		// are not ours to decide about.
		h.Set("Strict-Transport-Security", "max-age=15552000")
	}
}

// policy is the Content-Security-Policy. Nothing inline is allowed. Bootstrap
// draws its marks as data: images; the class page shows its own camera and
// previews as blob:. Older Safari does not take 'self' for websockets, so the
// address is named where the Host header is one.
func policy(host string, secure bool, ancestors []string) string {
	framers := "'none'"
	if len(ancestors) > 0 {
		framers = strings.Join(ancestors, " ")
	}
	connect := "'self'"
	if plainHost(host) {
		scheme := "ws://"
		if secure {
			scheme = "wss://"
		}
		connect += " " + scheme + host
	}
	return "default-src 'self'; script-src 'self'; style-src 'self'; font-src 'self'; " +
		"img-src 'self' data: blob:; media-src 'self' blob:; connect-src " + connect + "; " +
		"frame-src 'self' blob:; worker-src 'self' blob:; manifest-src 'self'; object-src 'none'; base-uri 'none'; " +
		"form-action 'self'; frame-ancestors " + framers
}

// framers are the origins that may frame what is at a path: the class page
// and what one comes to from it without an account. Everything else, what an
// administrator or a teacher clicks on above all, is framed by nobody.
func (s *Server) framers(path string) []string {
	rest, ok := strings.CutPrefix(path, "/c/")
	if !ok {
		return nil
	}
	switch _, page, _ := strings.Cut(rest, "/"); page {
	case "", "enter", "after", "attendance":
		return s.cfg.Web.FrameAncestors
	}
	return nil
}

// plainHost keeps what a client made up out of a header of ours.
func plainHost(host string) bool {
	if host == "" || len(host) > 255 {
		return false
	}
	for _, c := range []byte(host) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(".-:[]_", c) >= 0) {
			return false
		}
	}
	return true
}
