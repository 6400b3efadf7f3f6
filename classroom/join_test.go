package classroom_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	. "kelas/classroom"
	"kelas/classroom/classroomtest"
)

func TestJoinShowsTheWholePicture(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		r.files.files = []FileInfo{{ID: "f1", Name: "a.pdf"}}
		teacher := r.join(owner, RolePresenter)
		teacher.say("Selamat pagi")
		wait(time.Second)
		student := r.join("Ani", RoleViewer)
		j := student.joined
		equal(t, "title", j.Class.Title, "Fisika")
		equal(t, "slots", len(j.Class.Slots), 8)
		equal(t, "people", len(j.Participants), 2)
		equal(t, "first", j.Participants[0].Name, owner)
		equal(t, "you", j.You.Name, "Ani")
		equal(t, "your role", j.You.Role, RoleViewer)
		equal(t, "presence", j.You.Presence, Here)
		equal(t, "chat", texts(j.Chat), []string{"Selamat pagi"})
		equal(t, "stored", j.StoredSeq, int64(1))
		equal(t, "files", len(j.Files), 1)
		if j.SessionToken == "" || j.SessionToken == teacher.joined.SessionToken || len(j.SessionToken) < 22 {
			t.Fatalf("token %q", j.SessionToken)
		}
		equal(t, "told to the teacher", len(classroomtest.Of[ParticipantJoined](teacher.out)), 1)
		equal(t, "told to itself", len(classroomtest.Of[ParticipantJoined](student.out)), 0)

		student.Leave(t.Context())
		equal(t, "left", classroomtest.Of[ParticipantLeft](teacher.out), []ParticipantLeft{{student.pid(), "left"}})
		_, err := student.SendChat(t.Context(), ChatRequest{Kind: ChatMessage, Text: "x"})
		wantErr(t, err, ErrSessionClosed)
		n, _ := student.out.Closed()
		equal(t, "closings of an outlet whose page left", n, 0)
	})
}

func TestJoinRefusals(t *testing.T) {
	bubble(t, Config{MaxParticipants: 2}, func(t *testing.T, r *room) {
		refuse := func(id Identity, want error) {
			t.Helper()
			_, err := r.try(id, "", 0)
			wantErr(t, err, want)
		}
		for _, name := range []string{"", "  ", "a\x00b", "a\nb", "abc\u202edef", "\u2066x", string([]byte{0xff}), fmt.Sprintf("%065d", 0), "\u00a0", "\u200b"} {
			refuse(Identity{Key: "k", Name: name, Role: RoleViewer}, ErrNameInvalid)
		}
		refuse(Identity{Name: "Ani", Role: RoleViewer}, ErrIdentityInvalid)
		refuse(Identity{Key: "k", Name: "Ani", Role: "boss"}, ErrIdentityInvalid)
		_, _, err := r.reg.Join(t.Context(), JoinRequest{ClassID: "none", Identity: who("Ani", RoleViewer), Outlet: classroomtest.NewOutlet()})
		wantErr(t, err, ErrClassNotFound)

		ani := r.join("Ani", RoleViewer)
		r.join("Budi", RoleViewer)
		refuse(who("Citra", RoleViewer), ErrClassFull)
		r.join("Ani", RoleViewer) // another tab is nobody new
		teacher := r.join(owner, RolePresenter)
		equal(t, "people", len(teacher.joined.Participants), 3)
		if ps, _ := r.mem.Participants(t.Context(), r.lesson.ID); len(ps) != 3 {
			t.Fatalf("a refused participant left a record: %d", len(ps))
		}
		ani.Leave(t.Context())
	})
}

func TestLock(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		teacher, ani := r.join(owner, RolePresenter), r.join("Ani", RoleViewer)
		wantErr(t, ani.Lock(t.Context(), true), ErrNotAllowed)
		must(t, teacher.Lock(t.Context(), true))
		equal(t, "locked, as told", ani.class().Locked, true)
		_, err := r.try(who("Budi", RoleViewer), "", 0)
		wantErr(t, err, ErrClassLocked)
		ani.Leave(t.Context())
		r.join("Ani", RoleViewer)    // was in before
		r.join("Eko", RoleModerator) // teaches
		must(t, teacher.Lock(t.Context(), false))
		r.join("Budi", RoleViewer)

		r.store.Fail(ErrStoreUnavailable)
		wantErr(t, teacher.Lock(t.Context(), true), ErrStoreUnavailable)
		equal(t, "locked, after the failure", teacher.class().Locked, false)
	})
}

func TestRemove(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		teacher, eko := r.join(owner, RolePresenter), r.join("Eko", RoleModerator)
		ani, ani2, budi := r.join("Ani", RoleViewer), r.join("Ani", RoleViewer), r.join("Budi", RoleViewer)
		wantErr(t, ani.Remove(t.Context(), budi.pid()), ErrNotAllowed)
		wantErr(t, eko.Remove(t.Context(), teacher.pid()), ErrNotAllowed) // the owner
		wantErr(t, eko.Remove(t.Context(), eko.pid()), ErrNotAllowed)     // oneself
		wantErr(t, eko.Remove(t.Context(), "nobody"), ErrNoSuchParticipant)
		must(t, eko.Remove(t.Context(), ani.pid()))
		for _, p := range []*page{ani, ani2} {
			n, reason := p.out.Closed()
			equal(t, "closings", n, 1)
			wantErr(t, reason, ErrRemoved)
		}
		equal(t, "told", classroomtest.Of[ParticipantLeft](budi.out), []ParticipantLeft{{ani.pid(), "removed"}})
		_, err := r.try(who("Ani", RoleViewer), "", 0)
		wantErr(t, err, ErrRemoved)
		_, err = r.try(who("Ani", RoleViewer), ani.joined.SessionToken, 0)
		wantErr(t, err, ErrRemoved)
		_, err = r.reg.Participant(t.Context(), r.lesson.ID, "guest:Ani")
		wantErr(t, err, ErrRemoved)

		// Somebody absent is removed as well, and stays so after a crash.
		budi.Leave(t.Context())
		must(t, teacher.Remove(t.Context(), budi.pid()))
		r.crash()
		r.start()
		for _, name := range []string{"Ani", "Budi"} {
			_, err = r.try(who(name, RoleViewer), "", 0)
			wantErr(t, err, ErrRemoved)
		}
	})
}

// Removing works while the store is away: the person is out, the caller is
// told that it is not stored, and it is stored later.
func TestRemoveWithoutStore(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		teacher, ani := r.join(owner, RolePresenter), r.join("Ani", RoleViewer)
		wait(time.Second)
		r.store.Fail(ErrStoreUnavailable)
		wantErr(t, teacher.Remove(t.Context(), ani.pid()), ErrStoreUnavailable)
		_, reason := ani.out.Closed()
		wantErr(t, reason, ErrRemoved)
		wait(time.Minute)
		r.store.Fail(nil)
		wait(10 * time.Second)
		p, err := r.mem.Participant(t.Context(), r.lesson.ID, ani.pid())
		must(t, err)
		equal(t, "removed in the store", p.Removed, true)
	})
}

func TestEndClass(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		teacher, ani := r.join(owner, RolePresenter), r.join("Ani", RoleViewer)
		teacher.goLive()
		ani.watch()
		wantErr(t, ani.EndClass(t.Context()), ErrNotAllowed)
		must(t, teacher.EndClass(t.Context()))
		for _, p := range []*page{teacher, ani} {
			n, reason := p.out.Closed()
			equal(t, "closings", n, 1)
			wantErr(t, reason, ErrClassEnded)
			equal(t, "stops", p.stops(), []string{"ended"})
		}
		wait(time.Second)
		r.media.checkReleased(t)
		_, err := r.try(who("Ani", RoleViewer), ani.joined.SessionToken, 0)
		wantErr(t, err, ErrClassEnded)
		_, err = r.try(who("Eko", RoleModerator), "", 0)
		wantErr(t, err, ErrClassEnded)
		_, err = r.try(who("Wati", RolePresenter), "", 0)
		wantErr(t, err, ErrClassEnded) // not the owner
		for _, a := range must2(r.reg.Attendance(t.Context(), r.lesson.ID))(t) {
			if a.LeftAt.IsZero() {
				t.Fatalf("a stay goes on: %+v", a)
			}
		}
		// After a restart it is still ended; the owner's coming in opens it.
		r.stop()
		r.start()
		_, err = r.try(who("Ani", RoleViewer), "", 0)
		wantErr(t, err, ErrClassEnded)
		r.join(owner, RolePresenter)
		r.join("Ani", RoleViewer)
		l := must2(r.mem.Lesson(t.Context(), r.lesson.ID))(t)
		equal(t, "ended", l.EndedAt.IsZero(), true)
	})
}

func must2[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		must(t, err)
		return v
	}
}

func TestResume(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		teacher, ani := r.join(owner, RolePresenter), r.join("Ani", RoleViewer)
		teacher.say("one")
		ani.Disconnected()
		lost, _ := classroomtest.Last[ParticipantChanged](teacher.out)
		equal(t, "presence", lost.Participant.Presence, Lost)
		teacher.say("two")
		teacher.say("three")
		wait(29 * time.Second)
		back := ani.resume(1)
		equal(t, "resumed", back.joined.Resumed, true)
		equal(t, "token", back.joined.SessionToken, ani.joined.SessionToken)
		equal(t, "same participant", back.pid(), ani.pid())
		equal(t, "missed", texts(back.joined.Chat), []string{"two", "three"})
		equal(t, "more", back.joined.ChatMore, false)
		here, _ := classroomtest.Last[ParticipantChanged](teacher.out)
		equal(t, "presence", here.Participant.Presence, Here)
		equal(t, "left", len(classroomtest.Of[ParticipantLeft](teacher.out)), 0)

		// The old line is nobody's any more.
		ani.Disconnected()
		ani.Leave(t.Context())
		_, err := ani.SendChat(t.Context(), ChatRequest{Kind: ChatMessage, Text: "x"})
		wantErr(t, err, ErrSessionResumed)
		back.say("here again")

		// The window closes after 30 s, and the token is worth nothing.
		back.Disconnected()
		wait(31 * time.Second)
		left := classroomtest.Of[ParticipantLeft](teacher.out)
		equal(t, "left", left, []ParticipantLeft{{ani.pid(), "lost"}})
		again := back.resume(0)
		equal(t, "resumed too late", again.joined.Resumed, false)
		equal(t, "still the same participant", again.pid(), ani.pid())
		equal(t, "chat", texts(again.joined.Chat), []string{"one", "two", "three", "here again"})
	})
}

// A line that was cut without the server having noticed is taken over.
func TestResumeHalfOpen(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		ani := r.join("Ani", RoleViewer)
		back := ani.resume(0)
		equal(t, "resumed", back.joined.Resumed, true)
		n, reason := ani.out.Closed()
		equal(t, "closings", n, 1)
		wantErr(t, reason, ErrSessionResumed)
		ani.Disconnected() // now the door notices
		back.say("still here")
		equal(t, "people", len(back.joined.Participants), 1)
	})
}

func TestTokenOfSomebodyElse(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		ani := r.join("Ani", RoleViewer)
		thief, err := r.try(who("Budi", RoleViewer), ani.joined.SessionToken, 0)
		must(t, err)
		equal(t, "resumed", thief.joined.Resumed, false)
		if thief.pid() == ani.pid() {
			t.Fatal("somebody else's session was taken over")
		}
		n, _ := ani.out.Closed()
		equal(t, "closings", n, 0)
	})
}

// A page that takes its events too slowly is cut off and resumes; all others
// hear the event before they hear of the cut.
func TestFullOutlet(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		teacher := r.join(owner, RolePresenter)
		pages := []*page{}
		for i := range 10 {
			pages = append(pages, r.join(fmt.Sprintf("s%d", i), RoleViewer))
		}
		pages[3].out.Fill()
		pages[7].out.Fill()
		for _, p := range pages {
			p.out.Clear()
		}
		teacher.say("hello")
		for i, p := range pages {
			n, reason := p.out.Closed()
			if i == 3 || i == 7 {
				equal(t, "closings", n, 1)
				wantErr(t, reason, ErrTooSlow)
				continue
			}
			equal(t, "closings", n, 0)
			events := p.out.Events()
			if _, ok := events[0].(ChatAdded); !ok {
				t.Fatalf("page %d heard of the cut first: %+v", i, events)
			}
		}
		back := pages[3].resume(0)
		equal(t, "resumed", back.joined.Resumed, true)
		equal(t, "missed", texts(back.joined.Chat), []string{"hello"})
		equal(t, "outlets lost", r.reg.Stats().OutletsLost, uint64(2))
	})
}

func TestTabs(t *testing.T) {
	bubble(t, Config{MaxSessionsEach: 2}, func(t *testing.T, r *room) {
		teacher := r.join(owner, RolePresenter)
		one, two := r.join("Ani", RoleViewer), r.join("Ani", RoleViewer)
		equal(t, "one participant", one.pid(), two.pid())
		_, err := r.try(who("Ani", RoleViewer), "", 0)
		wantErr(t, err, ErrTooManySessions)
		equal(t, "joined, as told", len(classroomtest.Of[ParticipantJoined](teacher.out)), 1)

		presence := func() Presence {
			t.Helper()
			return two.Participant().Presence
		}
		must(t, one.SetPresence(t.Context(), true))
		equal(t, "presence", presence(), Here)
		must(t, two.SetPresence(t.Context(), true))
		equal(t, "presence", presence(), Away)
		one.Disconnected()
		equal(t, "presence", presence(), Away)
		// A cut tab gives way to a new one.
		three := r.join("Ani", RoleViewer)
		_, err = one.Files(t.Context())
		wantErr(t, err, ErrSessionClosed)
		two.Leave(t.Context())
		equal(t, "left, as told", len(classroomtest.Of[ParticipantLeft](teacher.out)), 0)
		three.Disconnected()
		wait(31 * time.Second)
		equal(t, "left, as told", len(classroomtest.Of[ParticipantLeft](teacher.out)), 1)
	})
}

// Who is known may come back while the store is away, by token or without;
// somebody new may not, and is told why.
func TestJoinWithoutStore(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		ani, budi := r.join("Ani", RoleViewer), r.join("Budi", RoleViewer)
		ani.say("one")
		wait(time.Second)
		r.store.Fail(ErrStoreUnavailable)
		ani.Disconnected()
		equal(t, "resumed", ani.resume(1).joined.Resumed, true)
		budi.Leave(t.Context())
		back := r.join("Budi", RoleViewer)
		equal(t, "chat", texts(back.joined.Chat), []string{"one"})
		_, err := r.try(who("Citra", RoleViewer), "", 0)
		wantErr(t, err, ErrStoreUnavailable)
		r.store.Fail(nil)
		r.join("Citra", RoleViewer)
	})
}

// An empty class leaves memory, and comes back as it was.
func TestUnload(t *testing.T) {
	bubble(t, Config{UnloadAfter: time.Minute}, func(t *testing.T, r *room) {
		ani := r.join("Ani", RoleViewer)
		ani.say("one")
		ani.Leave(t.Context())
		wait(30 * time.Second)
		equal(t, "classes", r.reg.Stats().Classes, 1)
		r.store.Fail(ErrStoreUnavailable)
		p := r.join("Ani", RoleViewer)
		p.say("two") // is not stored: the class must stay
		p.Leave(t.Context())
		wait(5 * time.Minute)
		equal(t, "classes", r.reg.Stats().Classes, 1)
		r.store.Fail(nil)
		wait(2 * time.Minute)
		equal(t, "classes", r.reg.Stats().Classes, 0)
		equal(t, "stored", texts(r.stored()), []string{"one", "two"})
		if _, live := r.reg.Live(r.lesson.ID); live {
			t.Fatal("an empty class is live")
		}
		back := r.join("Ani", RoleViewer)
		equal(t, "chat", texts(back.joined.Chat), []string{"one", "two"})
		equal(t, "next number", back.say("three").Seq, int64(3))
	})
}

func TestRoleOfIdentity(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		teacher, ani := r.join(owner, RolePresenter), r.join("Ani", RoleViewer)
		must(t, teacher.SetRole(t.Context(), ani.pid(), RoleModerator))
		changed, _ := classroomtest.Last[RoleChanged](ani.out)
		equal(t, "told", changed.Role, RoleModerator)
		must(t, ani.Lock(t.Context(), false)) // is a moderator indeed
		wantErr(t, ani.SetRole(t.Context(), teacher.pid(), RoleViewer), ErrNotAllowed)
		wantErr(t, teacher.SetRole(t.Context(), ani.pid(), "boss"), ErrNotAllowed)
		ani.Leave(t.Context())
		// What was given in the class stays, over a restart as well ...
		r.stop()
		r.start()
		ani = r.join("Ani", RoleViewer)
		equal(t, "role", ani.joined.You.Role, RoleModerator)
		// ... until the identity's own role changes.
		ani = r.join("Ani", RolePresenter)
		equal(t, "role", ani.joined.You.Role, RolePresenter)
		ani = r.join("Ani", RoleViewer)
		equal(t, "role", ani.joined.You.Role, RoleViewer)
		// A page that comes back with another identity's role resumes with it.
		ani.id.Role = RoleModerator
		back := ani.resume(0)
		equal(t, "role, resumed", []any{back.joined.Resumed, back.joined.You.Role}, []any{true, RoleModerator})
	})
}

func TestFiles(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		teacher, ani, budi := r.join(owner, RolePresenter), r.join("Ani", RoleViewer), r.join("Budi", RoleViewer)
		for _, id := range []string{"f1", "f2"} {
			f := FileInfo{ID: id, ClassID: r.lesson.ID, OwnerID: ani.pid()}
			r.files.files = append(r.files.files, f)
			r.reg.FileAdded(r.lesson.ID, f)
			r.reg.FileAdded(r.lesson.ID, f) // told twice, listed once
		}
		equal(t, "told", len(classroomtest.Of[FileAdded](budi.out)), 2)
		equal(t, "listed", len(must2(budi.Files(t.Context()))(t)), 2)
		wantErr(t, budi.DeleteFile(t.Context(), "f1"), ErrNotAllowed)
		wantErr(t, budi.DeleteFile(t.Context(), "f9"), ErrNoSuchFile)
		r.files.err = errShelf
		wantErr(t, ani.DeleteFile(t.Context(), "f1"), errShelf)
		equal(t, "listed", len(must2(budi.Files(t.Context()))(t)), 2)
		r.files.err = nil
		must(t, ani.DeleteFile(t.Context(), "f1"))
		must(t, teacher.DeleteFile(t.Context(), "f2"))
		equal(t, "told", classroomtest.Of[FileRemoved](budi.out), []FileRemoved{{"f1"}, {"f2"}})
		r.reg.FileAdded("none", FileInfo{ID: "f3"})
		equal(t, "listed", len(r.join("Citra", RoleViewer).joined.Files), 0)
	})
}

func TestServerClosing(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		ani := r.join("Ani", RoleViewer)
		ani.say("one")
		ani.watch()
		must(t, r.reg.Close(context.Background()))
		equal(t, "told", len(classroomtest.Of[ServerClosing](ani.out)), 1)
		n, reason := ani.out.Closed()
		equal(t, "closings", n, 1)
		wantErr(t, reason, ErrClosing)
		equal(t, "stored", len(classroomtest.Of[ChatStored](ani.out)), 1)
		_, err := ani.SendChat(t.Context(), ChatRequest{Kind: ChatMessage, Text: "x"})
		wantErr(t, err, ErrClosing)
		_, err = r.try(who("Ani", RoleViewer), "", 0)
		wantErr(t, err, ErrClosing)
		// After the restart the page comes back to where it was.
		r.start()
		back := ani.resume(1)
		equal(t, "resumed", back.joined.Resumed, false)
		equal(t, "same participant", back.pid(), ani.pid())
		equal(t, "missed", len(back.joined.Chat), 0)
	})
}
