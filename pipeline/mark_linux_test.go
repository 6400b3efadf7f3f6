package pipeline

import (
	"errors"
	"net/netip"
	"slices"
	"syscall"
	"testing"

	"kelas/pipeline/pipelinetest"
)

// TestMarkedByTCP: a path over ICE-TCP has the mark on its connection.
func TestMarkedByTCP(t *testing.T) {
	t.Parallel()
	s, p := ownPipeline(t, Config{TCPAddr: "127.0.0.1:0"})
	for _, dscp := range []int{34, 0} {
		e, err := p.NewWebRtcEndpoint(WebRtcEndpointOptions{DSCP: dscp})
		if err != nil {
			t.Fatal(err)
		}
		v := pipelinetest.NewViewer(t, pipelinetest.Options{TCPOnly: true})
		v.Negotiate(e.ProcessOffer)
		v.WaitConnected()
		eventually(t, "the connection has its code point", func() bool {
			classes := s.net.tcp.classes(t)
			return len(classes) > 0 && slices.Max(classes)>>2 == dscp // the client may open more than one
		})
		v.Close()
		e.Release()
		eventually(t, "the connection is forgotten", func() bool { return len(s.net.tcp.classes(t)) == 0 })
	}
	for _, dscp := range []int{-1, 64} {
		if _, err := p.NewWebRtcEndpoint(WebRtcEndpointOptions{DSCP: dscp}); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%d: error %v", dscp, err)
		}
	}
}

// TestMarkEndsWithEndpoint: what else goes to that address afterwards has none.
func TestMarkEndsWithEndpoint(t *testing.T) {
	t.Parallel()
	s, p := ownPipeline(t, Config{})
	e, err := p.NewWebRtcEndpoint(WebRtcEndpointOptions{DSCP: 46})
	if err != nil {
		t.Fatal(err)
	}
	marks, err := pipelinetest.NewMarks()
	if err != nil {
		t.Fatal(err)
	}
	v := pipelinetest.NewViewer(t, pipelinetest.Options{Net: marks})
	v.Negotiate(e.ProcessOffer)
	v.WaitConnected()
	e.mu.Lock()
	link := e.link
	e.mu.Unlock()
	path, ok := link.path()
	if !ok {
		t.Fatal("there is no path")
	}
	to := netip.MustParseAddrPort(path.address)
	report := make([]byte, 20) // looks like RTCP, and is thrown away
	report[0], report[1] = 0x80, 205
	eventually(t, "the path is marked", func() bool {
		_, err := s.net.media.WriteToAddrPort(report, to)
		return err == nil && marks.Seen("rtcp")[46] > 0
	})
	e.Release()
	before := marks.Seen("rtcp")[0]
	if _, err := s.net.media.WriteToAddrPort(report, to); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the packet comes unmarked", func() bool { return marks.Seen("rtcp")[0] > before })
}

// classes are the traffic classes of what is open.
func (l *markedListener) classes(t *testing.T) []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []int
	for _, c := range l.open {
		raw, err := c.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		// One that has just been closed has none.
		_ = raw.Control(func(fd uintptr) {
			if class, err := syscall.GetsockoptInt(int(fd), syscall.IPPROTO_IP, syscall.IP_TOS); err == nil {
				list = append(list, class)
			}
		})
	}
	return list
}
