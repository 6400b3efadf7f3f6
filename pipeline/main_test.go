package pipeline_test

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait for the real network; a right answer never takes
// nearly as long.
const patience = 15 * time.Second

func newServer(t *testing.T, cfg pipeline.Config) *pipeline.Server {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("KELAS_TEST_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	s, err := pipeline.NewServer(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing the server: %v", err)
		}
	})
	return s
}

func newPipeline(t *testing.T, s *pipeline.Server) *pipeline.MediaPipeline {
	t.Helper()
	p, err := s.NewMediaPipeline()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newEndpoint(t *testing.T, p *pipeline.MediaPipeline) *pipeline.WebRtcEndpoint {
	t.Helper()
	e, err := p.NewWebRtcEndpoint(pipeline.WebRtcEndpointOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// connectAll does what a class does: microphone, camera, screen and its sound.
func connectAll(t *testing.T, from, to *pipeline.WebRtcEndpoint) {
	t.Helper()
	for _, d := range []string{pipeline.DefaultDescription, pipeline.ScreenDescription} {
		err := from.Connect(to, pipeline.SourceDescription(d), pipeline.SinkDescription(d))
		if err != nil {
			t.Fatal(err)
		}
	}
}

type presenting struct {
	*pipelinetest.Presenter
	endpoint *pipeline.WebRtcEndpoint
}

func present(t *testing.T, p *pipeline.MediaPipeline, o pipelinetest.Options) presenting {
	t.Helper()
	x := presenting{pipelinetest.NewPresenter(t, o), newEndpoint(t, p)}
	x.Negotiate(x.endpoint.ProcessOffer)
	x.WaitConnected()
	return x
}

type viewing struct {
	*pipelinetest.Viewer
	endpoint *pipeline.WebRtcEndpoint
}

func view(t *testing.T, p *pipeline.MediaPipeline, o pipelinetest.Options) viewing {
	t.Helper()
	x := viewing{pipelinetest.NewViewer(t, o), newEndpoint(t, p)}
	x.Negotiate(x.endpoint.ProcessOffer)
	return x
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	pipelinetest.Eventually(t, patience, what, cond)
}

// events collects what an element tells.
func events(t *testing.T, e pipeline.MediaElement) <-chan pipeline.Event {
	t.Helper()
	c := make(chan pipeline.Event, 256)
	t.Cleanup(e.Subscribe(func(ev pipeline.Event) {
		select {
		case c <- ev:
		default:
			t.Error("more than 256 events")
		}
	}))
	return c
}

// waitEvent waits for an event of type E that match accepts.
func waitEvent[E pipeline.Event](t *testing.T, c <-chan pipeline.Event, match func(E) bool) E {
	t.Helper()
	deadline, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		select {
		case ev := <-c:
			if e, ok := ev.(E); ok && (match == nil || match(e)) {
				return e
			}
		case <-deadline.Done():
			var want E
			t.Fatalf("no %T came", want)
		}
	}
}
