package socket

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// parseOrigin reads an Origin as RFC 6454 section 6.2 writes it and returns
// it in one spelling.
func parseOrigin(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil {
		return "", err
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil ||
		(u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("not an origin")
	}
	return u.Scheme + "://" + plainHost(u.Scheme, u.Host), nil
}

// plainHost lower-cases a host and drops the port that the scheme implies.
func plainHost(scheme, host string) string {
	host = strings.ToLower(host)
	if port := map[string]string{"http": ":80", "https": ":443"}[scheme]; port != "" {
		host = strings.TrimSuffix(host, port)
	}
	return host
}

// originAllowed keeps pages of other sites from connecting with a person's
// cookies: a websocket is not bound by the same-origin policy, so the server
// must look (RFC 6455 section 10.2). The scheme of our own host is not
// compared, since a proxy may end TLS before us.
func originAllowed(r *http.Request, allowed []string) bool {
	header := r.Header.Values("Origin")
	if len(header) == 0 {
		return true
	}
	if len(header) > 1 {
		return false
	}
	origin, err := parseOrigin(header[0])
	if err != nil {
		return slices.Contains(allowed, "*")
	}
	scheme, host, _ := strings.Cut(origin, "://")
	if host == plainHost(scheme, r.Host) {
		return true
	}
	return slices.ContainsFunc(allowed, func(a string) bool {
		p, err := parseOrigin(a)
		return a == "*" || (err == nil && p == origin)
	})
}

func remoteHost(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
