package outbound

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPublic(t *testing.T) {
	for addr, want := range map[string]bool{
		"8.8.8.8": true, "93.184.216.34": true, "2606:2800:220:1::1": true, "::ffff:8.8.8.8": true, "64:ff9b::808:808": true,
		"127.0.0.1": false, "127.255.255.254": false, "::1": false, "::": false, "0.0.0.0": false, "0.1.2.3": false,
		"10.0.0.1": false, "172.16.0.1": false, "172.31.255.255": false, "172.32.0.1": true, "192.168.1.1": false,
		"169.254.169.254": false, "fd00:ec2::254": false, "168.63.129.16": false, "100.100.100.200": false,
		"100.64.0.1": false, "100.127.255.255": false, "100.128.0.1": true, "192.0.0.192": false, "192.0.2.1": false,
		"198.18.0.1": false, "198.51.100.1": false, "203.0.113.1": false, "224.0.0.1": false, "239.1.1.1": false,
		"240.0.0.1": false, "255.255.255.255": false, "fe80::1": false, "fe80::1%eth0": false, "fec0::1": false,
		"fc00::1": false, "fdff::1": false, "ff02::1": false, "2001::1": false, "2001:db8::1": false, "2002:7f00:1::": false,
		"::ffff:127.0.0.1": false, "::ffff:10.1.2.3": false, "::ffff:169.254.169.254": false, "::127.0.0.1": false,
		"64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b:1::1": false, "2606:4700::1%eth0": false,
	} {
		if got := Public(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: public is %v, want %v", addr, got, want)
		}
	}
	if Public(netip.Addr{}) {
		t.Error("no address is public")
	}
}

func newClient(t *testing.T, cfg Config) *Client {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// server answers on loopback and counts.
func server(t *testing.T, h http.HandlerFunc) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		h(w, r)
	}))
	t.Cleanup(s.Close)
	return s, &n
}

func get(t *testing.T, c *Client, url string) (Response, error) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.Do(t.Context(), r)
}

func TestLoopbackIsForbidden(t *testing.T) {
	s, n := server(t, func(w http.ResponseWriter, r *http.Request) {})
	u, _ := url.Parse(s.URL)
	c := newClient(t, Config{})
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0177.0.0.1", "[::1]", "0"} {
		if _, err := get(t, c, "http://"+host+":"+u.Port()+"/"); err == nil {
			t.Errorf("%s was called", host)
		}
	}
	if n.Load() != 0 {
		t.Fatalf("%d requests came through", n.Load())
	}
	if _, err := get(t, c, s.URL); !errors.Is(err, ErrForbidden) {
		t.Fatalf("loopback: %v", err)
	}
	allowed := newClient(t, Config{Allow: []string{"127.0.0.0/8"}})
	if resp, err := get(t, allowed, s.URL); err != nil || resp.Status != 200 || n.Load() != 1 {
		t.Fatalf("an allowed network: %+v %v", resp, err)
	}
}

// A name that means a public address when it is looked at and this machine
// when it is called is caught, since there is one look, at what is called.
func TestRebinding(t *testing.T) {
	s, n := server(t, func(w http.ResponseWriter, r *http.Request) {})
	u, _ := url.Parse(s.URL)
	c := newClient(t, Config{Timeout: 5 * time.Second})
	lookups := 0
	c.lookup = func(context.Context, string, string) ([]netip.Addr, error) {
		lookups++
		return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")}, nil
	}
	target := "http://rebind.example:" + u.Port() + "/"
	if err := c.CheckURL(target); err != nil {
		t.Fatalf("a name looks harmless: %v", err)
	}
	if _, err := get(t, c, target); !errors.Is(err, ErrForbidden) {
		t.Fatalf("the rebound name: %v", err)
	}
	if lookups != 1 || n.Load() != 0 {
		t.Fatalf("%d lookups, %d requests", lookups, n.Load())
	}
	// The dialer itself refuses too, whoever asks it.
	if conn, err := c.dialer.Dial("tcp", u.Host); err == nil || !errors.Is(err, ErrForbidden) {
		t.Fatalf("the dialer: %v %v", conn, err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	inner, hits := server(t, func(w http.ResponseWriter, r *http.Request) {})
	outer, _ := server(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, inner.URL, http.StatusFound) })
	c := newClient(t, Config{Allow: []string{"127.0.0.1"}})
	resp, err := get(t, c, outer.URL)
	if err != nil || resp.Status != http.StatusFound || hits.Load() != 0 {
		t.Fatalf("%+v %v, %d followed", resp, err, hits.Load())
	}
}

func TestLimits(t *testing.T) {
	s, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/slow":
			<-r.Context().Done()
		default:
			w.Header().Set("Content-Type", "text/plain")
			_, _ = w.Write([]byte(strings.Repeat("a", 1000)))
			w.(http.Flusher).Flush() // without a length
		}
	})
	c := newClient(t, Config{Allow: []string{"127.0.0.1"}, MaxBody: 100, Timeout: 300 * time.Millisecond})
	if resp, err := get(t, c, s.URL); err != nil || len(resp.Body) != 100 {
		t.Fatalf("%d bytes, %v", len(resp.Body), err)
	}
	if _, err := get(t, c, s.URL+"/slow"); err == nil {
		t.Fatal("a server that does not answer was waited for")
	}
	var b bytes.Buffer
	if _, _, err := c.Fetch(t.Context(), s.URL, 999, &b); !errors.Is(err, ErrTooLarge) {
		t.Fatalf("a document that is too large: %v", err)
	}
	b.Reset()
	if kind, n, err := c.Fetch(t.Context(), s.URL, 1000, &b); err != nil || n != 1000 || b.Len() != 1000 || kind != "text/plain" {
		t.Fatalf("%s %d %v", kind, n, err)
	}
}

func TestCheckURL(t *testing.T) {
	c := newClient(t, Config{Allow: []string{"10.0.0.0/8"}})
	for raw, want := range map[string]error{
		"https://lms.example/hook?a=1": nil, "http://lms.example:8080": nil, "http://10.2.3.4/": nil,
		"http://192.168.0.1/": ErrForbidden, "http://[::1]:80/": ErrForbidden, "http://169.254.169.254/latest": ErrForbidden,
		"ftp://lms.example/": ErrBadURL, "file:///etc/passwd": ErrBadURL, "gopher://x": ErrBadURL, "//lms.example": ErrBadURL,
		"https://user:pass@lms.example/": ErrBadURL, "https:lms.example": ErrBadURL, "": ErrBadURL, "http://": ErrBadURL,
		"http://%zz/": ErrBadURL, "https://lms.example/" + strings.Repeat("a", 3000): ErrBadURL,
	} {
		if err := c.CheckURL(raw); !errors.Is(err, want) || (want == nil) != (err == nil) {
			t.Errorf("%.60s: %v, want %v", raw, err, want)
		}
	}
	if _, err := New(Config{Allow: []string{"everything"}}); err == nil {
		t.Error("a network that is none was taken")
	}
}

func FuzzCheckURL(f *testing.F) {
	f.Add("http://127.0.0.1/")
	f.Add("http://[::ffff:7f00:1]/")
	c, err := New(Config{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if c.CheckURL(raw) != nil {
			return
		}
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if a, err := netip.ParseAddr(u.Hostname()); err == nil && !Public(a) {
			t.Fatalf("%q names a special address", raw)
		}
	})
}
