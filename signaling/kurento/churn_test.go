package kurento

import (
	"cmp"
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

var cycles = flag.Int("cycles", 30, "how often the tests of churn make, negotiate, connect and release")

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

// scope is a test whose cleanups come when it says so: a browser of a cycle
// must not live as long as the test.
type scope struct {
	testing.TB
	cleanups []func()
}

func (s *scope) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }

func (s *scope) end() {
	for _, f := range slices.Backward(s.cleanups) {
		f()
	}
}

// lesson is a cycle with browsers: a presenter and two viewers, ICE, DTLS and
// pictures that reach both, then all is released while the media flows.
func (c *client) lesson() {
	c.t.Helper()
	tb := &scope{TB: c.t}
	defer tb.end()
	p := c.pipeline()
	presenter := pipelinetest.NewPresenter(tb, pipelinetest.Options{Places: []pipelinetest.Place{pipelinetest.Mic, pipelinetest.Camera}})
	from := c.endpoint(p)
	for _, typ := range []string{"IceComponentStateChanged", "MediaStateChanged", "MediaFlowInStateChanged", "Error"} {
		c.subscribe(from, typ)
	}
	c.negotiate(from, presenter.Negotiate)
	presenter.Start(pipelinetest.Mic, pipelinetest.Camera)
	var first string
	for range 2 {
		viewer := pipelinetest.NewViewer(tb, pipelinetest.Options{Places: []pipelinetest.Place{pipelinetest.Mic, pipelinetest.Camera}})
		to := c.endpoint(p)
		c.subscribe(to, "MediaFlowOutStateChanged")
		c.negotiate(to, viewer.Negotiate)
		c.invoke(from, "connect", obj{"sink": to})
		viewer.Slot(pipelinetest.Camera).WaitFrames(tb, 1, patience)
		first = cmp.Or(first, to)
	}
	c.must("release", obj{"object": first})
	c.must("release", obj{"object": p})
	c.events = nil
}

// use is what the process has in use when nothing is going on.
type use struct {
	heap       uint64
	rss        int64 // KiB
	goroutines int
}

func (u use) String() string {
	return fmt.Sprintf("heap %d KiB, RSS %d KiB, %d goroutines", u.heap/1024, u.rss, u.goroutines)
}

func inUse(t testing.TB) use {
	t.Helper()
	for range 3 {
		runtime.GC()
	}
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	rss, err := getUsedMemory(nil)
	if err != nil {
		t.Fatal(err)
	}
	return use{m.HeapAlloc, rss.(int64), runtime.NumGoroutine()}
}

// back waits until the goroutines are as many as before, and compares the rest.
// A leak of one endpoint a cycle would be some hundred KiB each.
func (r *rig) back(t testing.TB, what string, before use) {
	t.Helper()
	eventually(t, "the goroutines end", func() bool { return inUse(t).goroutines <= before.goroutines })
	after := inUse(t)
	t.Logf("%s\nbefore: %v\n after: %v", what, before, after)
	if after.heap > before.heap+4<<20 {
		t.Errorf("the heap has grown by %d KiB", (after.heap-before.heap)/1024)
	}
	if st := r.s.Stats(); st != (Stats{}) {
		t.Errorf("left is %+v", st)
	}
	if st := r.s.cfg.Media.Stats(); st.Pipelines != 0 || st.Endpoints != 0 {
		t.Errorf("left of the media is %d pipelines, %d endpoints", st.Pipelines, st.Endpoints)
	}
}

// churn has as many applications as there may be parallel tests run cycles
// together, each in a session of its own that it closes.
func (r *rig) churn(t *testing.T, n int, cycle func(*client)) {
	var left atomic.Int64
	left.Store(int64(n))
	t.Run("cycles", func(t *testing.T) {
		for i := range 8 {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				c := (&rig{t, r.s, r.url}).dial()
				id := c.connect("")
				for left.Add(-1) >= 0 && !t.Failed() {
					c.t = t
					cycle(c)
				}
				c.must("closeSession", obj{"sessionId": id})
			})
		}
	})
	r.detached()
}

// TestChurn: what is made and released is really gone, media, sessions and
// request memory included. With -cycles 10000 it is the figure in the README.
func TestChurn(t *testing.T) {
	r := newRig(t, Config{})
	r.churn(t, 10, (*client).lesson) // pools and caches fill
	before := inUse(t)
	r.churn(t, *cycles, (*client).lesson)
	r.back(t, fmt.Sprintf("%d cycles of a presenter and two viewers with media", *cycles), before)
}

// TestChurnOfNegotiation is the same for browsers that never come.
func TestChurnOfNegotiation(t *testing.T) {
	r := newRig(t, Config{})
	sending, receiving := offers(t)
	cycle := func(c *client) { c.cycle(sending, receiving) }
	r.churn(t, 50, cycle)
	before := inUse(t)
	r.churn(t, *cycles, cycle)
	r.back(t, fmt.Sprintf("%d cycles without a browser", *cycles), before)
}

// TestChurnOfSessions: clients that connect, make something, and go without a
// word are collected with all they had.
func TestChurnOfSessions(t *testing.T) {
	r := newMediaRig(t, Config{CollectPeriod: time.Hour, MaxSessions: 1 << 20}, pipeline.Config{MaxPipelines: 1 << 20, MaxElements: 1 << 20})
	visit := func() {
		c := r.dial()
		c.connect("")
		p := c.pipeline()
		c.subscribe(p, "Error")
		c.mustText("create", obj{"type": "PassThrough", "constructorParams": obj{"mediaPipeline": p}})
		c.close()
	}
	collect := func() {
		r.detached()
		r.s.sweep()
		r.s.sweep()
	}
	visits := func(n int) {
		tb := r.t
		defer func() { r.t = tb }()
		for range n {
			s := &scope{TB: t}
			r.t = s
			visit()
			s.end()
		}
	}
	visits(20)
	collect()
	before := inUse(t)
	n := max(500, *cycles)
	visits(n)
	if st := r.s.Stats(); st.Sessions != n || st.Objects != 2*n {
		t.Errorf("%+v before the collection", st)
	}
	collect()
	r.back(t, fmt.Sprintf("%d sessions that nobody closed", n), before)
}

// TestCrowd: clients that make, join, share, cut and come back at the same
// time, while the collector goes by without a pause, leave nothing, and none
// waits for another.
func TestCrowd(t *testing.T) {
	r := newMediaRig(t, Config{CollectPeriod: time.Hour}, pipeline.Config{})
	before := inUse(t)
	stop := make(chan struct{})
	swept := make(chan struct{})
	go func() {
		defer close(swept)
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				r.s.sweep()
			}
		}
	}()
	owner := r.dial()
	shared := owner.pipeline()
	owner.subscribe(managerID, "ObjectDestroyed")
	t.Run("clients", func(t *testing.T) {
		for i := range 8 {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				for range 15 {
					s := &scope{TB: t}
					c := (&rig{s, r.s, r.url}).dial()
					c.t = t
					id := c.connect("")
					c.subscribe(managerID, "ObjectCreated")
					p := c.pipeline()
					e := c.mustText("create", obj{"type": "PassThrough", "constructorParams": obj{"mediaPipeline": p}})
					own := c.mustText("create", obj{"type": "PassThrough", "constructorParams": obj{"mediaPipeline": shared}})
					c.subscribe(own, "ElementConnected")
					c.invoke(own, "connect", obj{"sink": own, "mediaType": "DATA"})
					c.send("transaction", obj{"operations": []obj{op(0, "create", obj{"type": "Dispatcher", "constructorParams": obj{"mediaPipeline": p}}),
						op(1, "create", obj{"type": "HubPort", "constructorParams": obj{"hub": "newref:0"}}), op(2, "release", obj{"object": "newref:0"})}})
					again := (&rig{s, r.s, r.url}).dial()
					again.t, again.next = t, 1000
					again.must("describe", obj{"object": e, "sessionId": id}) // with its socket it stays
					c.must("ping", nil)
					_ = c.ws.NetConn().Close()
					again.must("unref", obj{"object": own, "sessionId": id})
					again.must("closeSession", obj{"sessionId": id})
					again.refuse(codeNotFound, "describe", obj{"object": e})
					s.end()
				}
			})
		}
	})
	owner.must("release", obj{"object": shared})
	owner.close()
	r.detached()
	close(stop)
	<-swept
	r.s.sweep()
	r.s.sweep()
	r.back(t, "a crowd", before)
}

func BenchmarkCycle(b *testing.B) {
	r := newRig(b, Config{})
	c := r.dial()
	sending, receiving := offers(b)
	for b.Loop() {
		c.cycle(sending, receiving)
	}
}
