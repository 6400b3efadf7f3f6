package classroom_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	. "kelas/classroom"
	"kelas/classroom/classroomtest"
)

func TestOfficeEndsLocksAndRemoves(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		ctx, class := t.Context(), r.lesson.ID
		sari, dewi, budi := r.join(owner, RolePresenter), r.join("dewi", RoleViewer), r.join("budi", RoleViewer)
		dewi.watch()
		must(t, r.reg.LockLesson(ctx, class, true))
		equal(t, "what the page shows", budi.class().Locked, true)
		_, err := r.try(who("late", RoleViewer), "", 0)
		wantErr(t, err, ErrClassLocked)

		wantErr(t, r.reg.ChangeRole(ctx, class, dewi.pid(), RoleModerator, RoleViewer), ErrConflict)
		must(t, r.reg.ChangeRole(ctx, class, dewi.pid(), RoleViewer, RoleModerator))
		equal(t, "the role", dewi.Participant().Role, RoleModerator)
		must(t, r.reg.RemoveParticipant(ctx, class, budi.pid(), "key x"))
		wantErr(t, budi.SetPresence(ctx, true), ErrRemoved)
		_, err = r.try(who("budi", RoleViewer), "", 0)
		wantErr(t, err, ErrRemoved)

		// The owner is protected against the office as against anybody.
		wantErr(t, r.reg.RemoveParticipant(ctx, class, sari.pid(), "key x"), ErrNotAllowed)
		wantErr(t, r.reg.ChangeRole(ctx, class, sari.pid(), RolePresenter, RoleViewer), ErrNotAllowed)
		for _, err := range []error{r.reg.RemoveParticipant(ctx, class, "nobody", "x"), r.reg.ChangeRole(ctx, class, "nobody", RoleViewer, RoleViewer)} {
			wantErr(t, err, ErrNoSuchParticipant)
		}
		wantErr(t, r.reg.ChangeRole(ctx, class, dewi.pid(), RoleModerator, "king"), ErrNotAllowed)

		wait(time.Second)
		roster, err := r.reg.Roster(ctx, class)
		must(t, err)
		here := map[string]bool{}
		for _, a := range roster {
			here[a.Name] = a.Here != nil
		}
		equal(t, "who is here", here, map[string]bool{owner: true, "dewi": true, "budi": false})
		equal(t, "occupied", r.reg.Occupied(), []string{class})

		must(t, r.reg.EndLesson(ctx, class, "key x"))
		wantErr(t, dewi.SetPresence(ctx, true), ErrClassEnded)
		must(t, r.reg.EndLesson(ctx, class, "key x"))
		if _, _, ok := r.reg.View(class); ok {
			t.Error("somebody is in an ended class")
		}
		for _, err := range []error{r.reg.EndLesson(ctx, "none", "x"), r.reg.LockLesson(ctx, "none", true), r.reg.DeleteLesson(ctx, "none", "x")} {
			wantErr(t, err, ErrClassNotFound)
		}
	})
}

func TestPostNeedsNoTab(t *testing.T) {
	bubble(t, Config{ChatBurst: 2, ChatRate: 0.001}, func(t *testing.T, r *room) {
		ctx, class := t.Context(), r.lesson.ID
		bot := Identity{Key: "bot:1", Name: " Quiz ", Role: RoleViewer}
		e, err := r.reg.Post(ctx, class, bot, ChatRequest{Kind: ChatMessage, Text: "Good morning", ClientID: "a"})
		must(t, err)
		equal(t, "what is stored at once", texts(r.stored()), []string{"Good morning"})
		again, err := r.reg.Post(ctx, class, bot, ChatRequest{Kind: ChatMessage, Text: "Good morning", ClientID: "a"})
		must(t, err)
		equal(t, "the repetition", again.Seq, e.Seq)
		// Once more after the class was dropped from memory, and after a crash.
		wait(5 * time.Minute)
		again, err = r.reg.Post(ctx, class, bot, ChatRequest{Kind: ChatMessage, Text: "Good morning", ClientID: "a"})
		must(t, err)
		equal(t, "the repetition after unloading", again.Seq, e.Seq)

		dewi := r.join("dewi", RoleViewer)
		equal(t, "the roster shows who is in", len(dewi.joined.Participants), 1)
		_, err = r.reg.Post(ctx, class, bot, ChatRequest{Kind: ChatMessage, Text: "Second"})
		must(t, err)
		equal(t, "what a page hears", texts(dewi.chat()), []string{"Good morning", "Second"})
		_, err = r.reg.Post(ctx, class, bot, ChatRequest{Kind: ChatMessage, Text: "Third"})
		must(t, err)
		_, err = r.reg.Post(ctx, class, bot, ChatRequest{Kind: ChatMessage, Text: "Fourth"})
		wantErr(t, err, ErrChatTooFast)
		_, err = r.reg.Post(ctx, class, bot, ChatRequest{Kind: ChatAnnouncement, Text: "x"})
		wantErr(t, err, ErrNotAllowed)

		p, err := r.reg.Enrol(ctx, class, bot)
		must(t, err)
		equal(t, "a bot", p.Bot(), true)
		must(t, r.reg.RemoveParticipant(ctx, class, p.ID, "x"))
		_, err = r.reg.Post(ctx, class, bot, ChatRequest{Kind: ChatMessage, Text: "x"})
		wantErr(t, err, ErrRemoved)
		_, err = r.reg.Enrol(ctx, class, bot)
		wantErr(t, err, ErrRemoved)
		for _, id := range []Identity{{}, {Key: "bot:2", Name: "\x00", Role: RoleViewer}, {Key: "bot:2", Name: "x", Role: "king"}} {
			if _, err := r.reg.Post(ctx, class, id, ChatRequest{Kind: ChatMessage, Text: "x"}); err == nil {
				t.Errorf("%+v may post", id)
			}
		}
		must(t, r.reg.EndLesson(ctx, class, "x"))
		_, err = r.reg.Post(ctx, class, Identity{Key: "bot:3", Name: "Late", Role: RoleViewer}, ChatRequest{Kind: ChatMessage, Text: "x"})
		wantErr(t, err, ErrClassEnded)
	})
}

func TestPostIsAnsweredWhenItIsStored(t *testing.T) {
	bubble(t, Config{RetryMax: time.Second}, func(t *testing.T, r *room) {
		ctx, class := t.Context(), r.lesson.ID
		bot := Identity{Key: "bot:1", Name: "Quiz", Role: RoleViewer}
		_, err := r.reg.Enrol(ctx, class, bot)
		must(t, err)
		r.store.Fail(ErrStoreUnavailable)
		done := make(chan error, 1)
		post := func() {
			_, err := r.reg.Post(ctx, class, bot, ChatRequest{Kind: ChatMessage, Text: "late", ClientID: "a"})
			done <- err
		}
		go post()
		wait(time.Second)
		select {
		case err := <-done:
			t.Fatalf("answered before it is stored: %v", err)
		default:
		}
		wait(10 * time.Second)
		wantErr(t, <-done, ErrStoreUnavailable)
		go post()
		wait(time.Second)
		r.store.Fail(nil)
		wait(10 * time.Second)
		must(t, <-done)
		equal(t, "what is stored", texts(r.stored()), []string{"late"})
		// One that the store will not have is an error, not a success.
		r.store.Refuse(func(e ChatEntry) error {
			if e.Text == "never" {
				return errors.New("refused")
			}
			return nil
		})
		go func() {
			_, err := r.reg.Post(ctx, class, bot, ChatRequest{Kind: ChatMessage, Text: "never"})
			done <- err
		}()
		wait(30 * time.Second)
		if err := <-done; err == nil {
			t.Error("a refused message was acknowledged")
		}
		r.store.Refuse(nil)
		wait(time.Minute)
	})
}

func TestReviseAndAddLessons(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		ctx := t.Context()
		dewi := r.join("dewi", RoleViewer)
		l, err := r.reg.Lesson(ctx, r.lesson.ID)
		must(t, err)
		title, bad := "Chemistry", "\x00"
		next, err := r.reg.ReviseLesson(ctx, l.ID, l.Rev, LessonEdit{Title: &title})
		must(t, err)
		equal(t, "what the page shows", dewi.class().Title, title)
		_, err = r.reg.ReviseLesson(ctx, l.ID, l.Rev, LessonEdit{Title: &title})
		wantErr(t, err, ErrConflict)
		_, err = r.reg.ReviseLesson(ctx, l.ID, next.Rev, LessonEdit{Title: &bad})
		wantErr(t, err, ErrTitleInvalid)
		locked := true
		_, err = r.reg.ReviseLesson(ctx, l.ID, next.Rev, LessonEdit{Locked: &locked})
		must(t, err)
		_, err = r.try(who("late", RoleViewer), "", 0)
		wantErr(t, err, ErrClassLocked)

		first, err := r.reg.AddLesson(ctx, "fixed", "Physics", "", time.Time{})
		must(t, err)
		again, err := r.reg.AddLesson(ctx, "fixed", "Physics", "", time.Time{})
		must(t, err)
		equal(t, "the repetition", again, first)
		_, err = r.reg.AddLesson(ctx, "fixed", "Other", "", time.Time{})
		wantErr(t, err, ErrExists)
	})
}

func TestDeleteLessonWithPeopleInIt(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		ctx, class := context.Background(), r.lesson.ID
		sari, dewi := r.join(owner, RolePresenter), r.join("dewi", RoleViewer)
		sari.goLive()
		dewi.watch()
		dewi.say("hello")
		var wg sync.WaitGroup
		for range 4 { // who comes while it is being deleted
			wg.Go(func() {
				if p, err := r.try(who("late", RoleViewer), "", 0); err == nil {
					p.Leave(ctx)
				} else if !errors.Is(err, ErrClassEnded) && !errors.Is(err, ErrClosing) && !errors.Is(err, ErrClassNotFound) {
					t.Errorf("who comes in between hears %v", err)
				}
			})
		}
		var first, second error
		wg.Go(func() { first = r.reg.DeleteLesson(ctx, class, "key x") })
		wg.Go(func() { second = r.reg.DeleteLesson(ctx, class, "key y") })
		wg.Wait()
		if (first == nil) == (second == nil) {
			t.Errorf("two deletions: %v, %v", first, second)
		}
		wantErr(t, dewi.SetPresence(ctx, true), ErrClassEnded)
		_, err := r.try(who(owner, RolePresenter), "", 0)
		wantErr(t, err, ErrClassNotFound)
		_, err = r.reg.Lesson(ctx, class)
		wantErr(t, err, ErrClassNotFound)
		seq, err := r.mem.LastChatSeq(ctx, class)
		must(t, err)
		people, err := r.mem.Participants(ctx, class)
		must(t, err)
		stays, err := r.mem.Attendance(ctx, class)
		must(t, err)
		equal(t, "what is left", []int{int(seq), len(people), len(stays)}, []int{0, 0, 0})
	})
}

// A store that does not answer leaves an ended lesson, which is deleted later.
func TestDeleteLessonTwice(t *testing.T) {
	ctx := t.Context()
	faulty := &failingDelete{Store: classroomtest.NewMemStore(), fail: ErrStoreUnavailable}
	reg, err := NewRegistry(Config{}, Deps{Store: faulty})
	must(t, err)
	t.Cleanup(func() { must(t, reg.Close(context.Background())) })
	l, err := reg.CreateLesson(ctx, "Fisika", "")
	must(t, err)
	dewi := JoinRequest{ClassID: l.ID, Identity: who("dewi", RoleViewer), Outlet: classroomtest.NewOutlet()}
	_, _, err = reg.Join(ctx, dewi)
	must(t, err)
	wantErr(t, reg.DeleteLesson(ctx, l.ID, "x"), ErrStoreUnavailable)
	_, _, err = reg.Join(ctx, dewi)
	wantErr(t, err, ErrClassEnded)
	faulty.fail = nil
	must(t, reg.DeleteLesson(ctx, l.ID, "x"))
	_, _, err = reg.Join(ctx, dewi)
	wantErr(t, err, ErrClassNotFound)
}

type failingDelete struct {
	Store
	fail error
}

func (f *failingDelete) DeleteLesson(ctx context.Context, id string) error {
	if f.fail != nil {
		return f.fail
	}
	return f.Store.DeleteLesson(ctx, id)
}
