package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// Config of a Client. The zero value works and calls public addresses alone.
type Config struct {
	Allow   []string      // further addresses and networks that may be called
	Timeout time.Duration // for one request, its answer included; 15 s
	MaxBody int64         // of an answer that Do keeps; 64 KiB
}

// Validate names the field that cannot be used.
func (c Config) Validate() error {
	switch {
	case c.Timeout < 0:
		return errors.New("outbound: Timeout is negative")
	case c.MaxBody < 0:
		return errors.New("outbound: MaxBody is negative")
	}
	_, err := ParseNetworks(c.Allow)
	return err
}

// addressesTried bounds how many addresses of one name are dialled.
const addressesTried = 4

// Client makes guarded requests. It is safe for concurrent use.
type Client struct {
	cfg    Config
	allow  []netip.Prefix
	http   *http.Client
	dialer net.Dialer
	lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// New makes a Client; Close lets go of its connections.
func New(cfg Config) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 15 * time.Second
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = 64 << 10
	}
	c := &Client{cfg: cfg, lookup: net.DefaultResolver.LookupNetIP}
	c.allow, _ = ParseNetworks(cfg.Allow) // Validate has read them
	// The second look, at the very address that the kernel is given.
	c.dialer = net.Dialer{Timeout: cfg.Timeout, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !c.Allowed(at.Addr()) {
			return ErrForbidden
		}
		return nil
	}}
	c.http = &http.Client{
		Timeout:       cfg.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: c.dial, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second,
			MaxIdleConns: 32, MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second,
			MaxResponseHeaderBytes: 64 << 10, ResponseHeaderTimeout: cfg.Timeout,
		},
	}
	return c, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Allowed reports whether an address may be called.
func (c *Client) Allowed(a netip.Addr) bool {
	if Public(a) {
		return true
	}
	a = a.Unmap()
	for _, p := range c.allow {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	addrs, err := c.lookup(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	var last error
	tried := 0
	for _, a := range addrs {
		if !c.Allowed(a) {
			continue
		}
		if tried++; tried > addressesTried {
			break
		}
		conn, err := c.dialer.DialContext(ctx, "tcp", net.JoinHostPort(a.Unmap().String(), port))
		if err == nil {
			return conn, nil
		}
		last = err
	}
	if tried == 0 {
		return nil, fmt.Errorf("%w: %s", ErrForbidden, host)
	}
	return nil, last
}

// CheckURL says why a URL cannot be called, as far as that shows without
// asking for its name. Somebody who enters an address is told at once.
func (c *Client) CheckURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || len(raw) > 2048 || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Opaque != "" {
		return ErrBadURL
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil && !c.Allowed(a) {
		return ErrForbidden
	}
	return nil
}

// Response is an answer, read whole.
type Response struct {
	Status int
	Header http.Header
	Body   []byte // at most Config.MaxBody; what is longer is cut
}

// Do makes a request and reads the answer. A redirect is an answer like any
// other.
func (c *Client) Do(ctx context.Context, r *http.Request) (Response, error) {
	if err := c.CheckURL(r.URL.String()); err != nil {
		return Response{}, err
	}
	resp, err := c.http.Do(r.WithContext(ctx))
	if err != nil {
		return Response{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, c.cfg.MaxBody))
	return Response{resp.StatusCode, resp.Header, body}, err
}

// Fetch gets a document of up to max bytes into w and returns its media type
// and size. What is longer is ErrTooLarge; w has a part of it then.
func (c *Client) Fetch(ctx context.Context, raw string, max int64, w io.Writer) (contentType string, n int64, err error) {
	if err := c.CheckURL(raw); err != nil {
		return "", 0, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, raw, nil)
	if err != nil {
		return "", 0, ErrBadURL
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return "", 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", 0, fmt.Errorf("outbound: the answer is %d", resp.StatusCode)
	}
	if resp.ContentLength > max {
		return "", 0, ErrTooLarge
	}
	n, err = io.Copy(w, io.LimitReader(resp.Body, max+1))
	if err == nil && n > max {
		err = ErrTooLarge
	}
	return resp.Header.Get("Content-Type"), n, err
}
