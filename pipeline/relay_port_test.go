package pipeline

import (
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
)

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
