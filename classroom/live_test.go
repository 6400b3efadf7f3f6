package classroom_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	. "kelas/classroom"
	"kelas/classroom/classroomtest"
	"kelas/classroom/store"
	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
)

// patience turns a hang into a failure; nothing is measured by it.
const patience = 30 * time.Second

// liveRoom is a registry over SQLite and the real media server on loopback.
func newLiveRoom(t *testing.T, cfg Config) *room {
	t.Helper()
	server, err := pipeline.NewServer(pipeline.Config{}, slog.New(slog.DiscardHandler))
	must(t, err)
	db, err := store.Open(t.Context(), store.Config{DataDir: t.TempDir()}, slog.New(slog.DiscardHandler))
	must(t, err)
	r := &room{t: t, cfg: cfg}
	r.reg, err = NewRegistry(cfg, Deps{Store: db, Media: server, Connected: func(EndpointRole, time.Duration) { r.met.Add(1) }})
	must(t, err)
	r.lesson, err = r.reg.CreateLesson(t.Context(), "Fisika", ownerID)
	must(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := r.reg.Close(ctx); err != nil {
			t.Errorf("closing the registry: %v", err)
		}
		if st := server.Stats(); st.Pipelines != 0 || st.Endpoints != 0 {
			t.Errorf("left over in the media server: %+v", st)
		}
		if err := server.Close(); err != nil {
			t.Errorf("closing the media server: %v", err)
		}
		if err := db.Close(); err != nil {
			t.Errorf("closing the store: %v", err)
		}
	})
	return r
}

func (p *page) presentWith(b *pipelinetest.Presenter) string {
	p.r.t.Helper()
	var id string
	b.Negotiate(func(ctx context.Context, offer string) (answer string, err error) {
		answer, id, err = p.Present(ctx, offer, "")
		return answer, err
	})
	return id
}

func (p *page) viewWith(b *pipelinetest.Viewer) string {
	p.r.t.Helper()
	var id string
	b.Negotiate(func(ctx context.Context, offer string) (answer string, err error) {
		answer, id, err = p.View(ctx, offer, "")
		return answer, err
	})
	return id
}

// A whole lesson over real media: late and early students, screen, a cut
// line, a reload, a hand-over and the way back, without any viewer
// negotiating again.
func TestLiveLesson(t *testing.T) {
	r := newLiveRoom(t, Config{})
	teacher, ani, budi := r.join(owner, RolePresenter), r.join("Ani", RoleViewer), r.join("Budi", RoleViewer)
	aniTab := pipelinetest.NewViewer(t, pipelinetest.Options{})
	viewer := ani.viewWith(aniTab) // before anybody presents
	camera, mic := aniTab.Slot(pipelinetest.Camera), aniTab.Slot(pipelinetest.Mic)

	teacherTab := pipelinetest.NewPresenter(t, pipelinetest.Options{})
	source := teacher.presentWith(teacherTab)
	teacherTab.Start(pipelinetest.Mic, pipelinetest.Camera)
	must(t, teacher.Publish(t.Context(), Publishing{Mic: true, Camera: true}))
	camera.WaitTotal(t, 10, patience)
	mic.WaitTotal(t, 10, patience)
	budiTab := pipelinetest.NewViewer(t, pipelinetest.Options{})
	budi.viewWith(budiTab)
	budiTab.Slot(pipelinetest.Camera).WaitTotal(t, 10, patience)

	pipelinetest.Eventually(t, patience, "the roster shows who has media", func() bool {
		return teacher.Participant().Media && ani.Participant().Media && budi.Participant().Media
	})
	equal(t, "connections that were measured", r.met.Load(), int64(3))
	pipelinetest.Eventually(t, patience, "the codec of the camera is told", func() bool {
		e, ok := classroomtest.Last[SlotsChanged](ani.out)
		return ok && e.Slots[1].Codec == "video/VP8" && e.Slots[1].Live
	})
	states := classroomtest.Of[MediaState](ani.out)
	equal(t, "last state", states[len(states)-1], MediaState{EndpointViewer, "connected"})
	if st := must2(ani.Stats(t.Context()))(t); st.Viewer == nil || st.Viewer.SRTPProfile == "" || len(st.Viewer.Sent) == 0 {
		t.Errorf("figures %+v", st.Viewer)
	}

	// The screen needs no negotiation.
	teacherTab.Start(pipelinetest.Screen, pipelinetest.ScreenAudio)
	aniTab.Slot(pipelinetest.Screen).WaitTotal(t, 10, patience)
	aniTab.Slot(pipelinetest.ScreenAudio).WaitTotal(t, 10, patience)

	// The socket is cut and comes back: media goes on all the while.
	teacher.Disconnected()
	ani.Disconnected()
	camera.WaitFrames(t, 10, patience)
	teacher, ani = teacher.resume(0), ani.resume(0)
	equal(t, "resumed", []bool{teacher.joined.Resumed, ani.joined.Resumed}, []bool{true, true})
	camera.WaitFrames(t, 10, patience)

	// ICE restart of both sides on the endpoints that are there.
	aniTab.Restart(func(ctx context.Context, offer string) (string, error) {
		answer, id, err := ani.View(ctx, offer, viewer)
		equal(t, "endpoint", id, viewer)
		return answer, err
	})
	teacherTab.Restart(func(ctx context.Context, offer string) (string, error) {
		answer, id, err := teacher.Present(ctx, offer, source)
		equal(t, "endpoint", id, source)
		return answer, err
	})
	camera.WaitFrames(t, 10, patience)

	// A reload of the presenter's page.
	teacherTab.Close()
	teacher.Disconnected()
	teacher = r.join(owner, RolePresenter)
	reloaded := pipelinetest.NewPresenter(t, pipelinetest.Options{})
	teacher.presentWith(reloaded)
	reloaded.Start(pipelinetest.Mic, pipelinetest.Camera)
	camera.WaitSource(t, reloaded.SourceID(pipelinetest.Camera), patience)
	mic.WaitSource(t, reloaded.SourceID(pipelinetest.Mic), patience)
	equal(t, "stops", len(ani.stops()), 0)

	// Hand-over to Budi, who hears and sees no echo of itself, and back.
	must(t, teacher.HandOver(t.Context(), budi.pid()))
	guest := pipelinetest.NewPresenter(t, pipelinetest.Options{})
	budi.presentWith(guest)
	guest.Start(pipelinetest.Camera)
	camera.WaitSource(t, guest.SourceID(pipelinetest.Camera), patience)
	if budiTab.Slot(pipelinetest.Camera).Shows(guest.SourceID(pipelinetest.Camera)) {
		t.Error("the presenter sees itself")
	}
	must(t, teacher.TakeBack(t.Context()))
	again := pipelinetest.NewPresenter(t, pipelinetest.Options{})
	teacher.presentWith(again)
	again.Start(pipelinetest.Camera)
	for _, tab := range []*pipelinetest.Viewer{aniTab, budiTab} {
		tab.Slot(pipelinetest.Camera).WaitSource(t, again.SourceID(pipelinetest.Camera), patience)
	}
	equal(t, "stops", ani.stops(), []string{"handed-over", "taken-back"})
	if st := camera.Stats(); len(st.SSRCs) != 1 || st.Broken != 0 {
		t.Errorf("the camera's slot: %+v", st)
	}
	must(t, teacher.EndClass(t.Context()))
	pipelinetest.Eventually(t, patience, "everything is released", func() bool { return r.reg.Stats().Viewers == 0 })
}

// Broken offers and candidates over the real media server leave nothing.
func TestLiveBadInput(t *testing.T) {
	r := newLiveRoom(t, Config{})
	teacher := r.join(owner, RolePresenter)
	for _, sdp := range []string{"", "x", "v=0", "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"} {
		_, _, err := teacher.Present(t.Context(), sdp, "")
		wantErr(t, err, pipeline.ErrBadSDP)
		_, _, err = teacher.View(t.Context(), sdp, "")
		wantErr(t, err, pipeline.ErrBadSDP)
	}
	equal(t, "presenter", teacher.class().PresenterID, "")
	b := pipelinetest.NewPresenter(t, pipelinetest.Options{})
	teacher.presentWith(b)
	wantErr(t, teacher.AddIceCandidate(t.Context(), EndpointPresenter, IceCandidate{Candidate: "nonsense"}), pipeline.ErrBadCandidate)
	b.WaitConnected()
}

// Three hundred people come, talk, watch, lose their line and leave, all at
// once and over a real store; the class ends as empty as it began.
func TestComingAndGoing(t *testing.T) {
	const people = 300
	r := newLiveRoom(t, Config{ChatRate: 1e6, ChatBurst: 1e6})
	teacher := r.join(owner, RolePresenter)
	var wg sync.WaitGroup
	for i := range people {
		wg.Go(func() {
			id := who(fmt.Sprintf("s%d", i), RoleViewer)
			p, err := r.try(id, "", 0)
			if err != nil {
				t.Errorf("joining: %v", err)
				return
			}
			if _, err := p.SendChat(t.Context(), ChatRequest{Kind: ChatMessage, Text: id.Name}); err != nil {
				t.Errorf("chatting: %v", err)
			}
			if i%3 == 0 {
				p.Disconnected()
				q, err := r.try(id, p.joined.SessionToken, 0)
				if err != nil || !q.joined.Resumed {
					t.Errorf("resuming: %v", err)
					return
				}
				p = q
			}
			if i%10 == 0 {
				if _, _, err := p.View(t.Context(), "bad", ""); err == nil {
					t.Error("a bad offer was taken")
				}
			}
			p.Leave(t.Context())
		})
	}
	wg.Wait()
	pipelinetest.Eventually(t, patience, "everything is stored", func() bool {
		st := r.reg.Stats()
		return st.ChatWaiting == 0 && st.RecordsWaiting == 0
	})
	st := r.reg.Stats()
	equal(t, "present", []int{st.Participants, st.Sessions}, []int{1, 1})
	equal(t, "joined, as told", len(classroomtest.Of[ParticipantJoined](teacher.out)), people)
	equal(t, "left, as told", len(classroomtest.Of[ParticipantLeft](teacher.out)), people)
	log := must2(r.reg.Chat(t.Context(), ChatQuery{ClassID: r.lesson.ID, For: teacher.pid()}))(t)
	equal(t, "messages", len(log), people)
	for i, e := range log {
		if e.Seq != int64(i+1) {
			t.Fatalf("message %d has number %d", i, e.Seq)
		}
	}
	stays := r.stays()
	equal(t, "stays", len(stays), people+1)
	open := 0
	for _, a := range stays {
		if a.LeftAt.IsZero() {
			open++
		}
	}
	equal(t, "stays that go on", open, 1)
}

// Close comes in the middle of everything and ends, with nothing left.
func TestCloseInTheMiddle(t *testing.T) {
	for range 5 {
		r := newLiveRoom(t, Config{ChatRate: 1e6, ChatBurst: 1e6})
		var wg sync.WaitGroup
		for i := range 40 {
			name, role := fmt.Sprintf("s%d", i), RoleViewer
			if i%4 == 0 {
				name, role = owner, RolePresenter
			}
			wg.Go(func() {
				for n := 0; ; n++ {
					p, err := r.try(who(name, role), "", 0)
					if err != nil {
						if errors.Is(err, ErrTooManySessions) {
							continue // until one of the others has left
						}
						if !errors.Is(err, ErrClosing) {
							t.Errorf("joining: %v", err)
						}
						return
					}
					_, _ = p.SendChat(t.Context(), ChatRequest{Kind: ChatMessage, Text: "x"})
					_ = p.TakeBack(t.Context())
					_ = p.Lock(t.Context(), false)
					if n%2 == 0 {
						p.Disconnected()
					} else {
						p.Leave(t.Context())
					}
				}
			})
		}
		wg.Go(func() {
			b := pipelinetest.NewPresenter(t, pipelinetest.Options{})
			p, err := r.try(who("Wati", RolePresenter), "", 0)
			if err == nil {
				_, _, _ = p.Present(context.Background(), b.Offer(), "")
			}
		})
		pipelinetest.Eventually(t, patience, "it is in full swing", func() bool { return r.reg.Stats().Joins > 100 })
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		must(t, r.reg.Close(ctx))
		cancel()
		wg.Wait()
	}
}
