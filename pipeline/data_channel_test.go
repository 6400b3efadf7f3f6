package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

func withData(t *testing.T, p *pipeline.MediaPipeline) *pipeline.WebRtcEndpoint {
	t.Helper()
	e, err := p.NewWebRtcEndpoint(pipeline.WebRtcEndpointOptions{UseDataChannels: true})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestDataLoopback(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	e := withData(t, newPipeline(t, s))
	got := events(t, e)
	connect(t, e, e)
	page := pipelinetest.NewMirror(t, pipelinetest.Options{})
	chat, other := page.OpenChannel("chat", nil), page.OpenChannel("other", nil)
	page.Negotiate(e.ProcessOffer)
	chat.WaitOpen()
	other.WaitOpen()
	a := waitEvent[pipeline.DataChannelOpened](t, got, nil)
	b := waitEvent[pipeline.DataChannelOpened](t, got, nil)
	if a.ChannelID == b.ChannelID {
		t.Errorf("both channels are %d", a.ChannelID)
	}
	var want []string
	for i := range 100 {
		text := fmt.Sprint("message ", i)
		chat.SendText(text)
		want = append(want, "t:"+text)
	}
	if err := chat.Channel().Send([]byte{0, 1, 255}); err != nil {
		t.Fatal(err)
	}
	want = append(want, "b:\x00\x01\xff")
	big := strings.Repeat("x", 60_000)
	chat.SendText(big)
	want = append(want, "t:"+big)
	eventually(t, "all messages come back", func() bool { return len(chat.Got()) == len(want) })
	if !slices.Equal(chat.Got(), want) {
		t.Error("they came back otherwise than they were sent")
	}
	if n := len(other.Got()); n != 0 {
		t.Errorf("%d messages on the other channel", n)
	}
	if flowing, ok := e.MediaFlowingIn(pipeline.Data, "default"); !ok || !flowing {
		t.Errorf("flowing %v, known %v", flowing, ok)
	}
	st := e.Stats().Data
	if st.Opened != 2 || st.Closed != 0 || len(st.Channels) != 2 {
		t.Fatalf("%+v", st)
	}
	for _, c := range st.Channels {
		if c.State != "open" || c.Label == "chat" && (c.MessagesReceived != 102 || c.MessagesSent != 102 || c.BytesSent != c.BytesReceived) {
			t.Errorf("%+v", c)
		}
	}
	if err := e.CloseDataChannel(a.ChannelID); err != nil {
		t.Fatal(err)
	}
	if c := waitEvent[pipeline.DataChannelClosed](t, got, nil); c.ChannelID != a.ChannelID {
		t.Errorf("channel %d closed, want %d", c.ChannelID, a.ChannelID)
	}
	eventually(t, "the page sees the end", func() bool { return chat.Closed() || other.Closed() })
	if err := e.CloseDataChannel(a.ChannelID); !errors.Is(err, pipeline.ErrNoSuchDataChannel) {
		t.Errorf("error %v", err)
	}
	eventually(t, "the figures are right", func() bool { return e.Stats().Data.Closed == 1 })
}

// TestDataToMany: from a presenter to viewers by way of a hub, on channels that
// the server opened, with other labels too.
func TestDataToMany(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	hub, err := p.NewDispatcherOneToMany()
	if err != nil {
		t.Fatal(err)
	}
	in := newPort(t, hub)
	if err := hub.SetSource(in); err != nil {
		t.Fatal(err)
	}
	from := withData(t, p)
	connect(t, from, in)
	teacher := pipelinetest.NewMirror(t, pipelinetest.Options{})
	board := teacher.OpenChannel("board", nil)
	teacher.Negotiate(from.ProcessOffer)
	var students []*pipelinetest.Channel
	for i := range 3 {
		e, port := withData(t, p), newPort(t, hub)
		connect(t, port, e)
		if err := e.CreateDataChannel(fmt.Sprint("from server ", i), pipeline.DataChannelOptions{Protocol: "chat"}); err != nil {
			t.Fatal(err)
		}
		page := pipelinetest.NewViewer(t, pipelinetest.Options{})
		list := page.Channels()
		page.OpenChannel("own", nil) // or the offer would have no line for data
		page.Negotiate(e.ProcessOffer)
		c := <-list
		c.WaitOpen()
		if c.Channel().Label() != fmt.Sprint("from server ", i) || c.Channel().Protocol() != "chat" || !c.Channel().Ordered() {
			t.Errorf("channel %q %q", c.Channel().Label(), c.Channel().Protocol())
		}
		eventually(t, "both channels are open here too", func() bool { return e.Stats().Data.Opened == 2 })
		students = append(students, c)
	}
	board.WaitOpen()
	eventually(t, "the presenter's channel is in the graph", func() bool { return len(in.Sources())+len(from.Sources()) >= 1 })
	board.SendText("one")
	board.SendText("two")
	for i, c := range students {
		eventually(t, "the messages come", func() bool { return len(c.Got()) >= 2 })
		if got := c.Got(); !slices.Equal(got, []string{"t:one", "t:two"}) {
			t.Errorf("student %d got %v", i, got)
		}
	}
}

func TestGeneratedOfferWithData(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	e := withData(t, p)
	life := uint16(500)
	err := e.CreateDataChannel("early", pipeline.DataChannelOptions{Unordered: true, MaxPacketLifeTime: &life})
	if err != nil {
		t.Fatal(err)
	}
	page := pipelinetest.NewMirror(t, pipelinetest.Options{})
	list := page.Channels()
	offer, err := e.GenerateOffer(t.Context(), pipeline.OfferOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(offer, "m=application") {
		t.Fatalf("no line for data:\n%s", offer)
	}
	if _, err := e.ProcessAnswer(t.Context(), page.Answer(offer)); err != nil {
		t.Fatal(err)
	}
	c := <-list
	c.WaitOpen()
	if l := c.Channel().MaxPacketLifeTime(); c.Channel().Ordered() || l == nil || *l != 500 {
		t.Errorf("ordered %v, life time %v", c.Channel().Ordered(), l)
	}
	if err := e.CreateDataChannel("late", pipeline.DataChannelOptions{}); err != nil {
		t.Fatal(err)
	}
	if late := <-list; late.Channel().Label() != "late" {
		t.Errorf("label %q", late.Channel().Label())
	}
}

func TestDataChannelLimits(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	plain, e := newEndpoint(t, p), withData(t, p)
	n := uint16(1)
	for name, c := range map[string]struct {
		e     *pipeline.WebRtcEndpoint
		label string
		opts  pipeline.DataChannelOptions
		want  error
	}{
		"not asked for": {plain, "", pipeline.DataChannelOptions{}, pipeline.ErrNoDataChannels},
		"both limits":   {e, "", pipeline.DataChannelOptions{MaxPacketLifeTime: &n, MaxRetransmits: &n}, pipeline.ErrBadDataChannel},
		"long label":    {e, strings.Repeat("x", 1025), pipeline.DataChannelOptions{}, pipeline.ErrBadDataChannel},
	} {
		if err := c.e.CreateDataChannel(c.label, c.opts); !errors.Is(err, c.want) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	for i := range 64 {
		if err := e.CreateDataChannel("", pipeline.DataChannelOptions{}); err != nil {
			t.Fatalf("channel %d: %v", i, err)
		}
	}
	if err := e.CreateDataChannel("", pipeline.DataChannelOptions{}); !errors.Is(err, pipeline.ErrTooManyDataChannels) {
		t.Errorf("error %v", err)
	}
	// An endpoint that was made without data rejects the page's line for it.
	got := events(t, plain)
	page := pipelinetest.NewMirror(t, pipelinetest.Options{})
	page.OpenChannel("unwanted", nil)
	page.Negotiate(func(ctx context.Context, offer string) (string, error) {
		answer, err := plain.ProcessOffer(ctx, offer)
		mid := regexp.MustCompile(`(?s)m=application 0 .*a=mid:(\w+)`).FindStringSubmatch(answer)
		if mid == nil {
			t.Fatalf("the line for data is not rejected:\n%s", answer)
		}
		if group := regexp.MustCompile(`a=group:BUNDLE[^\r]*`).FindString(answer); strings.Contains(group+" ", " "+mid[1]+" ") {
			t.Errorf("the rejected line %s is in %s", mid[1], group)
		}
		return answer, err
	})
	page.WaitConnected()
	plain.Release()
	waitFor(t, got, func(ev pipeline.Event) bool {
		if _, opened := ev.(pipeline.DataChannelOpened); opened {
			t.Error("it was told to be open")
		}
		_, over := ev.(pipeline.MediaSessionTerminated)
		return over
	})
	// So does one whose page has offered none.
	none, other := withData(t, p), pipelinetest.NewMirror(t, pipelinetest.Options{})
	other.Negotiate(none.ProcessOffer)
	if err := none.CreateDataChannel("", pipeline.DataChannelOptions{}); !errors.Is(err, pipeline.ErrNoDataChannels) {
		t.Errorf("error %v", err)
	}
	e.Release()
	if err := e.CreateDataChannel("", pipeline.DataChannelOptions{}); !errors.Is(err, pipeline.ErrReleased) {
		t.Errorf("error %v", err)
	}
}

// TestSlowDataReceiver: a page that does not read costs others nothing.
func TestSlowDataReceiver(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	from, slow, quick := withData(t, p), withData(t, p), withData(t, p)
	connect(t, from, slow)
	connect(t, from, quick)
	teacher, a, b := pipelinetest.NewMirror(t, pipelinetest.Options{}), pipelinetest.NewMirror(t, pipelinetest.Options{}), pipelinetest.NewMirror(t, pipelinetest.Options{})
	board := teacher.OpenChannel("board", nil)
	toA, toB := a.OpenChannel("board", nil), b.OpenChannel("board", nil)
	teacher.Negotiate(from.ProcessOffer)
	a.Negotiate(slow.ProcessOffer)
	b.Negotiate(quick.ProcessOffer)
	for _, c := range []*pipelinetest.Channel{board, toA, toB} {
		c.WaitOpen()
	}
	hold := make(chan struct{})
	release := sync.OnceFunc(func() { close(hold) })
	t.Cleanup(release) // or a page that blocks could not be closed
	toA.BlockReading(hold)
	body := strings.Repeat("z", 50_000)
	const count = 80 // 4 MB: more than the receive window of 1 MiB and our megabyte
	for i := range count {
		// A page that sends faster than the line is slowed down by its own
		// buffer; here by what has come at the quick one.
		board.SendText(body)
		eventually(t, "the quick one gets each", func() bool { return len(toB.Got()) == i+1 })
	}
	dropped := slow.Stats().Data.Channels[0].Dropped
	if dropped == 0 || dropped >= count {
		t.Errorf("%d of %d messages were dropped for the slow one", dropped, count)
	}
	release()
	eventually(t, "what waited comes", func() bool { return len(toA.Got()) == count-int(dropped) })
}
