package classroom_test

import (
	"testing"

	. "kelas/classroom"
	"kelas/classroom/classroomtest"
	"kelas/pipeline"
)

func TestQualityHoldsForTheSession(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		ani := r.join("Ani", RoleViewer)
		must(t, ani.SetQuality(t.Context(), pipeline.QualityLow)) // before there is an endpoint
		first := ani.watch()
		equal(t, "at the start", r.media.endpoint(t, first).quality, pipeline.QualityLow)
		must(t, ani.SetQuality(t.Context(), pipeline.QualitySoundOnly))
		equal(t, "changed", r.media.endpoint(t, first).quality, pipeline.QualitySoundOnly)
		second := ani.watch()
		equal(t, "of the next endpoint", r.media.endpoint(t, second).quality, pipeline.QualitySoundOnly)
		wantErr(t, ani.SetQuality(t.Context(), "best"), pipeline.ErrUnknownQuality)
		equal(t, "after a refusal", r.media.endpoint(t, second).quality, pipeline.QualitySoundOnly)

		budi := r.join("Budi", RoleViewer)
		equal(t, "of another", r.media.endpoint(t, budi.watch()).quality, pipeline.QualityAutomatic)
		ani.Leave(t.Context())
		wantErr(t, ani.SetQuality(t.Context(), pipeline.QualityLow), ErrSessionClosed)
	})
}

func TestLayersAreTold(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		teacher, ani, budi := r.join(owner, RolePresenter), r.join("Ani", RoleViewer), r.join("Budi", RoleViewer)
		source, viewer := teacher.goLive(), ani.watch()
		budi.watch()
		wait(0)
		r.media.endpoint(t, viewer).tell(pipeline.LayerChanged{
			MediaType: pipeline.Video, SinkDescription: pipeline.DefaultDescription, Layer: pipeline.Layer{RID: "h", Temporal: -1},
		})
		r.media.endpoint(t, source).tell(pipeline.LayersWanted{
			MediaType: pipeline.Video, Description: pipeline.DefaultDescription, RIDs: []string{"q", "h"},
		})
		told, _ := classroomtest.Last[LayerChanged](ani.out)
		equal(t, "the viewer", told, LayerChanged{Slot: SlotCamera, RID: "h", Temporal: -1})
		wanted, _ := classroomtest.Last[LayersWanted](teacher.out)
		equal(t, "the presenter", wanted, LayersWanted{Slot: SlotCamera, RIDs: []string{"q", "h"}})
		equal(t, "another viewer", len(classroomtest.Of[LayerChanged](budi.out)), 0)

		// What was missed while the line was cut comes with the words that the page says again then.
		teacher.out.Clear()
		ani.out.Clear()
		must(t, teacher.Publish(t.Context(), Publishing{Camera: true}))
		must(t, ani.SetQuality(t.Context(), pipeline.QualityAutomatic))
		again, _ := classroomtest.Last[LayersWanted](teacher.out)
		equal(t, "the presenter, again", again, wanted)
		seen, _ := classroomtest.Last[LayerChanged](ani.out)
		equal(t, "the viewer, again", seen, told)
	})
}
