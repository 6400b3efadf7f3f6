package kurento

import (
	"strings"
	"testing"
	"time"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

func newMarks(t *testing.T) *pipelinetest.Marks {
	t.Helper()
	m, err := pipelinetest.NewMarks()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestDSCP: what browsers are sent has the code point of their endpoint, media
// and all else, and that of an endpoint without one has none.
func TestDSCP(t *testing.T) {
	for _, x := range []struct {
		name string
		cfg  pipeline.Config
		ipv6 bool
	}{
		{"IPv4", pipeline.Config{MediaAddr: "127.0.0.1:0"}, false},
		{"IPv6", pipeline.Config{MediaAddr: "[::1]:0"}, true},
		{"a PeerConnection for each", pipeline.Config{OnlyPeerConnections: true}, false},
		{"packets one by one", pipeline.Config{PlainUDP: true}, false},
	} {
		t.Run(x.name, func(t *testing.T) {
			x.cfg.KeepAlive = 200 * time.Millisecond
			c := newMediaRig(t, Config{}, x.cfg).dial()
			p := c.pipeline()
			o := func(m *pipelinetest.Marks) pipelinetest.Options {
				return pipelinetest.Options{Net: m, IPv6: x.ipv6, Places: []pipelinetest.Place{pipelinetest.Mic, pipelinetest.Camera}}
			}
			up, down, bare := newMarks(t), newMarks(t), newMarks(t)
			teacher := pipelinetest.NewPresenter(t, o(up))
			from := c.create("WebRtcEndpoint", obj{"mediaPipeline": p, "qosDscp": "VIDEO_HIGH_THROUGHPUT"})
			c.negotiate(from, teacher.Negotiate)
			teacher.WaitConnected()
			teacher.Start(pipelinetest.Mic, pipelinetest.Camera)
			var viewers []*pipelinetest.Viewer
			for _, v := range []struct {
				marks *pipelinetest.Marks
				dscp  string
			}{{down, "EF"}, {bare, "NO_VALUE"}} {
				to := c.create("WebRtcEndpoint", obj{"mediaPipeline": p, "qosDscp": v.dscp})
				page := pipelinetest.NewViewer(t, o(v.marks))
				c.negotiate(to, page.Negotiate)
				page.WaitConnected()
				c.invoke(from, "connect", obj{"sink": to})
				viewers = append(viewers, page)
			}
			for _, v := range viewers {
				v.Slot(pipelinetest.Camera).WaitTotal(t, 20, patience)
			}
			eventually(t, "reports for all", func() bool {
				return up.Seen("rtcp")[34] > 2 && down.Seen("rtcp")[46] > 1 && bare.Seen("rtcp")[0] > 1
			})
			onlyMarked(t, "presenter", up, 34)
			onlyMarked(t, "viewer", down, 46)
			onlyMarked(t, "viewer without", bare, 0)
			if n := down.Seen("rtp")[46]; n < 20 {
				t.Errorf("%d packets of media were marked", n)
			}
			// Kept-up paths are marked too.
			eventually(t, "answers to checks", func() bool { return down.Seen("stun")[46] > 0 && up.Seen("stun")[34] > 0 })
		})
	}
}

// onlyMarked: media and reports have that code point. The handshake may begin
// while the choice of a path is being told.
func onlyMarked(t *testing.T, who string, m *pipelinetest.Marks, dscp int) {
	t.Helper()
	for _, kind := range []string{"rtp", "rtcp"} {
		for got, n := range m.Seen(kind) {
			if got != dscp {
				t.Errorf("%s: %d packets of %s have the code point %d", who, n, kind, got)
			}
		}
	}
}

// TestDSCPElsewhere: a network that is not the system's cannot mark, and says so.
func TestDSCPElsewhere(t *testing.T) {
	n := pipelinetest.NewNetwork(t, pipelinetest.NetworkOptions{})
	c := newMediaRig(t, Config{}, pipeline.Config{Net: n.Server(), MediaAddr: pipelinetest.ServerIP + ":8189"}).dial()
	p := c.pipeline()
	for _, x := range table.types["DSCPValue"].values {
		params := obj{"type": "WebRtcEndpoint", "constructorParams": obj{"mediaPipeline": p, "qosDscp": x}}
		n, known := dscp[x]
		switch {
		case !known:
			t.Errorf("%s has no code point", x)
		case n == 0:
			c.must("create", params)
		default:
			if m := c.refuse(codeNotImplemented, "create", params); !strings.Contains(m.Error.Message, "marking") {
				t.Errorf("%s: %s", x, m.Error.Message)
			}
		}
	}
	if len(dscp) != len(table.types["DSCPValue"].values) {
		t.Errorf("%d code points for %d names", len(dscp), len(table.types["DSCPValue"].values))
	}
}
