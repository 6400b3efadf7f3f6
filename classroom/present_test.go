package classroom_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	. "kelas/classroom"
	"kelas/classroom/classroomtest"
	"kelas/pipeline"
)

func TestPresentAndView(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		teacher, ani := r.join(owner, RolePresenter), r.join("Ani", RoleViewer)
		viewer := ani.watch() // before anybody presents
		wait(0)
		equal(t, "wires", r.media.wires(), []string{viewer + "<"})
		source := teacher.goLive()
		wait(0)
		equal(t, "wires", r.media.wires(), []string{viewer + "<" + source})
		c := ani.class()
		equal(t, "presenter", c.PresenterID, teacher.pid())
		equal(t, "live", c.LiveSince.IsZero(), false)
		equal(t, "slot", c.Slots[0], SlotView{Slot: SlotMic, ParticipantID: teacher.pid()})
		presenting, _ := classroomtest.Last[ParticipantChanged](ani.out)
		equal(t, "presenting, in the roster", presenting.Participant.Presenting, true)
		if sum, ok := r.reg.Live(r.lesson.ID); !ok || sum.Presenting != owner || sum.People != 2 {
			t.Fatalf("summary %+v", sum)
		}

		budi := r.join("Budi", RoleViewer)
		equal(t, "live, as a late one learns", budi.joined.Class.LiveSince.IsZero(), false)
		second := budi.watch()
		wait(0)
		equal(t, "wires", r.media.wires(), []string{viewer + "<" + source, second + "<" + source})

		slots := classroomtest.Of[SlotsChanged](ani.out)
		equal(t, "whose slots", slots[0].Slots[0].ParticipantID, teacher.pid())
		ani.out.Clear()
		must(t, teacher.Publish(t.Context(), Publishing{Mic: true, Screen: true}))
		must(t, teacher.Publish(t.Context(), Publishing{Mic: true, Screen: true})) // no news
		r.media.endpoint(t, source).tell(pipeline.SourceAdded{MediaType: pipeline.Video, Description: "screen", Codec: "video/VP8"})
		slots = classroomtest.Of[SlotsChanged](ani.out)
		equal(t, "slots told", len(slots), 2)
		equal(t, "screen", slots[1].Slots[2], SlotView{Slot: SlotScreen, ParticipantID: teacher.pid(), Live: true, Codec: "video/VP8"})
		equal(t, "camera", slots[1].Slots[1].Live, false)
		wantErr(t, ani.Publish(t.Context(), Publishing{Mic: true}), ErrNotPresenting)

		st, err := ani.Stats(t.Context())
		must(t, err)
		if st.Viewer == nil || st.Viewer.ID != viewer || st.Presenter != nil {
			t.Fatalf("figures %+v", st)
		}
		equal(t, "servers", ani.ICEServers()[0].Username, ani.pid())

		must(t, teacher.StopPresenting(t.Context()))
		wait(0)
		equal(t, "stops for a viewer", ani.stops(), []string{"stopped"})
		equal(t, "stops for the presenter", len(teacher.stops()), 0)
		equal(t, "presenter", ani.class().PresenterID, "")
		equal(t, "live", ani.class().LiveSince.IsZero(), true)
		wantErr(t, teacher.StopPresenting(t.Context()), ErrNotPresenting)
		must(t, ani.StopViewing(t.Context()))
		wantErr(t, ani.StopViewing(t.Context()), ErrNoSuchEndpoint)
		budi.Leave(t.Context())
		wait(0)
		r.media.checkReleased(t) // nobody is live or viewing
		teacher.goLive()
		wait(0)
		equal(t, "pipelines", r.media.openPipelines(), 1)
	})
}

func TestNegotiationFailures(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		teacher, ani := r.join(owner, RolePresenter), r.join("Ani", RoleViewer)
		_, _, err := teacher.Present(t.Context(), "bad", "")
		wantErr(t, err, pipeline.ErrBadSDP)
		_, _, err = ani.View(t.Context(), "bad", "")
		wantErr(t, err, pipeline.ErrBadSDP)
		wait(0)
		r.media.checkReleased(t)
		equal(t, "told", len(ani.out.Events()), 0)
		_, _, err = ani.Present(t.Context(), "offer", "")
		wantErr(t, err, ErrNotAllowed)
		_, _, err = ani.View(t.Context(), "offer", "viewer0")
		wantErr(t, err, ErrNoSuchEndpoint)
		wantErr(t, ani.AddIceCandidate(t.Context(), EndpointViewer, IceCandidate{}), ErrNoSuchEndpoint)

		source, viewer := teacher.goLive(), ani.watch()
		answer, id, err := ani.View(t.Context(), "restart", viewer)
		must(t, err)
		equal(t, "restarted", []string{answer, id}, []string{"answer to restart", viewer})
		_, _, err = ani.View(t.Context(), "bad", viewer)
		wantErr(t, err, pipeline.ErrBadSDP)
		_, _, err = teacher.Present(t.Context(), "offer", viewer) // not its own
		wantErr(t, err, ErrNoSuchEndpoint)
		_, _, err = teacher.Present(t.Context(), "bad", "") // the old one goes on
		wantErr(t, err, pipeline.ErrBadSDP)
		wait(0)
		equal(t, "wires", r.media.wires(), []string{viewer + "<" + source})

		wantErr(t, ani.AddIceCandidate(t.Context(), EndpointViewer, IceCandidate{Candidate: "bad"}), pipeline.ErrBadCandidate)
		must(t, ani.AddIceCandidate(t.Context(), EndpointViewer, IceCandidate{Candidate: "good", SDPMid: "0"}))
		equal(t, "candidate", r.media.endpoint(t, viewer).cands[0].Candidate, "good")
	})
}

// Candidates that come while the endpoint is being negotiated reach it; the
// page that waits too long gives up and leaves nothing.
func TestSlowNegotiation(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		teacher, other := r.join(owner, RolePresenter), r.join("Wati", RolePresenter)
		r.media.gate = make(chan struct{})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		done := make(chan error)
		go func() {
			_, _, err := teacher.Present(ctx, "offer", "")
			done <- err
		}()
		wait(0)
		must(t, teacher.AddIceCandidate(t.Context(), EndpointPresenter, IceCandidate{Candidate: "early"}))
		// The place is kept meanwhile, and nobody is told yet.
		_, _, err := other.Present(t.Context(), "offer", "")
		wantErr(t, err, ErrPresenterPresent)
		equal(t, "presenter", other.class().PresenterID, "")
		wantErr(t, <-done, context.DeadlineExceeded)
		wait(0)
		r.media.checkReleased(t)
		close(r.media.gate)
		other.goLive()
		_, _, err = teacher.Present(t.Context(), "offer", "")
		wantErr(t, err, ErrPresenterPresent)
	})
}

// Whatever happens to the session during its negotiation, no endpoint and no
// claim stays behind.
func TestGoneDuringNegotiation(t *testing.T) {
	for name, happens := range map[string]func(r *room, teacher, eko *page){
		"line cut":   func(r *room, teacher, eko *page) { teacher.Disconnected() },
		"left":       func(r *room, teacher, eko *page) { teacher.Leave(context.Background()) },
		"taken back": func(r *room, teacher, eko *page) { must(r.t, eko.TakeBack(context.Background())) },
		"ended":      func(r *room, teacher, eko *page) { must(r.t, eko.EndClass(context.Background())) },
		"closing":    func(r *room, teacher, eko *page) { go r.reg.Close(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Config{}, func(t *testing.T, r *room) {
				teacher, eko := r.join(owner, RolePresenter), r.join("Eko", RoleModerator)
				r.media.gate = make(chan struct{})
				done := make(chan error)
				go func() {
					_, _, err := teacher.Present(t.Context(), "offer", "")
					done <- err
				}()
				go func() {
					_, _, err := eko.View(t.Context(), "offer", "")
					done <- err
				}()
				wait(0)
				happens(r, teacher, eko)
				wait(0)
				close(r.media.gate)
				errs := []error{<-done, <-done}
				if errs[0] == nil && errs[1] == nil {
					t.Fatal("both went on")
				}
				wait(time.Second)
				if n := len(r.media.alive(EndpointPresenter)); n != 0 {
					t.Fatalf("%d presenter endpoints stay", n)
				}
			})
		})
	}
}

func TestTwoTabsPresent(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		one, two, ani := r.join(owner, RolePresenter), r.join(owner, RolePresenter), r.join("Ani", RoleViewer)
		one.goLive()
		viewer := ani.watch()
		_, _, err := two.Present(t.Context(), "offer", "")
		wantErr(t, err, ErrPresentingInTab)
		wantErr(t, two.Publish(t.Context(), Publishing{}), ErrNotPresenting)
		wantErr(t, two.StopPresenting(t.Context()), ErrNotPresenting)
		again := one.goLive() // the page itself may start over
		wait(0)
		equal(t, "wires", r.media.wires(), []string{viewer + "<" + again})
		one.Disconnected()
		source := two.goLive() // takes over from the lost one
		wait(0)
		equal(t, "wires", r.media.wires(), []string{viewer + "<" + source})
		equal(t, "presenter endpoints", len(r.media.alive(EndpointPresenter)), 1)
		// The first one comes back and is a second tab now.
		one = one.resume(0)
		_, _, err = one.Present(t.Context(), "offer", "")
		wantErr(t, err, ErrPresentingInTab)
		equal(t, "stops", len(ani.stops()), 0)
	})
}

func TestPresenterLineCut(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		teacher, ani := r.join(owner, RolePresenter), r.join("Ani", RoleViewer)
		source, viewer := teacher.goLive(), ani.watch()
		must(t, teacher.Publish(t.Context(), Publishing{Mic: true}))
		since := ani.class().LiveSince

		// Resumed in time, media untouched.
		teacher.Disconnected()
		until := ani.class().PresenterLostUntil
		equal(t, "waits", time.Until(until).Round(time.Second), 30*time.Second)
		equal(t, "still presenter", ani.class().PresenterID, teacher.pid())
		wait(20 * time.Second)
		teacher = teacher.resume(0)
		equal(t, "waits", ani.class().PresenterLostUntil.IsZero(), true)
		equal(t, "as the presenter sees it", teacher.joined.Class.PresenterLostUntil.IsZero(), true)
		equal(t, "wires", r.media.wires(), []string{viewer + "<" + source})
		must(t, teacher.Publish(t.Context(), Publishing{Mic: true, Camera: true}))

		// A reload: a new session of the same participant presents.
		teacher.Disconnected()
		wait(10 * time.Second)
		reloaded := r.join(owner, RolePresenter)
		equal(t, "waits", ani.class().PresenterLostUntil.IsZero(), false)
		other := r.join("Wati", RolePresenter)
		_, _, err := other.Present(t.Context(), "offer", "")
		wantErr(t, err, ErrPresenterPresent)
		source2 := reloaded.goLive()
		wait(time.Minute) // the old tab's time runs out
		equal(t, "wires", r.media.wires(), []string{viewer + "<" + source2})
		equal(t, "live since", ani.class().LiveSince, since)
		equal(t, "stops", len(ani.stops()), 0)
		equal(t, "left", len(classroomtest.Of[ParticipantLeft](ani.out)), 0)

		// Not back in time.
		reloaded.Disconnected()
		wait(29 * time.Second)
		equal(t, "stops", len(ani.stops()), 0)
		wait(2 * time.Second)
		equal(t, "stops", ani.stops(), []string{"lost"})
		equal(t, "presenter", ani.class().PresenterID, "")
		equal(t, "wires", r.media.wires(), []string{viewer + "<"})
		other.goLive()
	})
}

// The class may wait for its presenter longer than for a page.
func TestPresenterWindowLonger(t *testing.T) {
	bubble(t, Config{PresenterWindow: 2 * time.Minute}, func(t *testing.T, r *room) {
		teacher, ani := r.join(owner, RolePresenter), r.join("Ani", RoleViewer)
		teacher.goLive()
		viewer := ani.watch()
		teacher.Disconnected()
		wait(time.Minute)
		equal(t, "left", len(classroomtest.Of[ParticipantLeft](ani.out)), 1)
		equal(t, "stops", len(ani.stops()), 0)
		source := r.join(owner, RolePresenter).goLive()
		wait(0)
		equal(t, "wires", r.media.wires(), []string{viewer + "<" + source})
	})
}

func TestHandOver(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		teacher, eko := r.join(owner, RolePresenter), r.join("Eko", RoleModerator)
		ani, budi := r.join("Ani", RoleViewer), r.join("Budi", RoleViewer)
		teacher.goLive()
		viewer := budi.watch()
		own := ani.watch()
		wantErr(t, budi.HandOver(t.Context(), budi.pid()), ErrNotAllowed)
		wantErr(t, teacher.HandOver(t.Context(), "nobody"), ErrNoSuchParticipant)
		must(t, teacher.HandOver(t.Context(), teacher.pid())) // to oneself: nothing

		must(t, teacher.HandOver(t.Context(), ani.pid()))
		offered, _ := classroomtest.Last[HandOverOffered](ani.out)
		equal(t, "offered", offered, HandOverOffered{teacher.pid(), owner})
		changed, _ := classroomtest.Last[RoleChanged](ani.out)
		equal(t, "role", changed.Role, RolePresenter)
		for _, p := range []*page{teacher, eko, ani, budi} {
			equal(t, "stops", p.stops(), []string{"handed-over"})
		}
		source := ani.goLive()
		wait(0)
		equal(t, "wires", r.media.wires(), []string{viewer + "<" + source, own + "<"}) // no echo

		// A guest may present and announce, and nothing more.
		_, err := ani.SendChat(t.Context(), ChatRequest{Kind: ChatAnnouncement, Text: "hi"})
		must(t, err)
		wantErr(t, ani.Lock(t.Context(), true), ErrNotAllowed)
		wantErr(t, ani.Remove(t.Context(), budi.pid()), ErrNotAllowed)
		wantErr(t, ani.EndClass(t.Context()), ErrNotAllowed)
		wantErr(t, ani.TakeBack(t.Context()), ErrNotAllowed)
		wantErr(t, ani.SetRole(t.Context(), budi.pid(), RoleModerator), ErrNotAllowed)
		wantErr(t, ani.DeleteChat(t.Context(), budi.say("mine").Seq), ErrNotAllowed)
		_, _, err = teacher.Present(t.Context(), "offer", "")
		wantErr(t, err, ErrPresenterPresent)

		// The guest hands on, and is a viewer again.
		must(t, ani.HandOver(t.Context(), budi.pid()))
		equal(t, "role of the former", ani.Participant().Role, RoleViewer)
		equal(t, "role of the next", budi.Participant().Role, RolePresenter)
		_, _, err = ani.Present(t.Context(), "offer", "")
		wantErr(t, err, ErrNotAllowed)
		budi.goLive()

		// The owner takes back; so may a moderator.
		must(t, teacher.TakeBack(t.Context()))
		equal(t, "role", budi.Participant().Role, RoleViewer)
		equal(t, "stops", budi.stops(), []string{"handed-over", "handed-over", "taken-back"})
		teacher.goLive()
		must(t, eko.TakeBack(t.Context()))
		equal(t, "role of the owner", teacher.Participant().Role, RolePresenter)
		equal(t, "presenter", ani.class().PresenterID, "")
		must(t, eko.TakeBack(t.Context())) // nothing to take: no harm

		// A right that was given and not used yet is taken as well.
		must(t, eko.HandOver(t.Context(), ani.pid()))
		must(t, eko.TakeBack(t.Context()))
		equal(t, "role", ani.Participant().Role, RoleViewer)

		// A moderator may hand over to itself, and keeps its powers.
		must(t, eko.HandOver(t.Context(), eko.pid()))
		eko.goLive()
		must(t, eko.Lock(t.Context(), false))
		must(t, eko.HandOver(t.Context(), teacher.pid()))
		equal(t, "role", eko.Participant().Role, RoleModerator)
	})
}

// A presenter by identity may take over from a guest, not from a colleague.
func TestTwoTeachers(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		teacher, wati, ani := r.join(owner, RolePresenter), r.join("Wati", RolePresenter), r.join("Ani", RoleViewer)
		teacher.goLive()
		wantErr(t, wati.TakeBack(t.Context()), ErrNotAllowed)
		wantErr(t, wati.HandOver(t.Context(), ani.pid()), ErrNotAllowed)
		must(t, teacher.HandOver(t.Context(), wati.pid()))
		equal(t, "role of the owner", teacher.Participant().Role, RolePresenter)
		wati.goLive()
		must(t, teacher.TakeBack(t.Context())) // the owner always
		must(t, teacher.HandOver(t.Context(), ani.pid()))
		ani.goLive()
		must(t, wati.TakeBack(t.Context()))
		wati.goLive()
		// One who may no longer present stops.
		must(t, teacher.SetRole(t.Context(), wati.pid(), RoleViewer))
		equal(t, "stops", ani.stops()[len(ani.stops())-1], "taken-back")
		_, _, err := wati.Present(t.Context(), "offer", "")
		wantErr(t, err, ErrNotAllowed)
	})
}

// The right that was handed over outlives a restart, and so does taking it
// back. It ends with the class.
func TestHandOverOverRestart(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		teacher, ani := r.join(owner, RolePresenter), r.join("Ani", RoleViewer)
		teacher.goLive()
		must(t, teacher.HandOver(t.Context(), ani.pid()))
		ani.goLive()
		wait(time.Second)
		r.crash()
		r.start()
		teacher, ani = r.join(owner, RolePresenter), r.join("Ani", RoleViewer)
		ani.goLive()
		wantErr(t, ani.EndClass(t.Context()), ErrNotAllowed) // still a guest
		must(t, teacher.TakeBack(t.Context()))
		equal(t, "role", ani.Participant().Role, RoleViewer)
		must(t, teacher.HandOver(t.Context(), ani.pid()))
		must(t, teacher.EndClass(t.Context()))
		wait(time.Second)
		r.join(owner, RolePresenter)
		equal(t, "role after the end", r.join("Ani", RoleViewer).joined.You.Role, RoleViewer)
	})
}

func TestRemovePresenter(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		teacher, wati, ani := r.join(owner, RolePresenter), r.join("Wati", RolePresenter), r.join("Ani", RoleViewer)
		wati.goLive()
		viewer := ani.watch()
		must(t, teacher.Remove(t.Context(), wati.pid()))
		wait(0)
		equal(t, "stops", ani.stops(), []string{"removed"})
		equal(t, "wires", r.media.wires(), []string{viewer + "<"})
		teacher.goLive()
		teacher.Leave(t.Context())
		equal(t, "stops", ani.stops(), []string{"removed", "stopped"})
	})
}

// How long a page waited for its connection is told once for an endpoint; an
// ICE restart says nothing of joining, a failure before it nothing at all.
func TestConnectedIsTold(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		teacher, ani := r.join(owner, RolePresenter), r.join("Ani", RoleViewer)
		source := r.media.endpoint(t, teacher.goLive())
		wait(100 * time.Millisecond)
		viewer := r.media.endpoint(t, ani.watch())
		state := func(e *fakeEndpoint, s pipeline.ConnectionState) {
			e.tell(pipeline.ConnectionStateChanged{New: s})
		}
		wait(250 * time.Millisecond)
		state(viewer, pipeline.ConnectionFailed)
		equal(t, "told", len(r.waits), 0)
		state(source, pipeline.ConnectionConnected)
		state(viewer, pipeline.ConnectionConnected)
		wait(time.Second)
		state(viewer, pipeline.ConnectionDisconnected)
		state(viewer, pipeline.ConnectionConnected)
		again := r.media.endpoint(t, ani.watch()) // the page was made anew
		wait(time.Second)
		state(again, pipeline.ConnectionConnected)
		equal(t, "told", r.waits, []waited{
			{EndpointPresenter, 350 * time.Millisecond}, {EndpointViewer, 250 * time.Millisecond}, {EndpointViewer, time.Second}})
	})
}

func TestEndpointEvents(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		teacher, ani := r.join(owner, RolePresenter), r.join("Ani", RoleViewer)
		source, viewer := r.media.endpoint(t, teacher.goLive()), r.media.endpoint(t, ani.watch())
		state := func(e *fakeEndpoint, s pipeline.ConnectionState) {
			e.tell(pipeline.ConnectionStateChanged{New: s})
		}
		state(viewer, pipeline.ConnectionConnecting)
		state(viewer, pipeline.ConnectionConnected)
		state(viewer, pipeline.ConnectionConnected) // again after an ICE restart
		equal(t, "states", classroomtest.Of[MediaState](ani.out), []MediaState{
			{EndpointViewer, "connecting"}, {EndpointViewer, "connected"}, {EndpointViewer, "connected"}})
		told, _ := classroomtest.Last[ParticipantChanged](teacher.out)
		equal(t, "media, in the roster", []any{told.Participant.ID, told.Participant.Media}, []any{ani.pid(), true})
		state(viewer, pipeline.ConnectionDisconnected)
		told, _ = classroomtest.Last[ParticipantChanged](teacher.out)
		equal(t, "media, in the roster", told.Participant.Media, false)
		equal(t, "told to others", len(classroomtest.Of[MediaState](teacher.out)), 0)
		state(source, pipeline.ConnectionConnected)
		equal(t, "media of the presenter", teacher.Participant().Media, true)

		viewer.tell(pipeline.IceCandidateFound{Candidate: pipeline.IceCandidate{Candidate: "c"}})
		equal(t, "candidates", len(classroomtest.Of[IceCandidateFound](ani.out)), 1)
		viewer.tell(pipeline.Unplayable{MediaType: pipeline.Video, SinkDescription: "default", Codec: "video/AV1", Accepted: []string{"video/VP8"}})
		equal(t, "unplayable", classroomtest.Of[SlotUnplayable](ani.out), []SlotUnplayable{{SlotCamera, "video/AV1", []string{"video/VP8"}}})
		viewer.tell(pipeline.Unplayable{MediaType: pipeline.Video, SinkDescription: "speaker1"})
		equal(t, "of a slot that nothing feeds", len(classroomtest.Of[SlotUnplayable](ani.out)), 1)
		viewer.tell(pipeline.Error{Err: pipeline.ErrReleased})
		equal(t, "pipeline errors", r.reg.Stats().PipelineErrors, uint64(1))

		// An endpoint that was replaced has no say any more.
		ani.watch()
		ani.out.Clear()
		state(viewer, pipeline.ConnectionFailed)
		equal(t, "told", len(ani.out.Events()), 0)
		st := r.reg.Stats()
		equal(t, "figures", []int{st.Presenters, st.Viewers, st.Sessions, st.Participants}, []int{1, 1, 2, 2})
	})
}

// Hundreds of presenters, viewers, cuts and hand-overs in any order: in the
// end every viewer is fed by who presents, and nothing is left over.
func TestWiringSettles(t *testing.T) {
	for seed := range 20 {
		synctest.Test(t, func(t *testing.T) {
			r := newRoom(t, Config{MaxSessionsEach: 50})
			rng := newRand(seed)
			teacher := r.join(owner, RolePresenter)
			pages := []*page{teacher}
			for i := range 12 {
				pages = append(pages, r.join(fmt.Sprintf("s%d", i), RoleViewer))
			}
			for range 200 {
				p := pages[rng.IntN(len(pages))]
				switch rng.IntN(8) {
				case 0:
					_, _, _ = p.Present(t.Context(), "offer", "")
				case 1, 2:
					_, _, _ = p.View(t.Context(), "offer", "")
				case 3:
					_ = p.StopViewing(t.Context())
				case 4:
					_ = teacher.HandOver(t.Context(), p.pid())
				case 5:
					_ = teacher.TakeBack(t.Context())
				case 6:
					p.Disconnected()
					wait(time.Duration(rng.IntN(40)) * time.Second)
					q, err := r.try(p.id, p.joined.SessionToken, 0)
					must(t, err)
					*p = *q
				case 7:
					wait(0)
				}
			}
			wait(time.Second)
			source := ""
			if live := r.media.alive(EndpointPresenter); len(live) > 1 {
				t.Fatalf("%d presenter endpoints", len(live))
			} else if len(live) == 1 {
				source = live[0].id
			}
			st := r.reg.Stats()
			if st.Presenters != len(r.media.alive(EndpointPresenter)) || st.Viewers != len(r.media.alive(EndpointViewer)) {
				t.Fatalf("the class counts %+v", st)
			}
			unfed := 0
			for _, e := range r.media.alive(EndpointViewer) {
				if e.source == nil && source != "" {
					unfed++ // the presenter's own
				} else if e.source != nil && e.source.id != source {
					t.Fatalf("%s is fed by %s, not %s", e.id, e.source.id, source)
				}
			}
			if unfed > 1 {
				t.Fatalf("%d viewers are not fed", unfed)
			}
			equal(t, "pipeline errors", st.PipelineErrors, uint64(0))
		})
	}
}
