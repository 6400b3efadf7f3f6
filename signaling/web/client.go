package web

import (
	"context"
	"net"
	"net/http"
)

// Client is what the chain before the pages found out about a request.
type Client struct {
	Addr      string // the client's address without port; a trusted proxy's word counts
	Secure    bool   // the browser speaks TLS to us or to a trusted proxy
	RequestID string
}

type clientKey struct{}

// WithClient hands c on to the pages.
func WithClient(ctx context.Context, c Client) context.Context {
	return context.WithValue(ctx, clientKey{}, c)
}

// ClientOf returns what WithClient handed on, or what the connection shows.
func ClientOf(r *http.Request) Client {
	if c, ok := r.Context().Value(clientKey{}).(Client); ok {
		return c
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return Client{Addr: host, Secure: r.TLS != nil}
}
