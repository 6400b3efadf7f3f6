package pipeline

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
)

// wayOut collects what is sent by a relay.
type wayOut struct {
	net.PacketConn
	sent []string
}

func (w *wayOut) WriteTo(p []byte, to net.Addr) (int, error) {
	w.sent = append(w.sent, to.String())
	return len(p), nil
}

// TestRelayPort: a relay is no door. In and out goes only what is of a
// connection, from and to addresses that the browser named, and what does not fit
// is lost.
func TestRelayPort(t *testing.T) {
	t.Parallel()
	p, out := newRelayPort(), &wayOut{}
	m := endpointMux{&hostMux{}, p}
	conn, err := m.GetConn("ufrag", relayPlace)
	if err != nil {
		t.Fatal(err)
	}
	v := conn.(*relayView)
	browser, stranger := netip.MustParseAddrPort("203.0.113.5:4000"), netip.MustParseAddrPort("203.0.113.6:4000")
	check := append([]byte{0, 1}, make([]byte, 18)...)
	buf := make([]byte, 2000)

	write := func(to netip.AddrPort) {
		t.Helper()
		if n, err := v.WriteToAddrPort(check, to); n != len(check) || err != nil {
			t.Errorf("writing: %d, %v", n, err)
		}
	}
	write(browser) // there is no relay yet
	p.attach(out)
	write(browser) // nobody is let through yet
	p.permit(browser.Addr())
	write(browser)
	write(netip.AddrPortFrom(netip.AddrFrom16(browser.Addr().As16()), browser.Port()))
	write(stranger)
	if len(out.sent) != 2 || out.sent[0] != browser.String() || out.sent[1] != browser.String() {
		t.Errorf("sent to %v", out.sent)
	}

	for _, x := range []struct {
		first byte
		size  int
		from  netip.AddrPort
		comes bool
	}{
		{0, 20, browser, true}, {3, 20, browser, true}, {20, 100, browser, true}, {63, 100, browser, true}, {128, 1200, browser, true}, {191, receiveMTU, browser, true},
		{4, 20, browser, false}, {19, 20, browser, false}, {64, 20, browser, false}, {'G', 20, browser, false}, {192, 20, browser, false}, {255, 20, browser, false},
		{128, receiveMTU + 1, browser, false}, {0, 0, browser, false}, {0, 20, stranger, false}, {128, 100, stranger, false},
	} {
		packet := make([]byte, x.size)
		if x.size > 0 {
			packet[0] = x.first
		}
		p.deliver(packet, x.from)
		if waits := len(p.in) == 1; waits != x.comes {
			t.Fatalf("%+v: waits %v", x, waits)
		}
		if x.comes {
			if n, from, err := v.ReadFrom(buf); err != nil || n != x.size || from.String() != x.from.String() || !bytes.Equal(buf[:n], packet) {
				t.Errorf("%+v: read %d from %v, %v", x, n, from, err)
			}
		}
	}
	for range maxRelayed + 10 {
		p.deliver(check, browser)
	}
	if len(p.in) != maxRelayed {
		t.Errorf("%d packets wait", len(p.in))
	}
	p.detach()
	write(browser)
	if len(out.sent) != 2 {
		t.Errorf("sent to %v", out.sent)
	}
}

// TestRelayViewEnds: closing ends a read, with a relay and without.
func TestRelayViewEnds(t *testing.T) {
	t.Parallel()
	for _, attached := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p := newRelayPort()
			if attached {
				p.attach(&wayOut{})
			}
			v := &relayView{port: p, done: make(chan struct{})}
			ended := make(chan error)
			go func() {
				_, _, err := v.ReadFromAddrPort(make([]byte, 100))
				ended <- err
			}()
			synctest.Wait()
			_ = v.Close()
			_ = v.Close()
			if err := <-ended; err != io.EOF {
				t.Errorf("error %v", err)
			}
		})
	}
}

// FuzzCandidateAddr: whatever a browser writes, only one machine's address over
// UDP comes onto the board.
func FuzzCandidateAddr(f *testing.F) {
	for _, s := range []string{
		"candidate:1 1 udp 2130706431 10.0.0.7 8189 typ host", "candidate:1 1 UDP 1 ::ffff:10.0.0.7 8189 typ host", "candidate:1 1 tcp 1 10.0.0.7 9 typ host tcptype active",
		"candidate:1 1 udp 1 3c6b.local 8189 typ host", "candidate:1 1 udp 1 fe80::1%eth0 65536 typ host", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b := newPeerBoard()
		for range 2 {
			b.add(text)
		}
		list, _ := b.after(0)
		if len(list) > 1 || len(list) == 1 && (!reachable(list[0]) || !isUDP(text) || list[0].Addr().Is4In6()) {
			t.Errorf("%q gives %v", text, list)
		}
	})
}

func TestPeerBoardIsBounded(t *testing.T) {
	t.Parallel()
	b := newPeerBoard()
	_, more := b.after(0)
	for i := range 2 * maxPeers {
		b.add("candidate:1 1 udp 1 " + netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}).String() + " 8189 typ host")
	}
	select {
	case <-more:
	default:
		t.Error("nobody was told")
	}
	if list, _ := b.after(0); len(list) != maxPeers {
		t.Errorf("%d addresses", len(list))
	}
	if list, _ := b.after(maxPeers); len(list) != 0 {
		t.Errorf("%d addresses behind all", len(list))
	}
	var none *peerBoard
	none.add("candidate:1 1 udp 1 10.0.0.1 8189 typ host")
}

// slowRelay is pion's client whose TURN server takes its time with a permission:
// whoever writes meanwhile waits.
type slowRelay struct {
	net.PacketConn
	asked   chan struct{}
	granted chan struct{}
	once    sync.Once
}

func (s *slowRelay) WriteTo(p []byte, _ net.Addr) (int, error) {
	s.once.Do(func() { close(s.asked) })
	<-s.granted
	return len(p), nil
}

// TestPermissionHoldsNobodyUp: what is sent by a relay is sent by workers that
// everybody shares, so none of it may wait for a TURN server.
func TestPermissionHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		relay := &slowRelay{asked: make(chan struct{}), granted: make(chan struct{})}
		port := newRelayPort()
		port.attach(relay)
		browser := netip.MustParseAddrPort("192.0.2.1:5000")
		go (&allocation{port: port, alloc: relay}).permit(browser)
		<-relay.asked
		view := &relayView{port: port, done: make(chan struct{})}
		sent := false
		go func() {
			_, _ = view.WriteToAddrPort([]byte{0}, browser)
			sent = true
		}()
		synctest.Wait()
		if !sent {
			t.Error("a packet waits for the permission")
		}
		close(relay.granted)
		synctest.Wait()
		if port.way(browser.Addr()) == nil {
			t.Error("with the permission nothing passes")
		}
	})
}
