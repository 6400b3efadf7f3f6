package udp

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// newMarkReceiver is a destination whose system tells the traffic class of what
// comes.
func newMarkReceiver(tb testing.TB, network, address string) *receiver {
	tb.Helper()
	r := newReceiver(tb, network, address)
	raw, err := r.sock.SyscallConn()
	if err != nil {
		tb.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_RECVTOS, 1)
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVTCLASS, 1) // where it is one
	})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// nextMark is the code point of the packet that comes next, and its number.
func (r *receiver) nextMark(tb testing.TB) (dscp int, number uint32) {
	tb.Helper()
	_ = r.sock.SetReadDeadline(time.Now().Add(patience))
	buf, oob := make([]byte, 1<<16), make([]byte, 128)
	n, m, _, _, err := r.sock.ReadMsgUDPAddrPort(buf, oob)
	if err != nil {
		tb.Fatalf("nothing came: %v", err)
	}
	list, err := unix.ParseSocketControlMessage(oob[:m])
	if err != nil {
		tb.Fatal(err)
	}
	dscp = -1
	for _, c := range list {
		switch {
		case c.Header.Level == unix.IPPROTO_IP && c.Header.Type == unix.IP_TOS,
			c.Header.Level == unix.IPPROTO_IPV6 && c.Header.Type == unix.IPV6_TCLASS:
			dscp = int(c.Data[0] >> 2)
		}
	}
	number, _ = read(buf[:n])
	return dscp, number
}

func (r *receiver) expectMark(tb testing.TB, dscp int, numbers ...uint32) {
	tb.Helper()
	for _, want := range numbers {
		if got, number := r.nextMark(tb); got != dscp || number != want {
			tb.Fatalf("packet %d has the code point %d; packet %d with %d was awaited", number, got, want, dscp)
		}
	}
}

func mark(tb testing.TB, c *Conn, dscp int, to netip.AddrPort) *Mark {
	tb.Helper()
	m, err := c.NewMark(dscp)
	if err != nil {
		tb.Fatal(err)
	}
	m.To(to)
	return m
}

// TestMarks: what goes to a marked destination has the code point, cut up or by
// itself, in both families; others' packets have none.
func TestMarks(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name, from, address, network, to string
		cfg                              Config
	}{
		{"IPv4", "udp4", "127.0.0.1:0", "udp4", "127.0.0.1:0", Config{}},
		{"IPv6", "udp6", "[::1]:0", "udp6", "[::1]:0", Config{}},
		{"IPv4 by a socket for both", "udp", "[::]:0", "udp4", "127.0.0.1:0", Config{}},
		{"IPv6 by a socket for both", "udp", "[::]:0", "udp6", "[::1]:0", Config{}},
		{"nothing is put together", "udp", "[::]:0", "udp4", "127.0.0.1:0", Config{Plain: true}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			x.cfg.Wait = time.Hour
			c := open(t, listen(t, x.from, x.address), x.cfg)
			r, other := newMarkReceiver(t, x.network, x.to), newMarkReceiver(t, x.network, x.to)
			mapped := netip.AddrPortFrom(netip.AddrFrom16(r.to.Addr().As16()), r.to.Port())
			m := mark(t, c, 46, mapped)
			for _, to := range []netip.AddrPort{r.to, mapped} {
				for i := range uint32(4) {
					write(t, c, packet(i, 1200), to)
					write(t, c, packet(i, 1200), other.to)
				}
				write(t, c, packet(4, 300), to)
				c.Flush()
				write(t, c, packet(5, 300), to) // alone
				c.Flush()
				report := packet(6, 100) // RTCP, at once
				report[1] = 200
				write(t, c, report, to)
				r.expectMark(t, 46, 0, 1, 2, 3, 4, 5, 6)
				other.expectMark(t, 0, 0, 1, 2, 3)
			}
			if st := c.Stats(); st.Coalescing && st.Segmented == 0 {
				t.Errorf("nothing was cut: %+v", st)
			}
			m.To(other.to)
			write(t, c, packet(1, 300), r.to)
			write(t, c, packet(2, 300), other.to)
			c.Flush()
			r.expectMark(t, 0, 1)
			other.expectMark(t, 46, 2)
			m.To(netip.AddrPort{})
			write(t, c, packet(3, 300), other.to)
			c.Flush()
			other.expectMark(t, 0, 3)
			if n := c.marks.some.Load(); n != 0 || len(c.marks.of) != 0 {
				t.Errorf("%d marks are left", n)
			}
		})
	}
}

// TestMarksOfOneDestination: a browser that comes again from the same port has
// a new endpoint before the old one is released.
func TestMarksOfOneDestination(t *testing.T) {
	t.Parallel()
	c := loopback(t, Config{Wait: time.Hour})
	r := newMarkReceiver(t, "udp4", "127.0.0.1:0")
	old := mark(t, c, 8, r.to)
	mark(t, c, 34, r.to)
	old.To(netip.AddrPort{})
	write(t, c, packet(1, 300), r.to)
	c.Flush()
	r.expectMark(t, 34, 1)
	for _, dscp := range []int{-1, 64} {
		if _, err := c.NewMark(dscp); !errors.Is(err, ErrConfig) {
			t.Errorf("%d: error %v", dscp, err)
		}
	}
}

// TestMarksWithLanes: a viewer's packets go by a lane.
func TestMarksWithLanes(t *testing.T) {
	t.Parallel()
	c := loopback(t, Config{Wait: time.Hour})
	l := newLane(t, c)
	r, other := newMarkReceiver(t, "udp4", "127.0.0.1:0"), newMarkReceiver(t, "udp4", "127.0.0.1:0")
	mark(t, c, 34, r.to)
	for i := range uint32(5) {
		l.send(t, packet(i, 900), r)
		l.send(t, packet(i, 900), other)
	}
	l.Flush()
	r.expectMark(t, 34, 0, 1, 2, 3, 4)
	other.expectMark(t, 0, 0, 1, 2, 3, 4)
}

// TestMarkedTCP: the system is asked what it was told.
func TestMarkedTCP(t *testing.T) {
	t.Parallel()
	c := loopback(t, Config{})
	for _, x := range []struct {
		listen, dial  string
		level, option int
	}{
		{"[::]:0", "127.0.0.1", unix.IPPROTO_IP, unix.IP_TOS},
		{"127.0.0.1:0", "127.0.0.1", unix.IPPROTO_IP, unix.IP_TOS},
		{"[::1]:0", "::1", unix.IPPROTO_IPV6, unix.IPV6_TCLASS},
	} {
		near := dialled(t, x.listen, x.dial)
		m, err := c.NewMark(46)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Connection(near); err != nil {
			t.Fatalf("%s: %v", x.listen, err)
		}
		raw, err := near.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		var class int
		if err := raw.Control(func(fd uintptr) { class, err = unix.GetsockoptInt(int(fd), x.level, x.option) }); err != nil {
			t.Fatal(err)
		}
		if err != nil || class>>2 != 46 {
			t.Errorf("%s: the class is %d, %v", x.listen, class, err)
		}
	}
}

// dialled is the accepted end of a connection.
func dialled(t *testing.T, listen, host string) *net.TCPConn {
	t.Helper()
	l, err := net.Listen("tcp", listen)
	if err != nil {
		t.Skipf("no %s here: %v", listen, err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	far, err := net.Dial("tcp", net.JoinHostPort(host, port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = far.Close() })
	near, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = near.Close() })
	return near.(*net.TCPConn)
}

func TestMarkedDoesNotAllocate(t *testing.T) {
	c := loopback(t, Config{Wait: time.Hour})
	r, other := newReceiver(t, "udp4", "127.0.0.1:0"), newReceiver(t, "udp4", "127.0.0.1:0")
	mark(t, c, 46, r.to)
	p, report := packet(0, 1000), packet(1, 100)
	report[1] = 200
	burst := func() {
		for range 6 {
			_, _ = c.WriteToAddrPort(p, r.to)
			_, _ = c.WriteToAddrPort(p, other.to)
		}
		_, _ = c.WriteToAddrPort(report, r.to)
		c.Flush()
	}
	burst()
	burst()
	if n := testing.AllocsPerRun(200, burst); n != 0 {
		t.Errorf("%v allocations in a burst of 13 packets", n)
	}
}
