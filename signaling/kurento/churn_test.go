package kurento

import (
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/pion/webrtc/v4"
)

var cycles = flag.Int("cycles", 200, "how often TestChurn makes, negotiates, connects and releases")

// offers are two browsers' descriptions, without the browsers: what is about
// the server's memory should not be about theirs.
func offers(t testing.TB) (sending, receiving string) {
	t.Helper()
	make := func(d webrtc.RTPTransceiverDirection) string {
		pc, err := webrtc.NewPeerConnection(webrtc.Configuration{})
		if err != nil {
			t.Fatal(err)
		}
		defer pc.GracefulClose()
		for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
			if _, err := pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: d}); err != nil {
				t.Fatal(err)
			}
		}
		offer, err := pc.CreateOffer(nil)
		if err != nil {
			t.Fatal(err)
		}
		return offer.SDP
	}
	return make(webrtc.RTPTransceiverDirectionSendonly), make(webrtc.RTPTransceiverDirectionRecvonly)
}

// cycle is one class: a presenter and a viewer, as the tutorials make them.
func (c *client) cycle(sending, receiving string) {
	p := c.pipeline()
	from, to := c.endpoint(p), c.endpoint(p)
	for _, e := range []string{from, to} {
		for _, typ := range []string{"IceCandidateFound", "IceComponentStateChanged", "MediaStateChanged", "Error"} {
			c.subscribe(e, typ)
		}
	}
	c.invoke(from, "processOffer", obj{"offer": sending})
	c.invoke(from, "gatherCandidates", nil)
	c.invoke(to, "processOffer", obj{"offer": receiving})
	c.invoke(from, "connect", obj{"sink": to})
	c.invoke(to, "gatherCandidates", nil)
	c.must("release", obj{"object": to})
	c.must("release", obj{"object": p})
	c.events = nil
}

func inUse() (heap uint64, goroutines int) {
	for range 3 {
		runtime.GC()
	}
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc, runtime.NumGoroutine()
}

// TestChurn: what is made and released is really gone. With -cycles 10000 it
// is the figure in the README.
func TestChurn(t *testing.T) {
	r := newRig(t, Config{})
	c := r.dial()
	sending, receiving := offers(t)
	for range 50 { // pools and caches fill
		c.cycle(sending, receiving)
	}
	heap, goroutines := inUse()
	for range *cycles {
		c.cycle(sending, receiving)
	}
	eventually(t, "the goroutines end", func() bool {
		_, n := inUse()
		return n <= goroutines
	})
	after, _ := inUse()
	t.Logf("%d cycles: heap %d KiB before, %d KiB after; %d goroutines", *cycles, heap/1024, after/1024, goroutines)
	// The request memory of one session is within memoryBytes; a leak of one
	// endpoint a cycle would be some hundred KiB each.
	if after > heap+memoryBytes+4<<20 {
		t.Errorf("heap %d KiB before, %d KiB after %d cycles", heap/1024, after/1024, *cycles)
	}
	if st := r.s.Stats(); st != (Stats{1, 1, 0}) {
		t.Errorf("left is %+v", st)
	}
	if st := r.s.cfg.Media.Stats(); st.Pipelines != 0 || st.Endpoints != 0 {
		t.Errorf("left of the media is %d pipelines, %d endpoints", st.Pipelines, st.Endpoints)
	}
}

func BenchmarkCycle(b *testing.B) {
	r := newRig(b, Config{})
	c := r.dial()
	sending, receiving := offers(b)
	for b.Loop() {
		c.cycle(sending, receiving)
	}
}

// FuzzMessages: whatever one client sends, the server goes on, answers the
// next request, and leaves another session's objects alone.
func FuzzMessages(f *testing.F) {
	for _, text := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"ping"}`,
		`{"jsonrpc":"2.0","id":1,"method":"connect","params":{"sessionId":"x"}}`,
		`{"jsonrpc":"2.0","id":2,"method":"create","params":{"type":"MediaPipeline","constructorParams":{},"properties":{}}}`,
		`{"jsonrpc":"2.0","id":"3","method":"create","params":{"type":"WebRtcEndpoint","constructorParams":{"mediaPipeline":"PIPELINE","useDataChannels":null}}}`,
		`{"jsonrpc":"2.0","id":4,"method":"invoke","params":{"object":"ENDPOINT","operation":"processOffer","operationParams":{"offer":"v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n"}}}`,
		`{"jsonrpc":"2.0","id":5,"method":"invoke","params":{"object":"ENDPOINT","operation":"addIceCandidate","operationParams":{"candidate":{"__type__":"IceCandidate","candidate":"candidate:1 1 udp 1 10.0.0.1 9 typ host","sdpMid":"0","sdpMLineIndex":-7}}}}`,
		`{"jsonrpc":"2.0","id":6,"method":"invoke","params":{"object":"ENDPOINT","operation":"connect","operationParams":{"sink":"ENDPOINT","mediaType":"VIDEO","sourceMediaDescription":5}}}`,
		`{"jsonrpc":"2.0","id":7,"method":"subscribe","params":{"object":"ENDPOINT","type":"IceCandidateFound","sessionId":"mine"}}`,
		`{"jsonrpc":"2.0","id":8,"method":"transaction","params":{"operations":[{"jsonrpc":"2.0","id":0,"method":"create","params":{"type":"MediaPipeline"}},{"jsonrpc":"2.0","id":1,"method":"release","params":{"object":"newref:0"}}]}}`,
		`{"jsonrpc":"2.0","id":9,"method":"invoke","params":{"object":"manager_ServerManager","operation":"getKmd","operationParams":{"moduleName":"core"}}}`,
		`{"jsonrpc":"2.0","id":10,"method":"invoke","params":{"object":"manager_ServerManager","operation":"getUsedCpu","operationParams":{"interval":1e300}}}`,
		`{"jsonrpc":"2.0","id":11,"method":"closeSession","params":{"sessionId":"mine","release":"yes"}}`,
		`{"jsonrpc":"2.0","id":12,"method":"unref","params":{"object":"PIPELINE","sessionId":"mine"}}`,
		`[]`, `{"jsonrpc":"2.0","method":7}`, `nonsense`,
	} {
		f.Add(text)
	}
	r := newRig(f, Config{MaxSessions: 100000, Strict: true})
	victim := r.dial()
	mine := victim.pipeline()
	f.Fuzz(func(t *testing.T, text string) {
		victim.t = t
		c := (&rig{t, r.s, r.url}).dial()
		p := c.pipeline()
		e := c.endpoint(p)
		text = strings.NewReplacer("PIPELINE", p, "ENDPOINT", e, "VICTIM", mine).Replace(text)
		if strings.Contains(text, "getUsedCpu") { // which really waits
			text = strings.ReplaceAll(text, "getUsedCpu", "getCpuCount")
		}
		c.write(text)
		c.write(`{"jsonrpc":"2.0","id":"the end","method":"ping"}`)
		for string(c.answer().ID) != `"the end"` {
		}
		if victim.invoke(mine, "getId", nil) != mine {
			t.Error("another session's pipeline suffered")
		}
		// What this one made goes with its session.
		c.write(fmt.Sprintf(`{"jsonrpc":"2.0","id":"last","method":"release","params":{"object":%q}}`, p))
		for string(c.answer().ID) != `"last"` {
		}
	})
}
