package pipeline_test

import (
	"errors"
	"slices"
	"testing"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

// TestViewerChoosesItsLayer over real connections: the highest layer by itself, the lowest or none by choice, and the
// presenter hears what is wanted.
func TestViewerChoosesItsLayer(t *testing.T) {
	t.Parallel()
	s := newServer(t, pipeline.Config{})
	p := newPipeline(t, s)
	teacher := present(t, p, pipelinetest.Options{Simulcast: true})
	presenterHears := events(t, teacher.endpoint)
	teacher.Start(pipelinetest.Mic, pipelinetest.Camera)
	v := view(t, p, pipelinetest.Options{})
	viewerHears := events(t, v.endpoint)
	connectAll(t, teacher.endpoint, v.endpoint)

	layer := func(what string, match func(pipeline.Layer) bool) {
		t.Helper()
		waitEvent(t, viewerHears, func(e pipeline.LayerChanged) bool {
			return e.MediaType == pipeline.Video && e.SinkDescription == pipeline.DefaultDescription && match(e.Layer)
		})
	}
	layer("automatic", func(l pipeline.Layer) bool { return l.RID == "f" && l.Paused == "" })
	st := v.endpoint.Stats()
	if st.Line.Quality != pipeline.QualityAutomatic {
		t.Errorf("quality %q", st.Line.Quality)
	}

	if err := v.endpoint.SetQuality(pipeline.QualityLow); err != nil {
		t.Fatal(err)
	}
	layer("low", func(l pipeline.Layer) bool { return l.RID == "q" })
	camera := v.Slot(pipelinetest.Camera)
	eventually(t, "frames of the lowest layer", func() bool {
		frames := camera.Frames()
		return len(frames) > 0 && frames[len(frames)-1].Source == teacher.LayerID(pipelinetest.Camera, "q")
	})
	wanted := waitEvent(t, presenterHears, func(e pipeline.LayersWanted) bool { return len(e.RIDs) < 3 })
	if wanted.Description != pipeline.DefaultDescription || !slices.Equal(wanted.RIDs, []string{"q"}) {
		t.Errorf("wanted: %+v", wanted)
	}

	if err := v.endpoint.SetQuality(pipeline.QualitySoundOnly); err != nil {
		t.Fatal(err)
	}
	layer("sound only", func(l pipeline.Layer) bool { return l.Paused == pipeline.PausedByChoice })
	pictures, sound := camera.Stats().Packets, v.Slot(pipelinetest.Mic).Stats().Packets
	eventually(t, "sound goes on", func() bool { return v.Slot(pipelinetest.Mic).Stats().Packets > sound+50 })
	if n := camera.Stats().Packets; n != pictures {
		t.Errorf("%d packets of pictures with sound only", n-pictures)
	}

	if err := v.endpoint.SetQuality(pipeline.QualityAutomatic); err != nil {
		t.Fatal(err)
	}
	waitEvent(t, presenterHears, func(e pipeline.LayersWanted) bool { return len(e.RIDs) == 3 })
	layer("automatic again", func(l pipeline.Layer) bool { return l.RID == "f" })
	if got := camera.Stats(); len(got.SSRCs) != 1 || got.Broken != 0 || got.Backwards != 0 {
		t.Errorf("the stream over all switches: %+v", got)
	}
	if err := v.endpoint.SetQuality("best"); !errors.Is(err, pipeline.ErrUnknownQuality) {
		t.Errorf("an unknown quality: %v", err)
	}
	v.endpoint.Release()
	if err := v.endpoint.SetQuality(pipeline.QualityLow); !errors.Is(err, pipeline.ErrReleased) {
		t.Errorf("after the release: %v", err)
	}
}
