package pipeline_test

import (
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

// overNetwork puts server, presenter and viewer on a virtual network.
func overNetwork(t *testing.T, o pipelinetest.NetworkOptions) (*pipelinetest.Network, presenting, viewing) {
	t.Helper()
	n := pipelinetest.NewNetwork(t, o)
	s := newServer(t, pipeline.Config{MediaAddr: pipelinetest.ServerIP + ":8189", Net: n.Server()})
	p := newPipeline(t, s)
	teacher := present(t, p, pipelinetest.Options{Net: n.Client()})
	teacher.Start(pipelinetest.Mic, pipelinetest.Camera)
	v := view(t, p, pipelinetest.Options{Net: n.Client()})
	connectAll(t, teacher.endpoint, v.endpoint)
	v.WaitConnected()
	return n, teacher, v
}

func TestLossBothWays(t *testing.T) {
	t.Parallel()
	n, teacher, v := overNetwork(t, pipelinetest.NetworkOptions{
		Delay: 10 * time.Millisecond, Reorder: 0.02, ReorderBy: 8 * time.Millisecond, Seed: 7,
	})
	camera := v.Slot(pipelinetest.Camera)
	camera.WaitTotal(t, 5, patience)
	n.SetLoss(0.05)
	sent := teacher.Frames(pipelinetest.Camera)
	before := camera.Stats()
	camera.WaitFrames(t, 140, patience)
	n.SetLoss(0)
	after := camera.Stats()
	frames, offered := after.Frames-before.Frames, teacher.Frames(pipelinetest.Camera)-sent
	t.Logf("%d of %d frames decodable with %d packets lost; %+v; server %+v", frames, offered, n.Dropped(), after, sentVideo(v.endpoint))
	if n.Dropped() < 50 {
		t.Fatalf("only %d packets were lost", n.Dropped())
	}
	if frames*100 < offered*90 {
		t.Errorf("%d of %d frames were decodable", frames, offered)
	}
	if after.Backwards != 0 || len(after.SSRCs) != 1 {
		t.Errorf("%+v", after)
	}
	if gap := longestGap(camera.Frames()); gap > time.Second {
		t.Errorf("the picture stood still for %v", gap)
	}
	st := sentVideo(v.endpoint)
	if st.Retransmitted == 0 || st.NACKs == 0 || st.Lost == 0 {
		t.Errorf("nothing was sent again: %+v", st)
	}
	if st.Retransmitted > st.Packets/5 {
		t.Errorf("too much was sent again: %+v", st)
	}
}

func sentVideo(e *pipeline.WebRtcEndpoint) pipeline.TrackStats {
	for _, s := range e.Stats().Sent {
		if s.MediaType == pipeline.Video && s.Description == pipeline.DefaultDescription {
			return s
		}
	}
	return pipeline.TrackStats{}
}

func longestGap(frames []pipelinetest.Frame) (gap time.Duration) {
	for i := 1; i < len(frames); i++ {
		gap = max(gap, frames[i].At.Sub(frames[i-1].At))
	}
	return gap
}

func TestLossWithoutRTX(t *testing.T) {
	t.Parallel()
	n := pipelinetest.NewNetwork(t, pipelinetest.NetworkOptions{Delay: 5 * time.Millisecond, Seed: 3})
	s := newServer(t, pipeline.Config{MediaAddr: pipelinetest.ServerIP + ":8189", Net: n.Server()})
	p := newPipeline(t, s)
	teacher := present(t, p, pipelinetest.Options{Net: n.Client(), NoRTX: true})
	teacher.Start(pipelinetest.Camera)
	v := view(t, p, pipelinetest.Options{Net: n.Client(), NoRTX: true})
	connectAll(t, teacher.endpoint, v.endpoint)
	camera := v.Slot(pipelinetest.Camera)
	camera.WaitTotal(t, 5, patience)
	n.SetLoss(0.05)
	sent, before := teacher.Frames(pipelinetest.Camera), camera.Stats().Frames
	camera.WaitFrames(t, 60, patience)
	frames, offered := camera.Stats().Frames-before, teacher.Frames(pipelinetest.Camera)-sent
	if frames*100 < offered*85 {
		t.Errorf("%d of %d frames were decodable", frames, offered)
	}
}

func TestICERestartOfViewer(t *testing.T) {
	t.Parallel()
	_, teacher, v := overNetwork(t, pipelinetest.NetworkOptions{Delay: 5 * time.Millisecond})
	camera := v.Slot(pipelinetest.Camera)
	camera.WaitTotal(t, 20, patience)
	for range 2 {
		restart(t, v)
		camera.WaitFrames(t, 25, patience)
	}
	st := camera.Stats()
	if len(st.SSRCs) != 1 || st.Backwards != 0 {
		t.Errorf("%+v", st)
	}
	if gap := longestGap(camera.Frames()); gap > 2*time.Second {
		t.Errorf("the picture stood still for %v", gap)
	}
	if f, _ := camera.Last(); f.Source != teacher.SourceID(pipelinetest.Camera) {
		t.Errorf("last frame %+v", f)
	}
}

// restart has the viewer's browser restart ICE, and waits.
func restart(t *testing.T, v viewing) {
	t.Helper()
	states := len(v.States())
	v.Restart(v.endpoint.ProcessOffer)
	eventually(t, "the viewer is connected again", func() bool {
		st := v.States()
		return len(st) > states && st[len(st)-1] == webrtc.PeerConnectionStateConnected
	})
}

func TestICERestartOfPresenter(t *testing.T) {
	t.Parallel()
	_, teacher, v := overNetwork(t, pipelinetest.NetworkOptions{Delay: 5 * time.Millisecond})
	camera := v.Slot(pipelinetest.Camera)
	camera.WaitTotal(t, 20, patience)
	asked := teacher.KeyFrameRequests(pipelinetest.Camera)
	teacher.Restart(teacher.endpoint.ProcessOffer)
	eventually(t, "a key frame is asked for after the restart", func() bool {
		return teacher.KeyFrameRequests(pipelinetest.Camera) > asked
	})
	camera.WaitFrames(t, 25, patience)
	if st := camera.Stats(); len(st.SSRCs) != 1 || st.Backwards != 0 {
		t.Errorf("%+v", st)
	}
}

// A browser whose network is gone for long enough to fail, and comes back.
func TestRestartAfterFailed(t *testing.T) {
	t.Parallel()
	n := pipelinetest.NewNetwork(t, pipelinetest.NetworkOptions{})
	s := newServer(t, pipeline.Config{
		MediaAddr: pipelinetest.ServerIP + ":8189", Net: n.Server(),
		DisconnectedTimeout: 300 * time.Millisecond, FailedTimeout: 500 * time.Millisecond, KeepAlive: 100 * time.Millisecond,
	})
	p := newPipeline(t, s)
	teacher := present(t, p, pipelinetest.Options{Net: n.Client()})
	v := view(t, p, pipelinetest.Options{Net: n.Client()})
	connectAll(t, teacher.endpoint, v.endpoint)
	got := events(t, v.endpoint)
	v.WaitConnected()
	n.SetLoss(1)
	is := func(want pipeline.ConnectionState) func(pipeline.ConnectionStateChanged) bool {
		return func(e pipeline.ConnectionStateChanged) bool { return e.New == want }
	}
	waitEvent(t, got, is(pipeline.ConnectionDisconnected))
	waitEvent(t, got, is(pipeline.ConnectionFailed))
	n.SetLoss(0)
	v.Restart(v.endpoint.ProcessOffer)
	waitEvent(t, got, is(pipeline.ConnectionConnected))
	teacher.Restart(teacher.endpoint.ProcessOffer)
	teacher.Start(pipelinetest.Camera)
	v.Slot(pipelinetest.Camera).WaitTotal(t, 10, patience)
}
