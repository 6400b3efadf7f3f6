package kurento

import (
	"fmt"
	"net/netip"
	"regexp"

	"kelas/pipeline"
)

// turnForm is Kurento's: the user ends at the last colon before the password, so
// that the names of the usual REST credentials ("1700000000:somebody") fit. An
// IPv6 address stands in brackets, which Kurento does not know.
var turnForm = regexp.MustCompile(`^(.+):([^:]+)@([0-9.]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})(?:\?transport=(udp|tcp|tls))?$`)

// readTURN reads user:password@address:port?transport=udp|tcp|tls. The error does
// not repeat the text, which holds a password.
func readTURN(url string) (*pipeline.TURNServer, error) {
	m := turnForm.FindStringSubmatch(url)
	if m == nil {
		return nil, fmt.Errorf("its form is user:password@address:port, with ?transport=udp, tcp or tls behind it or not; the address is an IP address")
	}
	addr, err := netip.ParseAddrPort(m[3] + ":" + m[4])
	if err != nil {
		return nil, fmt.Errorf("its address or its port cannot be")
	}
	t := &pipeline.TURNServer{Addr: addr, Transport: m[5], User: m[1], Password: m[2]}
	if t.Transport == "" {
		t.Transport = "udp"
	}
	return t, nil
}
