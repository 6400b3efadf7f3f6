package udp

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sent is a message as the kernel would see it.
type sent struct {
	to      netip.AddrPort
	packets [][]byte
	segment int // 0: not to be cut
}

func decode(m *message) sent {
	var s sent
	b := (*[unix.SizeofSockaddrInet6]byte)(unsafe.Pointer(m.header.Name))
	port := uint16(b[2])<<8 | uint16(b[3])
	switch (*unix.RawSockaddrInet4)(unsafe.Pointer(m.header.Name)).Family {
	case unix.AF_INET:
		s.to = netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), port)
	case unix.AF_INET6:
		s.to = netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[8:24])), port)
	}
	for _, v := range unsafe.Slice(m.header.Iov, m.packets()) {
		s.packets = append(s.packets, append([]byte(nil), unsafe.Slice(v.Base, v.Len)...))
	}
	if h := (*unix.Cmsghdr)(unsafe.Pointer(m.header.Control)); h != nil && h.Type == unix.UDP_SEGMENT {
		s.segment = int(*(*control)(unsafe.Pointer(m.header.Control)).size())
	}
	return s
}

// wellCut: what the kernel makes of the message is what was written.
func (s sent) wellCut() bool {
	if len(s.packets) == 1 {
		return s.segment == 0
	}
	for i, p := range s.packets {
		last := i == len(s.packets)-1
		if len(p) == 0 || len(p) > s.segment || !last && len(p) != s.segment {
			return false
		}
	}
	return true
}

// cuts is a Conn on a kernel that can cut.
func cuts(tb testing.TB, cfg Config) *Conn {
	tb.Helper()
	c := loopback(tb, cfg)
	if !c.Stats().Coalescing {
		tb.Skip("this kernel has no UDP_SEGMENT")
	}
	return c
}

// intercept puts f before the system call: what it answers with other than 0
// the kernel never sees.
func intercept(c *Conn, f func(s sent) unix.Errno) {
	kernel := c.main.out.call
	c.main.out.call = func(fd uintptr, m []message) (int, unix.Errno) {
		for i := range m {
			if e := f(decode(&m[i])); e != 0 {
				if i == 0 {
					return 0, e
				}
				return kernel(fd, m[:i])
			}
		}
		return kernel(fd, m)
	}
}

func TestManyDestinationsInOneCall(t *testing.T) {
	t.Parallel()
	c := cuts(t, Config{Wait: time.Hour})
	var all []*receiver
	for range 40 {
		all = append(all, newReceiver(t, "udp4", "127.0.0.1:0"))
	}
	for i := range uint32(5) {
		for _, r := range all {
			write(t, c, packet(i, 1100), r.to)
		}
	}
	c.Flush()
	for _, r := range all {
		r.expect(t, 0, 1, 2, 3, 4)
	}
	if st := c.Stats(); st.Calls != 1 || st.Messages != 40 || st.Segmented != 40 || st.Segments != 200 {
		t.Errorf("stats %+v", st)
	}
}

// TestNeverCut: a kernel that refuses the first message is asked no more, and
// what it refused arrives.
func TestNeverCut(t *testing.T) {
	t.Parallel()
	for _, e := range []unix.Errno{unix.EIO, unix.EINVAL, unix.EOPNOTSUPP} {
		t.Run(e.Error(), func(t *testing.T) {
			t.Parallel()
			c := cuts(t, Config{Wait: time.Hour})
			intercept(c, func(s sent) unix.Errno {
				if s.segment != 0 {
					return e
				}
				return 0
			})
			a, b := newReceiver(t, "udp4", "127.0.0.1:0"), newReceiver(t, "udp4", "127.0.0.1:0")
			for i := range uint32(20) {
				write(t, c, packet(i, 800), a.to)
				write(t, c, packet(i, 900), b.to)
			}
			c.Flush()
			for i := range uint32(20) {
				a.expect(t, i)
				b.expect(t, i)
			}
			if st := c.Stats(); st.Coalescing || st.Refused != 1 || st.Dropped != 0 || st.Direct != 0 {
				t.Errorf("stats %+v", st)
			}
			write(t, c, packet(20, 800), a.to) // nobody flushes
			a.expect(t, 20)
			if st := c.Stats(); st.Direct != 1 {
				t.Errorf("stats %+v", st)
			}
		})
	}
}

// TestOneRouteRefuses: a destination behind a narrow route is no reason to give
// up the others.
func TestOneRouteRefuses(t *testing.T) {
	t.Parallel()
	c := cuts(t, Config{Wait: time.Hour})
	narrow, wide := newReceiver(t, "udp4", "127.0.0.1:0"), newReceiver(t, "udp4", "127.0.0.1:0")
	intercept(c, func(s sent) unix.Errno {
		if s.segment != 0 && s.to == narrow.to {
			return unix.EMSGSIZE
		}
		return 0
	})
	for i := uint32(0); i < 40; i += 4 {
		for j := range uint32(4) {
			write(t, c, packet(i+j, 800), wide.to)
			write(t, c, packet(i+j, 800), narrow.to)
		}
		c.Flush()
		wide.expect(t, i, i+1, i+2, i+3)
		narrow.expect(t, i, i+1, i+2, i+3)
	}
	if st := c.Stats(); !st.Coalescing || st.Refused != 1 || st.Segmented != 10 || st.Dropped != 0 {
		t.Errorf("stats %+v", st)
	}
}

// TestStopsCutting: the route of all has changed.
func TestStopsCutting(t *testing.T) {
	t.Parallel()
	c := cuts(t, Config{Wait: time.Hour})
	first := newReceiver(t, "udp4", "127.0.0.1:0")
	send := func(r *receiver) {
		t.Helper()
		for i := range uint32(3) {
			write(t, c, packet(i, 800), r.to)
		}
		c.Flush()
		r.expect(t, 0, 1, 2)
	}
	send(first)
	intercept(c, func(s sent) unix.Errno {
		if s.segment != 0 {
			return unix.EIO
		}
		return 0
	})
	for i := 1; c.Stats().Coalescing; i++ {
		if i > refusalsInRow {
			t.Fatalf("still asking after %d refusals", i)
		}
		send(newReceiver(t, "udp4", "127.0.0.1:0"))
	}
	if st := c.Stats(); st.Refused != refusalsInRow || st.Dropped != 0 {
		t.Errorf("stats %+v", st)
	}
	send(first)
}

func TestKernelHasNoRoom(t *testing.T) {
	t.Parallel()
	for _, e := range []unix.Errno{unix.EAGAIN, unix.ENOBUFS, unix.EINTR} {
		t.Run(e.Error(), func(t *testing.T) {
			t.Parallel()
			c := cuts(t, Config{Wait: time.Hour})
			var pauses []time.Duration
			c.main.out.pause = func(d time.Duration) { pauses = append(pauses, d) }
			a, b := newReceiver(t, "udp4", "127.0.0.1:0"), newReceiver(t, "udp4", "127.0.0.1:0")
			left := 5
			intercept(c, func(s sent) unix.Errno {
				if s.to == b.to && left > 0 {
					left--
					return e
				}
				return 0
			})
			for i := range uint32(4) {
				write(t, c, packet(i, 800), a.to)
				write(t, c, packet(i, 800), b.to)
			}
			c.Flush()
			a.expect(t, 0, 1, 2, 3)
			b.expect(t, 0, 1, 2, 3)
			st := c.Stats()
			if e == unix.EINTR {
				if st.Stalls != 0 || len(pauses) != 0 || st.Dropped != 0 {
					t.Errorf("pauses %v, stats %+v", pauses, st)
				}
				return
			}
			// The first of the five came behind a, which was taken.
			if st.Stalls != 4 || st.Dropped != 0 || !st.Coalescing || len(pauses) != 4 {
				t.Errorf("pauses %v, stats %+v", pauses, st)
			}
			for i := 1; i < len(pauses); i++ {
				if pauses[i] <= pauses[i-1] {
					t.Errorf("pauses %v do not grow", pauses)
				}
			}
		})
	}
}

// TestKernelNeverHasRoom: then, and only then, packets are given up.
func TestKernelNeverHasRoom(t *testing.T) {
	t.Parallel()
	c := cuts(t, Config{Wait: time.Hour})
	var waited time.Duration
	c.main.out.pause = func(d time.Duration) { waited += d }
	full := true
	intercept(c, func(sent) unix.Errno {
		if full {
			return unix.ENOBUFS
		}
		return 0
	})
	a, b := newReceiver(t, "udp4", "127.0.0.1:0"), newReceiver(t, "udp4", "127.0.0.1:0")
	for i := range uint32(10) {
		write(t, c, packet(i, 800), a.to)
		write(t, c, packet(i, 800), b.to)
	}
	c.Flush()
	if st := c.Stats(); st.Dropped != 20 || waited < 100*time.Millisecond || waited > time.Second {
		t.Errorf("waited %v, stats %+v", waited, st)
	}
	full = false
	write(t, c, packet(10, 800), a.to)
	c.Flush()
	a.expect(t, 10)
}

// TestOutOfReach: one destination without a route costs its own packets alone.
func TestOutOfReach(t *testing.T) {
	t.Parallel()
	c := cuts(t, Config{Wait: time.Hour})
	lost := newReceiver(t, "udp4", "127.0.0.1:0")
	intercept(c, func(s sent) unix.Errno {
		if s.to == lost.to {
			return unix.ENETUNREACH
		}
		return 0
	})
	a, b := newReceiver(t, "udp4", "127.0.0.1:0"), newReceiver(t, "udp4", "127.0.0.1:0")
	for i := range uint32(4) {
		for _, r := range []*receiver{a, lost, b} {
			write(t, c, packet(i, 800), r.to)
		}
	}
	c.Flush()
	a.expect(t, 0, 1, 2, 3)
	b.expect(t, 0, 1, 2, 3)
	if st := c.Stats(); st.Dropped != 4 || st.Refused != 0 || !st.Coalescing {
		t.Errorf("stats %+v", st)
	}
}

// TestSocketClosedByOthers: no loop, no panic, the loss is told.
func TestSocketClosedByOthers(t *testing.T) {
	t.Parallel()
	c := cuts(t, Config{Wait: time.Hour})
	to := netip.MustParseAddrPort("127.0.0.1:9")
	for i := range uint32(3) {
		write(t, c, packet(i, 800), to)
	}
	_ = c.sock.Close()
	c.Flush()
	if st := c.Stats(); st.Dropped != 3 {
		t.Errorf("stats %+v", st)
	}
}

// FuzzSend: whatever is written to whom, and whatever the kernel answers, the
// messages are well formed and each destination gets its packets in order,
// none twice, and none is missing that was not counted.
func FuzzSend(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8}, []byte{0}, uint8(8))
	f.Add([]byte{0, 0, 0, 0, 64, 64, 64, 255, 1, 1, 1}, []byte{0, 1, 2, 3, 4, 5, 6, 7}, uint8(2))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0}, []byte{0, 0, 0, 1, 1, 1, 1}, uint8(64))
	f.Fuzz(func(t *testing.T, writes, answers []byte, segments uint8) {
		sock := listen(t, "udp4", "127.0.0.1:0")
		defer sock.Close()
		counts := &counters{}
		cfg := Config{Segments: 1 + int(segments)%maxSegments}.withDefaults()
		out, err := newSender(sock, counts, &marks{}, cfg)
		if err != nil || out == nil {
			t.Skip(err)
		}
		out.pause = func(time.Duration) {}
		arrived := make(map[netip.AddrPort][][]byte)
		turn := 0
		out.call = func(_ uintptr, m []message) (int, unix.Errno) {
			if len(m) == 0 || len(m) > maxMessages {
				t.Fatalf("%d messages", len(m))
			}
			for i := range m {
				s := decode(&m[i])
				if !s.wellCut() || len(s.packets) > cfg.Segments {
					t.Fatalf("a message that the kernel cuts wrongly: %d packets, %d", len(s.packets), s.segment)
				}
				if e := answer(answers, &turn, s); e != 0 {
					if i == 0 {
						return 0, e
					}
					return i, 0
				}
				arrived[s.to] = append(arrived[s.to], s.packets...)
			}
			return len(m), 0
		}
		wrote := make(map[netip.AddrPort][][]byte)
		q := newBatch(cfg.Segments, 1452, cfg.Pending)
		total := 0
		for i, w := range writes {
			to := netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, w & 7}), 1000)
			p := packet(uint32(i), 12+int(w>>3)*60)
			for !q.add(p, to) { // as a writer does that finds no room
				if q.empty() {
					t.Fatal("no room in an empty batch")
				}
				out.send(q.trains[:q.count])
				q.reset()
			}
			total++
			wrote[to] = append(wrote[to], p)
			if w == 255 {
				out.send(q.trains[:q.count])
				q.reset()
			}
		}
		out.send(q.trains[:q.count])
		here := 0
		for to, list := range arrived {
			here += len(list)
			at := 0
			for _, p := range list {
				for at < len(wrote[to]) && string(wrote[to][at]) != string(p) {
					at++ // given up
				}
				if at == len(wrote[to]) {
					t.Fatalf("%v got a packet that is not its own, out of order or twice", to)
				}
				at++
			}
		}
		if dropped := int(counts.dropped.Load()); here+dropped != total {
			t.Fatalf("%d written, %d arrived, %d given up", total, here, dropped)
		}
	})
}

// answer is the kernel's of the fuzzer.
func answer(answers []byte, turn *int, s sent) unix.Errno {
	if len(answers) == 0 {
		return 0
	}
	a := answers[*turn%len(answers)]
	*turn++
	switch a % 8 {
	case 1:
		if s.segment != 0 {
			return unix.EIO
		}
	case 2:
		if s.segment != 0 {
			return unix.EMSGSIZE
		}
	case 3:
		return unix.EAGAIN
	case 4:
		return unix.ENOBUFS
	case 5:
		return unix.ENETUNREACH
	}
	return 0
}

// cpu is what this process has used.
func cpu(tb testing.TB) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkBurst is a frame of six packets for many destinations, as the
// fan-out writes it. One operation is one packet. On loopback the sender pays
// for the receiver's side of the kernel as well.
func BenchmarkBurst(b *testing.B) {
	for _, x := range []struct {
		name   string
		cfg    Config
		marked bool
	}{{"plain", Config{Plain: true}, false}, {"together", Config{Wait: time.Hour}, false}, {"marked", Config{Wait: time.Hour}, true}} {
		for _, destinations := range []int{10, 100, 300} {
			b.Run(fmt.Sprintf("%s/%d", x.name, destinations), func(b *testing.B) {
				c := loopback(b, x.cfg)
				var to []netip.AddrPort
				for range destinations {
					to = append(to, newReceiver(b, "udp4", "127.0.0.1:0").to)
					if x.marked {
						mark(b, c, 46, to[len(to)-1])
					}
				}
				p := packet(0, 1200)
				b.SetBytes(int64(len(p)))
				b.ReportAllocs()
				b.ResetTimer()
				before := cpu(b)
				for n := 0; n < b.N; {
					for range 6 {
						for _, a := range to {
							_, _ = c.WriteToAddrPort(p, a)
							n++
						}
					}
					c.Flush()
				}
				b.ReportMetric(float64(cpu(b)-before)/float64(b.N), "cpu-ns/op")
			})
		}
	}
}

// BenchmarkBurstWithoutKernel is what remains of it when the kernel does
// nothing.
func BenchmarkBurstWithoutKernel(b *testing.B) {
	for _, marked := range []bool{false, true} {
		b.Run(fmt.Sprintf("marked=%t", marked), func(b *testing.B) {
			c := cuts(b, Config{Wait: time.Hour})
			c.main.out.call = func(_ uintptr, m []message) (int, unix.Errno) { return len(m), 0 }
			var to []netip.AddrPort
			for i := range 100 {
				to = append(to, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(20000+i)))
				if marked {
					mark(b, c, 46, to[i])
				}
			}
			p := packet(0, 1200)
			b.ReportAllocs()
			for b.Loop() {
				for range 6 {
					for _, a := range to {
						_, _ = c.WriteToAddrPort(p, a)
					}
				}
				c.Flush()
			}
		})
	}
}
