package pipeline_test

import (
	"testing"

	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

// TestFramesLeaveTogether: what browsers get is the same whether packets are
// put together or not.
func TestFramesLeaveTogether(t *testing.T) {
	t.Parallel()
	for _, plain := range []bool{false, true} {
		name := "together"
		if plain {
			name = "one by one"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, pipeline.Config{PlainUDP: plain})
			p := newPipeline(t, s)
			teacher := present(t, p, pipelinetest.Options{})
			teacher.Start(pipelinetest.Mic, pipelinetest.Camera, pipelinetest.Screen)
			var students []viewing
			for range 3 {
				v := view(t, p, pipelinetest.Options{})
				connectAll(t, teacher.endpoint, v.endpoint)
				students = append(students, v)
			}
			for _, v := range students {
				for _, place := range []pipelinetest.Place{pipelinetest.Mic, pipelinetest.Camera, pipelinetest.Screen} {
					v.Slot(place).WaitTotal(t, 60, patience)
					checkClean(t, v.Slot(place), place, teacher.SourceID(place))
				}
			}
			st := s.Stats().Socket
			if st.Coalescing && plain || st.Dropped != 0 || st.Packets == 0 {
				t.Errorf("%+v", st)
			}
			if plain && st.Direct != st.Packets {
				t.Errorf("some waited: %+v", st)
			}
			if st.Coalescing && st.Segments < st.Packets/4 {
				t.Errorf("hardly anything was put together: %+v", st)
			}
		})
	}
}
