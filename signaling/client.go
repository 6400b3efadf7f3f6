package signaling

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"kelas/signaling/web"
)

// proxies are the networks whose forwarding headers are believed.
type proxies []netip.Prefix

func (p proxies) trusts(a netip.Addr) bool {
	for _, n := range p {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// client finds whom a request comes from and whether the browser spoke TLS.
// X-Forwarded-For is read from the right, where our own proxies wrote, up to
// the first address that is none of them; what stands further left anybody
// may have made up.
func (p proxies) client(r *http.Request) (addr string, secure bool) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	secure = r.TLS != nil
	peer, err := netip.ParseAddr(host)
	if err != nil {
		return host, secure
	}
	peer = peer.Unmap()
	if !p.trusts(peer) {
		return peer.String(), secure
	}
	if proto := r.Header.Get("X-Forwarded-Proto"); proto != "" {
		secure = strings.EqualFold(strings.TrimSpace(proto), "https")
	}
	list := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(list) - 1; i >= 0; i-- {
		a, err := netip.ParseAddr(strings.Trim(strings.TrimSpace(list[i]), "[]"))
		if err != nil {
			break
		}
		if peer = a.Unmap(); !p.trusts(peer) {
			break
		}
	}
	return peer.String(), secure
}

// Behind has next find by ClientAddr whom a request comes from, where it does
// not go through the server's own chain. trusted is as Config.TrustedProxies.
func Behind(trusted []string, next http.Handler) (http.Handler, error) {
	nets, err := parseProxies(trusted)
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		addr, secure := proxies(nets).client(r)
		next.ServeHTTP(w, r.WithContext(web.WithClient(r.Context(), web.Client{Addr: addr, Secure: secure})))
	}), nil
}

// local reports whether the request was made on this machine, not through a
// proxy on it: then the header would be there.
func local(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback() &&
		r.Header.Get("X-Forwarded-For") == "" && r.Header.Get("Forwarded") == "" && r.Header.Get("X-Real-Ip") == ""
}
