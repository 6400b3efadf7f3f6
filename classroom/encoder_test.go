package classroom_test

import (
	"testing"
	"time"

	. "kelas/classroom"
	"kelas/classroom/classroomtest"
	"kelas/pipeline"
)

// encode sends media as an encoder of the page's participant; the endpoint's
// sources come at once.
func (p *page) encode(as EncoderPlace, sources ...pipeline.MediaType) (enc *page, id string) {
	p.r.t.Helper()
	enc, err := p.r.try(p.id, "", 0)
	must(p.r.t, err)
	_, id, err = enc.Encode(p.r.t.Context(), "offer", "", as)
	must(p.r.t, err)
	end := p.r.media.endpoint(p.r.t, id)
	for _, m := range sources {
		codec := "video/H264"
		if m == pipeline.Audio {
			codec = "audio/opus"
		}
		end.tell(pipeline.SourceAdded{MediaType: m, Description: pipeline.DefaultDescription, Codec: codec})
	}
	return enc, id
}

func (r *room) fed(id string) map[Slot]string {
	r.t.Helper()
	wait(time.Millisecond)
	r.media.mu.Lock()
	defer r.media.mu.Unlock()
	for _, p := range r.media.pipelines {
		for _, e := range p.endpoints {
			if e.id == id {
				return e.fed
			}
		}
	}
	return nil
}

// alone: an encoder without a page is the presenter.
func TestEncoderAlone(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		l := r.listen()
		student := r.join("Budi", RoleViewer)
		view := student.watch()
		teacher := r.join(owner, RolePresenter)
		enc, id := teacher.encode(EncoderCamera, pipeline.Video, pipeline.Audio)
		equal(t, "what the student is fed", r.fed(view), map[Slot]string{SlotMic: id + ".mic", SlotCamera: id + ".camera"})
		c := student.class()
		equal(t, "the presenter", c.PresenterID, teacher.pid())
		slots, _ := classroomtest.Last[SlotsChanged](student.out)
		equal(t, "the slots", slots.Slots[:4], []SlotView{
			{SlotMic, teacher.pid(), true, "audio/opus", true}, {SlotCamera, teacher.pid(), true, "video/H264", true},
			{SlotScreen, teacher.pid(), false, "", false}, {SlotScreenAudio, teacher.pid(), false, "", false}})
		enc.Leave(t.Context())
		equal(t, "after it", r.fed(view), map[Slot]string{})
		equal(t, "nobody presents", student.class().PresenterID, "")
		equal(t, "the student is told", student.stops(), []string{"stopped"})
		wait(time.Second)
		told := l.told()
		equal(t, "told outside", told[len(told)-2:], []string{"presenting.started " + owner, "presenting.stopped " + owner + " (stopped)"})
	})
}

// beside: the page keeps the microphone and the screen, the encoder is the
// camera; each may come and go first.
func TestEncoderBesideThePage(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		student := r.join("Budi", RoleViewer)
		view := student.watch()
		teacher := r.join(owner, RolePresenter)
		page := teacher.goLive()
		must(t, teacher.Publish(t.Context(), Publishing{Mic: true, Camera: true}))
		enc, cam := teacher.encode(EncoderCamera, pipeline.Video, pipeline.Audio)
		equal(t, "beside", r.fed(view), map[Slot]string{SlotMic: page + ".mic", SlotCamera: cam + ".camera",
			SlotScreen: page + ".screen", SlotScreenAudio: page + ".screenAudio"})
		must(t, teacher.Publish(t.Context(), Publishing{Camera: true}))
		equal(t, "the page's microphone is off", r.fed(view)[SlotMic], cam+".mic")
		must(t, teacher.Publish(t.Context(), Publishing{Mic: true}))
		equal(t, "and on again", r.fed(view)[SlotMic], page+".mic")

		_, scr := teacher.encode(EncoderScreen, pipeline.Video)
		equal(t, "a second encoder is the screen", r.fed(view), map[Slot]string{SlotMic: page + ".mic", SlotCamera: cam + ".camera",
			SlotScreen: scr + ".camera", SlotScreenAudio: page + ".screenAudio"})
		equal(t, "the figures", []int{r.reg.Stats().Presenters, r.reg.Stats().Encoders}, []int{1, 2})

		must(t, teacher.StopPresenting(t.Context()))
		equal(t, "the page stops, they go on", r.fed(view), map[Slot]string{SlotMic: cam + ".mic", SlotCamera: cam + ".camera", SlotScreen: scr + ".camera"})
		equal(t, "no word of a stop", len(student.stops()), 0)
		page = teacher.goLive()
		equal(t, "the page is back", r.fed(view)[SlotScreenAudio], page+".screenAudio")
		enc.Leave(t.Context())
		equal(t, "the page's camera is back", r.fed(view)[SlotCamera], page+".camera")
	})
}

func TestEncoderReplacesItsLike(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		teacher := r.join(owner, RolePresenter)
		first, _ := teacher.encode(EncoderCamera, pipeline.Video)
		_, second := teacher.encode(EncoderCamera, pipeline.Video)
		wait(time.Second)
		equal(t, "the first one is told", first.stops(), []string{"replaced"})
		equal(t, "one endpoint", len(r.media.alive(EndpointEncoder)), 1)
		equal(t, "it is the second", r.media.alive(EndpointEncoder)[0].id, second)
		if _, _, err := first.Encode(t.Context(), "offer", second, EncoderCamera); err == nil {
			t.Fatal("the first one negotiates the second's endpoint")
		}
		first.Leave(t.Context())
		wait(time.Second)
		equal(t, "its leaving changes nothing", len(r.media.alive(EndpointEncoder)), 1)
	})
}

func TestEncoderIsRefused(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		teacher, student := r.join(owner, RolePresenter), r.join("Budi", RoleViewer)
		other := r.join("Pak Adi", RolePresenter)
		_, _, err := student.Encode(t.Context(), "offer", "", EncoderCamera)
		wantErr(t, err, ErrNotAllowed)
		_, _, err = teacher.Encode(t.Context(), "offer", "", "window")
		wantErr(t, err, ErrNotAllowed)
		_, _, err = teacher.Encode(t.Context(), "bad", "", EncoderCamera)
		wantErr(t, err, pipeline.ErrBadSDP)
		wait(time.Second)
		equal(t, "a bad offer leaves nothing", []any{teacher.class().PresenterID, len(r.media.alive(EndpointEncoder))}, []any{"", 0})
		other.goLive()
		_, _, err = teacher.Encode(t.Context(), "offer", "", EncoderCamera)
		wantErr(t, err, ErrPresenterPresent)
		must(t, other.StopPresenting(t.Context()))
		_, id, err := teacher.Encode(t.Context(), "offer", "", EncoderCamera)
		must(t, err)
		_, _, err = teacher.Encode(t.Context(), "offer", "", EncoderScreen)
		wantErr(t, err, ErrNotAllowed) // one session is one encoder
		_, _, err = other.Present(t.Context(), "offer", "")
		wantErr(t, err, ErrPresenterPresent)
		_, again, err := teacher.Encode(t.Context(), "offer", id, EncoderCamera)
		must(t, err)
		equal(t, "a restart keeps the endpoint", again, id)
	})
}

// Taking back, handing over, removing and ending stop the encoder too.
func TestEncoderEndsWithTheRight(t *testing.T) {
	for name, stop := range map[string]func(t *testing.T, teacher, guest *page) error{
		"taken back": func(t *testing.T, teacher, guest *page) error { return teacher.TakeBack(t.Context()) },
		"removed":    func(t *testing.T, teacher, guest *page) error { return teacher.Remove(t.Context(), guest.pid()) },
		"ended":      func(t *testing.T, teacher, guest *page) error { return teacher.EndClass(t.Context()) },
		"demoted": func(t *testing.T, teacher, guest *page) error {
			return teacher.SetRole(t.Context(), guest.pid(), RoleViewer)
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Config{}, func(t *testing.T, r *room) {
				teacher, guest := r.join(owner, RolePresenter), r.join("Budi", RoleViewer)
				must(t, teacher.HandOver(t.Context(), guest.pid()))
				guest.encode(EncoderCamera, pipeline.Video)
				equal(t, "live", len(r.media.alive(EndpointEncoder)), 1)
				must(t, stop(t, teacher, guest))
				wait(time.Second)
				equal(t, "stopped", len(r.media.alive(EndpointEncoder)), 0)
			})
		})
	}
}

// A player with one picture sees the screen, or the best there is.
func TestWatch(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		teacher := r.join(owner, RolePresenter)
		page := teacher.goLive()
		must(t, teacher.Publish(t.Context(), Publishing{Mic: true, Camera: true}))
		wall, best := r.join("Layar", RoleViewer), r.join("Kotak", RoleViewer)
		must(t, wall.SetWatch(t.Context(), WatchScreen))
		must(t, best.SetWatch(t.Context(), WatchBest))
		wantErr(t, wall.SetWatch(t.Context(), "everything"), ErrNotAllowed)
		w, b := wall.watch(), best.watch()
		equal(t, "the wall", r.fed(w)[SlotCamera], page+".screen")
		equal(t, "its sound", r.fed(w)[SlotMic], page+".mic")
		equal(t, "the best without a screen", r.fed(b)[SlotCamera], page+".camera")
		must(t, teacher.Publish(t.Context(), Publishing{Mic: true, Camera: true, Screen: true}))
		equal(t, "the best with one", r.fed(b)[SlotCamera], page+".screen")
		must(t, teacher.Publish(t.Context(), Publishing{Mic: true, Camera: true}))
		equal(t, "the best after it", r.fed(b)[SlotCamera], page+".camera")
	})
}
