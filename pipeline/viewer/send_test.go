package viewer

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"go.uber.org/goleak"

	"kelas/pipeline/udp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testSSRC  = 0x1234
	stampedAs = 5
)

// sending is a connection whose transport is up, as far as sending goes, and
// the browser's end of it.
type sending struct {
	*Conn
	browser *net.UDPConn
	keys    *srtp.Context
	buf     []byte
}

func newSending(tb testing.TB, profile srtp.ProtectionProfile) *sending {
	tb.Helper()
	sock := func() *net.UDPConn {
		s, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			tb.Fatal(err)
		}
		return s
	}
	media, err := udp.New(sock(), udp.Config{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = media.Close() })
	lane, err := media.NewLane()
	if err != nil {
		tb.Fatal(err)
	}
	if lane == nil {
		tb.Skip("packets are not put together on this system")
	}
	s := &sending{Conn: &Conn{lane: lane}, browser: sock(), buf: make([]byte, 2000)}
	tb.Cleanup(func() { _ = s.browser.Close() })
	key, salt := bytes.Repeat([]byte{7}, 16), bytes.Repeat([]byte{9}, 14)
	if profile == srtp.ProtectionProfileAeadAes128Gcm {
		salt = salt[:12]
	}
	out, err := srtp.CreateContext(key, salt, profile)
	if err != nil {
		tb.Fatal(err)
	}
	if s.keys, err = srtp.CreateContext(key, salt, profile); err != nil {
		tb.Fatal(err)
	}
	s.sender.ready(out)
	to := s.browser.LocalAddr().(*net.UDPAddr).AddrPort()
	s.route.Store(&route{to: netip.AddrPortFrom(to.Addr().Unmap(), to.Port()), direct: true})
	return s
}

func (s *sending) receive(tb testing.TB) rtp.Packet {
	tb.Helper()
	_ = s.browser.SetReadDeadline(time.Now().Add(15 * time.Second))
	n, err := s.browser.Read(s.buf)
	if err != nil {
		tb.Fatalf("nothing came: %v", err)
	}
	plain, err := s.keys.DecryptRTP(nil, s.buf[:n], nil)
	if err != nil {
		tb.Fatalf("it is not what was encrypted: %v", err)
	}
	var p rtp.Packet
	if err := p.Unmarshal(plain); err != nil {
		tb.Fatal(err)
	}
	return p
}

func TestPacketsAreSealedInTheLane(t *testing.T) {
	for name, profile := range map[string]srtp.ProtectionProfile{
		"AES-GCM": srtp.ProtectionProfileAeadAes128Gcm, "AES-CM": srtp.ProtectionProfileAes128CmHmacSha1_80,
	} {
		t.Run(name, func(t *testing.T) {
			s := newSending(t, profile)
			s.number = 65534 // and over the end
			for i := range 5 {
				h := rtp.Header{Version: 2, SSRC: testSSRC, SequenceNumber: uint16(65533 + i), Timestamp: 90, PayloadType: 96, Marker: i == 4}
				if i%2 == 1 {
					h.Padding, h.PaddingSize = true, byte(i)
				}
				payload := bytes.Repeat([]byte{byte(i + 1)}, 300+i)
				number, err := s.WriteRTP(&h, payload, stampedAs)
				if err != nil || number != uint16(65534+i) {
					t.Fatalf("number %d, %v", number, err)
				}
			}
			s.lane.Flush()
			for i := range 5 {
				p := s.receive(t)
				if p.SSRC != testSSRC || p.SequenceNumber != uint16(65533+i) || p.Marker != (i == 4) || p.PayloadType != 96 {
					t.Errorf("header %v", p.Header)
				}
				if !bytes.Equal(p.Payload, bytes.Repeat([]byte{byte(i + 1)}, 300+i)) {
					t.Errorf("packet %d has %d bytes of another payload", i, len(p.Payload))
				}
				want := uint16(65534 + i)
				if x := p.GetExtension(stampedAs); !bytes.Equal(x, []byte{byte(want >> 8), byte(want)}) {
					t.Errorf("stamp % x, want %d", x, want)
				}
			}
		})
	}
}

// TestUnstampedRepeatIsTheSame: a packet that may be sent again under its own
// number has the nonce of the first, so it must be the first.
func TestUnstampedRepeatIsTheSame(t *testing.T) {
	s := newSending(t, srtp.ProtectionProfileAeadAes128Gcm)
	var first []byte
	for range 2 {
		h := rtp.Header{Version: 2, SSRC: testSSRC, SequenceNumber: 9, PayloadType: 96, Padding: true, PaddingSize: 4}
		if _, err := s.WriteRTP(&h, []byte("some pictures"), 0); err != nil {
			t.Fatal(err)
		}
		s.lane.Flush()
		n, err := s.browser.Read(s.buf)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = bytes.Clone(s.buf[:n])
		} else if !bytes.Equal(first, s.buf[:n]) {
			t.Error("two packets have one nonce")
		}
	}
}

func TestSendingDoesNotAllocate(t *testing.T) {
	s := newSending(t, srtp.ProtectionProfileAeadAes128Gcm)
	payload := make([]byte, 1100)
	extensions := make([]rtp.Extension, 0, 4)
	var h rtp.Header
	seq := uint16(0)
	frame := func() {
		for range 6 {
			h = rtp.Header{Version: 2, SSRC: testSSRC, SequenceNumber: seq, PayloadType: 96, Extensions: extensions[:0]}
			seq++
			if _, err := s.WriteRTP(&h, payload, stampedAs); err != nil {
				t.Fatal(err)
			}
		}
		s.lane.Flush()
	}
	frame()
	if n := testing.AllocsPerRun(200, frame); n != 0 {
		t.Errorf("%v allocations for a frame", n)
	}
}

func TestNothingIsSentBeforeTheTransportIsUp(t *testing.T) {
	c := &Conn{}
	if _, err := c.WriteRTP(&rtp.Header{Version: 2}, nil, 0); err != errNotReady {
		t.Errorf("a packet: %v", err)
	}
	if err := c.WriteRTCP(nil); err == nil {
		t.Error("a report was sent")
	}
}

func BenchmarkSend(b *testing.B) {
	s := newSending(b, srtp.ProtectionProfileAeadAes128Gcm)
	payload := make([]byte, 1100)
	extensions := make([]rtp.Extension, 0, 4)
	var h rtp.Header
	b.ReportAllocs()
	for i := range b.N {
		h = rtp.Header{Version: 2, SSRC: testSSRC, SequenceNumber: uint16(i), PayloadType: 96, Extensions: extensions[:0]}
		if _, err := s.WriteRTP(&h, payload, stampedAs); err != nil {
			b.Fatal(err)
		}
		if i%6 == 5 {
			s.lane.Flush()
		}
	}
}
