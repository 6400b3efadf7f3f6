package udp

import (
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait for the network; a right answer takes far less.
const patience = 15 * time.Second

func listen(tb testing.TB, network, address string) *net.UDPConn {
	tb.Helper()
	a, err := net.ResolveUDPAddr(network, address)
	if err != nil {
		tb.Fatal(err)
	}
	sock, err := net.ListenUDP(network, a)
	if err != nil {
		tb.Skipf("no %s here: %v", network, err)
	}
	return sock
}

func open(tb testing.TB, sock *net.UDPConn, cfg Config) *Conn {
	tb.Helper()
	c, err := New(sock, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close() })
	return c
}

func loopback(tb testing.TB, cfg Config) *Conn {
	tb.Helper()
	return open(tb, listen(tb, "udp4", "127.0.0.1:0"), cfg)
}

// packet is an RTP packet to all who look no further than its header: number,
// size and content belong together.
func packet(number uint32, size int) []byte {
	p := make([]byte, size)
	random := rand.New(rand.NewPCG(uint64(number), uint64(size)))
	for i := range p {
		p[i] = byte(random.Uint32())
	}
	p[0], p[1] = 0x80, 96
	binary.BigEndian.PutUint32(p[2:], number)
	binary.BigEndian.PutUint16(p[6:], uint16(size))
	binary.BigEndian.PutUint32(p[8:], 0)
	binary.BigEndian.PutUint32(p[8:], crc32.ChecksumIEEE(p))
	return p
}

// read tells the number of a packet that came, and whether all of it is right.
func read(p []byte) (number uint32, whole bool) {
	if len(p) < 12 || int(binary.BigEndian.Uint16(p[6:])) != len(p) {
		return 0, false
	}
	own := append([]byte(nil), p...)
	sum := binary.BigEndian.Uint32(own[8:])
	binary.BigEndian.PutUint32(own[8:], 0)
	return binary.BigEndian.Uint32(own[2:]), crc32.ChecksumIEEE(own) == sum
}

// receiver is a destination.
type receiver struct {
	sock *net.UDPConn
	to   netip.AddrPort
}

func newReceiver(tb testing.TB, network, address string) *receiver {
	tb.Helper()
	sock := listen(tb, network, address)
	_ = sock.SetReadBuffer(4 << 20)
	tb.Cleanup(func() { _ = sock.Close() })
	return &receiver{sock, sock.LocalAddr().(*net.UDPAddr).AddrPort()}
}

// next is the packet that comes next.
func (r *receiver) next(tb testing.TB) []byte {
	tb.Helper()
	_ = r.sock.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, 1<<16)
	n, err := r.sock.Read(buf)
	if err != nil {
		tb.Fatalf("nothing came: %v", err)
	}
	return buf[:n]
}

// expect wants these numbers, in this order, and every packet whole.
func (r *receiver) expect(tb testing.TB, numbers ...uint32) {
	tb.Helper()
	for _, want := range numbers {
		got, whole := read(r.next(tb))
		if got != want || !whole {
			tb.Fatalf("packet %d (whole: %t), want %d", got, whole, want)
		}
	}
}

func write(tb testing.TB, c *Conn, p []byte, to netip.AddrPort) {
	tb.Helper()
	if n, err := c.WriteToAddrPort(p, to); err != nil || n != len(p) {
		tb.Fatalf("writing %d bytes: %d, %v", len(p), n, err)
	}
}

// TestContentAndOrder: thousands of packets of all sizes to many destinations,
// by many goroutines at once, with the reader as slow as it likes.
func TestContentAndOrder(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name string
		cfg  Config
	}{
		{"default", Config{}},
		{"long messages", Config{Segments: 64}},
		{"hardly any room", Config{Pending: chunkSize}},
		{"plain", Config{Plain: true}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			c := loopback(t, x.cfg)
			const destinations, each = 24, 250
			var wg sync.WaitGroup
			for d := range destinations {
				r := newReceiver(t, "udp4", "127.0.0.1:0")
				// A window keeps the receiver's buffer from overflowing,
				// which would be the reader's loss and not the writer's.
				window := make(chan struct{}, 32)
				wg.Go(func() {
					for i := range uint32(each) {
						got, whole := read(r.next(t))
						if got != i || !whole {
							t.Errorf("destination %d: packet %d (whole: %t), want %d", d, got, whole, i)
							return
						}
						<-window
					}
				})
				wg.Go(func() {
					random := rand.New(rand.NewPCG(7, uint64(d)))
					size := 1000
					for i := range uint32(each) {
						if random.IntN(3) == 0 {
							size = 12 + random.IntN(1440)
						}
						if random.IntN(50) == 0 {
							size = 2000 + random.IntN(20000) // the kernel breaks it up
						}
						select {
						case window <- struct{}{}:
						case <-time.After(patience):
							t.Errorf("destination %d stands still at %d", d, i)
							return
						}
						write(t, c, packet(i, size), r.to)
						if random.IntN(9) == 0 {
							c.Flush()
						}
					}
				})
			}
			wg.Wait()
			st := c.Stats()
			if st.Packets != destinations*each || st.Dropped != 0 {
				t.Errorf("stats %+v", st)
			}
			if st.Coalescing && st.Segments == 0 {
				t.Errorf("nothing was put together: %+v", st)
			}
		})
	}
}

func TestTimerEndsTheWait(t *testing.T) {
	t.Parallel()
	c := loopback(t, Config{})
	r := newReceiver(t, "udp4", "127.0.0.1:0")
	for i := range uint32(20) { // each wait is a new one
		write(t, c, packet(i, 300), r.to)
		r.expect(t, i)
	}
	if st := c.Stats(); st.Coalescing && st.Timed == 0 {
		t.Errorf("who sent them? %+v", st)
	}
}

func TestCloseSendsWhatWaits(t *testing.T) {
	t.Parallel()
	c := loopback(t, Config{Wait: time.Hour})
	r := newReceiver(t, "udp4", "127.0.0.1:0")
	for i := range uint32(30) {
		write(t, c, packet(i, 700), r.to)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	for i := range uint32(30) {
		r.expect(t, i)
	}
	if _, err := c.WriteToAddrPort(packet(0, 100), r.to); err == nil {
		t.Error("a closed socket takes packets")
	}
	if err := c.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
}

// TestCloseUnderWriters: every packet is either taken and sent, or refused.
func TestCloseUnderWriters(t *testing.T) {
	t.Parallel()
	c := loopback(t, Config{})
	r := newReceiver(t, "udp4", "127.0.0.1:0")
	started := make(chan struct{}, 4)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := uint32(0); ; i++ {
				if _, err := c.WriteToAddrPort(packet(i, 200), r.to); err != nil {
					return
				}
				if i == 10 {
					started <- struct{}{}
				}
			}
		})
	}
	for range 4 {
		<-started
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if c.main.waiting.Load() {
		t.Error("packets wait for ever")
	}
}

func TestOtherProtocolsDoNotWait(t *testing.T) {
	t.Parallel()
	c := loopback(t, Config{Wait: time.Hour})
	r := newReceiver(t, "udp4", "127.0.0.1:0")
	write(t, c, packet(1, 500), r.to)
	stun, dtls, report := packet(2, 100), packet(3, 100), packet(4, 100)
	stun[0], dtls[0], report[1] = 0, 22, 200
	for _, p := range [][]byte{stun, dtls, report, {0x80}} {
		write(t, c, p, r.to)
		if got := r.next(t); len(got) != len(p) || got[0] != p[0] {
			t.Fatalf("% x came, want % x", got[:1], p[:1])
		}
	}
	if st := c.Stats(); st.Coalescing && st.Direct != 4 {
		t.Errorf("stats %+v", st)
	}
	c.Flush()
	r.expect(t, 1)
}

func TestFamilies(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ name, from, address, network, to string }{
		{"IPv6", "udp6", "[::1]:0", "udp6", "[::1]:0"},
		{"IPv4 by a socket for both", "udp", "[::]:0", "udp4", "127.0.0.1:0"},
		{"IPv6 by a socket for both", "udp", "[::]:0", "udp6", "[::1]:0"},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			c := open(t, listen(t, x.from, x.address), Config{Wait: time.Hour})
			r := newReceiver(t, x.network, x.to)
			mapped := netip.AddrPortFrom(netip.AddrFrom16(r.to.Addr().As16()), r.to.Port())
			for i := range uint32(6) {
				to := r.to
				if i%2 == 1 {
					to = mapped // as a socket for both reads IPv4 addresses
				}
				write(t, c, packet(i, 1200), to)
			}
			c.Flush()
			r.expect(t, 0, 1, 2, 3, 4, 5)
			if st := c.Stats(); st.Coalescing && (st.Segmented != 1 || st.Segments != 6) {
				t.Errorf("stats %+v", st)
			}
		})
	}
}

func TestWriteTo(t *testing.T) {
	t.Parallel()
	c := loopback(t, Config{})
	r := newReceiver(t, "udp4", "127.0.0.1:0")
	if _, err := c.WriteTo(packet(0, 100), net.UDPAddrFromAddrPort(r.to)); err != nil {
		t.Fatal(err)
	}
	r.expect(t, 0)
	if _, err := c.WriteTo(packet(1, 100), &net.TCPAddr{}); err == nil {
		t.Error("a TCP address was taken")
	}
	if _, err := c.WriteToAddrPort(packet(1, 100), netip.AddrPort{}); err == nil {
		t.Error("no address was taken")
	}
	if _, err := c.WriteToAddrPort(packet(1, 100), netip.MustParseAddrPort("[2001:db8::1]:9")); err == nil {
		t.Error("an IPv6 address was taken by an IPv4 socket")
	}
}

func TestReading(t *testing.T) {
	t.Parallel()
	c := loopback(t, Config{})
	r := newReceiver(t, "udp4", "127.0.0.1:0")
	buf := make([]byte, 100)
	for range 2 {
		if _, err := r.sock.WriteTo([]byte("hello"), c.LocalAddr()); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if n, from, err := c.ReadFromAddrPort(buf); err != nil || string(buf[:n]) != "hello" || from != r.to {
		t.Errorf("%q from %v, %v", buf[:n], from, err)
	}
	if n, from, err := c.ReadFrom(buf); err != nil || string(buf[:n]) != "hello" || from.String() != r.to.String() {
		t.Errorf("%q from %v, %v", buf[:n], from, err)
	}
	if err := c.SetWriteDeadline(time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	write(t, c, packet(0, 100), r.to) // a deadline of one is not everybody's
	c.Flush()
	r.expect(t, 0)
	if err := c.SetDeadline(time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.ReadFrom(buf); err == nil {
		t.Error("reading knows no deadline")
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	sock := listen(t, "udp4", "127.0.0.1:0")
	defer sock.Close()
	for _, cfg := range []Config{
		{Segments: 65}, {Segments: -1}, {Wait: -1}, {MTU: 100}, {MTU: 1 << 20}, {Pending: 1000}, {ReadBuffer: -1}, {WriteBuffer: -1},
	} {
		if c, err := New(sock, cfg); err == nil {
			_ = c.Close()
			t.Errorf("%+v was taken", cfg)
		}
	}
}

func TestBatch(t *testing.T) {
	t.Parallel()
	a, b := netip.MustParseAddrPort("192.0.2.1:1"), netip.MustParseAddrPort("192.0.2.2:2")
	for _, x := range []struct {
		name  string
		sizes []int // to a
		want  []int // packets of each of a's messages
	}{
		{"equal", []int{900, 900, 900}, []int{3}},
		{"the last is shorter", []int{900, 900, 20, 900}, []int{3, 1}},
		{"a longer one", []int{900, 901, 901}, []int{1, 2}},
		{"too many", []int{9, 9, 9, 9, 9}, []int{4, 1}},
		{"too large", []int{1453, 1453, 1452, 1452}, []int{1, 1, 2}},
		{"shorter twice", []int{50, 40, 30}, []int{2, 1}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			q := newBatch(4, 1452, 4*chunkSize)
			for range 2 { // the second time in used memory
				for _, n := range x.sizes {
					if !q.add(make([]byte, n), a) || !q.add(make([]byte, 7), b) {
						t.Fatal("no room")
					}
				}
				var got []int
				for _, m := range q.trains[:q.count] {
					if m.to == a {
						got = append(got, len(m.packets))
					}
				}
				if len(got) != len(x.want) {
					t.Fatalf("%v, want %v", got, x.want)
				}
				for i := range got {
					if got[i] != x.want[i] {
						t.Fatalf("%v, want %v", got, x.want)
					}
				}
				q.reset()
			}
		})
	}
}

func TestBatchIsBounded(t *testing.T) {
	t.Parallel()
	a := netip.MustParseAddrPort("192.0.2.1:1")
	q := newBatch(8, 1452, 2*chunkSize)
	for range 3 {
		n := 0
		for q.add(make([]byte, 1000), a) {
			n++
		}
		if n != 2*(chunkSize/1000) || len(q.chunks) != 2 {
			t.Fatalf("%d packets, %d chunks", n, len(q.chunks))
		}
		q.reset()
	}
	n := 0
	for ip := a.Addr(); q.add(make([]byte, 12), netip.AddrPortFrom(ip, 1)); ip = ip.Next() {
		n++
	}
	if n != maxTrains {
		t.Errorf("%d destinations", n)
	}
}

func TestNoAllocation(t *testing.T) {
	c := loopback(t, Config{Wait: time.Hour})
	r := newReceiver(t, "udp4", "127.0.0.1:0")
	other := newReceiver(t, "udp4", "127.0.0.1:0")
	p := packet(0, 1000)
	burst := func() {
		for range 6 {
			_, _ = c.WriteToAddrPort(p, r.to)
			_, _ = c.WriteToAddrPort(p, other.to)
		}
		c.Flush()
	}
	burst()
	burst() // both batches have grown
	if n := testing.AllocsPerRun(200, burst); n != 0 {
		t.Errorf("%v allocations in a burst of 12 packets", n)
	}
}
