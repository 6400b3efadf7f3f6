package classroom_test

import (
	"context"
	"strings"
	"testing"
	"time"

	. "kelas/classroom"
	"kelas/classroom/classroomtest"
)

// opened makes the room's lesson another system's.
func (r *room) opened(s Settings) Lesson {
	r.t.Helper()
	l, made, err := r.reg.OpenLesson(r.t.Context(), "kelas[7]", "Fisika", s)
	must(r.t, err)
	equal(r.t, "made", made, true)
	r.lesson = l
	return l
}

// over reports whether the room's lesson has ended, and when.
func (r *room) over() (time.Time, bool) {
	r.t.Helper()
	l := must2(r.reg.Lesson(r.t.Context(), r.lesson.ID))(r.t)
	return l.EndedAt, !l.EndedAt.IsZero()
}

func guest(name string) Identity {
	id := who(name, RoleViewer)
	id.Guest = true
	return id
}

func TestOpenLessonIsOneUntilItEnds(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		first := r.opened(Settings{Notes: map[string]string{"a": "b"}})
		again, made, err := r.reg.OpenLesson(t.Context(), "kelas[7]", "Another title", Settings{MaxParticipants: 3})
		must(t, err)
		equal(t, "made again", made, false)
		equal(t, "the same", again.ID+again.Title, first.ID+"Fisika")
		equal(t, "settings stay", again.Settings.MaxParticipants, 0)

		teacher := r.join("Guru", RolePresenter)
		must(t, teacher.EndClass(t.Context()))
		_, err = r.try(who("Guru", RolePresenter), "", 0)
		wantErr(t, err, ErrClassEnded) // not opened again by anybody's coming in
		must(t, r.reg.EndClass(t.Context(), first.ID))
		second, made, err := r.reg.OpenLesson(t.Context(), "kelas[7]", "Fisika", Settings{})
		must(t, err)
		equal(t, "made anew", made && second.ID != first.ID, true)
		equal(t, "by name", must2(r.reg.LessonByExternal(t.Context(), "kelas[7]"))(t).ID, second.ID)
		_, err = r.reg.LessonByExternal(t.Context(), "none")
		wantErr(t, err, ErrClassNotFound)
	})
}

func TestSettingsThatCannotBe(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		for _, s := range []Settings{
			{MaxParticipants: -1}, {Duration: -1}, {ExpireLeft: 400 * 24 * time.Hour}, {Guests: "some"},
			{Welcome: strings.Repeat("x", 8001)}, {Welcome: "\xff"}, {LeaveURL: strings.Repeat("x", 3000)},
			{Notes: map[string]string{"a": strings.Repeat("x", 70000)}}, {Notes: map[string]string{"a": "\xff"}},
		} {
			_, _, err := r.reg.OpenLesson(t.Context(), "x", "Fisika", s)
			wantErr(t, err, ErrSettingsInvalid)
		}
		for _, name := range []string{"", strings.Repeat("x", 2000)} {
			_, _, err := r.reg.OpenLesson(t.Context(), name, "Fisika", Settings{})
			wantErr(t, err, ErrSettingsInvalid)
		}
		equal(t, "nothing was made", len(must2(r.reg.OpenLessons(t.Context()))(t)), 0)
	})
}

// TestClassEndsInTime: each of its reasons, to the second.
func TestClassEndsInTime(t *testing.T) {
	tests := []struct {
		name string
		s    Settings
		play func(r *room)
		ends time.Duration
	}{
		{"duration, with people in it", Settings{Duration: 90 * time.Minute}, func(r *room) { r.join("Guru", RolePresenter) }, 90 * time.Minute},
		{"duration, with nobody", Settings{Duration: time.Hour}, func(*room) {}, time.Hour},
		{"nobody came", Settings{ExpireUnjoined: 5 * time.Minute, ExpireLeft: time.Minute}, func(*room) {}, 5 * time.Minute},
		{"all left", Settings{ExpireUnjoined: 5 * time.Minute, ExpireLeft: time.Minute}, func(r *room) {
			p := r.join("Ani", RoleViewer)
			wait(10 * time.Minute)
			p.Leave(context.Background())
		}, 11 * time.Minute},
		{"one came back", Settings{ExpireLeft: time.Minute}, func(r *room) {
			p := r.join("Ani", RoleViewer)
			p.Leave(context.Background())
			wait(50 * time.Second)
			p = r.join("Ani", RoleViewer)
			wait(time.Minute)
			p.Leave(context.Background())
		}, 2*time.Minute + 50*time.Second},
		{"without a leader", Settings{ExpireWithoutLeader: 3 * time.Minute}, func(r *room) {
			r.join("Ani", RoleViewer)
			wait(10 * time.Minute) // none has come yet
			p := r.join("Guru", RolePresenter)
			wait(time.Minute)
			p.Leave(context.Background())
		}, 14 * time.Minute},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, Config{}, func(t *testing.T, r *room) {
				l := r.opened(test.s)
				test.play(r)
				end := l.CreatedAt.Add(test.ends)
				wait(time.Until(end) - time.Second)
				if at, over := r.over(); over {
					t.Fatalf("ended at %v already", at.Sub(l.CreatedAt))
				}
				wait(2 * time.Second)
				at, over := r.over()
				if late := at.Sub(end); !over || late < 0 || late > time.Second {
					t.Fatalf("over %v, %v after its time", over, late)
				}
				equal(t, "people", len(r.reg.People(l.ID)), 0)
			})
		})
	}
}

// TestTimeGoesOnOverARestart: a server that was down ends late what is over.
func TestTimeGoesOnOverARestart(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		l := r.opened(Settings{Duration: time.Hour, ExpireLeft: time.Minute})
		r.join("Ani", RoleViewer)
		wait(time.Minute)
		r.crash()
		wait(10 * time.Minute)
		r.start()
		must(t, r.reg.Resume(t.Context()))
		wait(50 * time.Second) // the time for coming back begins anew
		if _, over := r.over(); over {
			t.Fatal("ended before anybody could come back")
		}
		r.join("Ani", RoleViewer)
		wait(time.Until(l.CreatedAt.Add(time.Hour + time.Second)))
		if _, over := r.over(); !over {
			t.Fatal("its duration is over")
		}
	})
}

// TestEndIsTriedAgain: a database that is away at the moment of the end.
func TestEndIsTriedAgain(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		r.opened(Settings{Duration: time.Hour})
		wait(59 * time.Minute)
		r.store.Fail(ErrStoreUnavailable)
		wait(5 * time.Minute)
		r.store.Fail(nil)
		wait(time.Minute)
		if _, over := r.over(); !over {
			t.Fatal("the end was forgotten")
		}
	})
}

// TestUnsettled: an ended lesson waits, with all its stays, until it is settled.
func TestUnsettled(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		l := r.opened(Settings{})
		r.join("Ani", RoleViewer)
		wait(10 * time.Minute)
		equal(t, "none yet", len(must2(r.reg.Unsettled(t.Context()))(t)), 0)
		r.store.Refuse(nil)
		must(t, r.reg.EndClass(t.Context(), l.ID))
		wait(time.Second)
		equal(t, "told", r.ended.Load(), 1)
		list := must2(r.reg.Unsettled(t.Context()))(t)
		equal(t, "unsettled", len(list), 1)
		stays := r.stays()
		equal(t, "stay", stays[0].LeftAt.Sub(stays[0].JoinedAt), 10*time.Minute)
		r.crash()
		r.start()
		equal(t, "after a crash", len(must2(r.reg.Unsettled(t.Context()))(t)), 1)
		must(t, r.reg.Settle(t.Context(), l.ID))
		equal(t, "settled", len(must2(r.reg.Unsettled(t.Context()))(t)), 0)
	})
}

func TestOwnLimitOfParticipants(t *testing.T) {
	bubble(t, Config{MaxParticipants: 10}, func(t *testing.T, r *room) {
		r.opened(Settings{MaxParticipants: 2})
		r.join("Guru", RolePresenter)
		ani := r.join("Ani", RoleViewer)
		wantErr(t, r.reg.MayEnter(t.Context(), r.lesson.ID, who("Budi", RoleViewer)), ErrClassFull)
		must(t, r.reg.MayEnter(t.Context(), r.lesson.ID, who("Ani", RoleViewer)))
		must(t, r.reg.MayEnter(t.Context(), r.lesson.ID, who("Guru 2", RolePresenter)))
		_, err := r.try(who("Budi", RoleViewer), "", 0)
		wantErr(t, err, ErrClassFull)
		ani.Leave(t.Context())
		r.join("Budi", RoleViewer)
	})
}

func TestGuestsRefused(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		r.opened(Settings{Guests: GuestsRefused})
		_, err := r.try(guest("Tamu"), "", 0)
		wantErr(t, err, ErrGuestsRefused)
		wantErr(t, r.reg.MayEnter(t.Context(), r.lesson.ID, guest("Tamu")), ErrGuestsRefused)
		r.join("Ani", RoleViewer) // is no guest
	})
}

func TestLobby(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		r.opened(Settings{Guests: GuestsWait})
		tamu, err := r.try(guest("Tamu"), "", 0)
		wantErr(t, err, ErrInLobby)
		guru := r.join("Guru", RolePresenter)
		ani := r.join("Ani", RoleViewer)
		equal(t, "who waits", guru.joined.Lobby[0].Name, "Tamu")
		equal(t, "not for viewers", len(ani.joined.Lobby), 0)
		iwan, err := r.try(guest("Iwan"), "", 0)
		wantErr(t, err, ErrInLobby)
		entered := classroomtest.Of[LobbyEntered](guru.out)
		equal(t, "news of the lobby", len(entered), 1)
		equal(t, "none for viewers", len(classroomtest.Of[LobbyEntered](ani.out)), 0)
		equal(t, "nobody hears of the class there", len(tamu.out.Events()), 0)
		equal(t, "roster", len(r.reg.People(r.lesson.ID)), 2)

		wantErr(t, ani.Admit(t.Context(), guru.joined.Lobby[0].ID, true), ErrNotAllowed)
		wantErr(t, guru.Admit(t.Context(), "none", true), ErrNoSuchWaiting)
		must(t, guru.Admit(t.Context(), guru.joined.Lobby[0].ID, true))
		equal(t, "admitted", len(classroomtest.Of[LobbyAdmitted](tamu.out)), 1)
		in, err := r.try(guest("Tamu"), "", 0)
		must(t, err)
		in.Leave(t.Context())
		r.join("Tamu", RoleViewer) // and back without asking again

		must(t, guru.Admit(t.Context(), entered[0].Waiting.ID, false))
		_, reason := iwan.out.Closed()
		wantErr(t, reason, ErrLobbyRefused)
		_, err = r.try(guest("Iwan"), "", 0)
		wantErr(t, err, ErrLobbyRefused)
		equal(t, "left", len(classroomtest.Of[LobbyLeft](guru.out)), 2)
	})
}

// TestLobbyComesAndGoes: lines that are cut, a second page, a new moderator,
// a restart, the end.
func TestLobbyComesAndGoes(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		r.opened(Settings{Guests: GuestsWait, ExpireLeft: time.Minute})
		guru := r.join("Guru", RolePresenter)
		ani := r.join("Ani", RoleViewer)
		one, err := r.try(guest("Tamu"), "", 0)
		wantErr(t, err, ErrInLobby)
		two, err := r.try(guest("Tamu"), "", 0)
		wantErr(t, err, ErrInLobby)
		_, reason := one.out.Closed()
		wantErr(t, reason, ErrSessionResumed)
		equal(t, "one wait", len(classroomtest.Of[LobbyEntered](guru.out)), 1)
		r.reg.LeaveLobby(r.lesson.ID, one.out) // late, of the replaced page
		must(t, guru.SetRole(t.Context(), ani.pid(), RoleModerator))
		shown, _ := classroomtest.Last[LobbyShown](ani.out)
		equal(t, "a new moderator sees who waits", len(shown.Waiting), 1)
		r.reg.LeaveLobby(r.lesson.ID, two.out)
		equal(t, "gone", len(classroomtest.Of[LobbyLeft](ani.out)), 1)
		wantErr(t, ani.Admit(t.Context(), shown.Waiting[0].ID, true), ErrNoSuchWaiting)

		// While the database is away nobody is let in, and nobody forgotten.
		three, err := r.try(guest("Tamu"), "", 0)
		wantErr(t, err, ErrInLobby)
		entered, _ := classroomtest.Last[LobbyEntered](guru.out)
		r.store.Fail(ErrStoreUnavailable)
		wantErr(t, guru.Admit(t.Context(), entered.Waiting.ID, true), ErrStoreUnavailable)
		equal(t, "still waits", len(classroomtest.Of[LobbyAdmitted](three.out)), 0)
		r.store.Fail(nil)
		must(t, guru.Admit(t.Context(), entered.Waiting.ID, true))

		four, err := r.try(guest("Iwan"), "", 0)
		wantErr(t, err, ErrInLobby)
		must(t, guru.EndClass(t.Context()))
		_, reason = four.out.Closed()
		wantErr(t, reason, ErrClassEnded)
	})
}

func TestLobbyOfAServerThatStops(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		r.opened(Settings{Guests: GuestsWait})
		tamu, err := r.try(guest("Tamu"), "", 0)
		wantErr(t, err, ErrInLobby)
		wait(10 * time.Minute) // the class stays in memory for who waits
		must(t, r.reg.Close(t.Context()))
		_, reason := tamu.out.Closed()
		wantErr(t, reason, ErrClosing)
		r.start()
	})
}

func TestChatKeptFromViewers(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		r.opened(Settings{NoPublicChat: true, NoPrivateChat: true})
		guru, ani, budi := r.join("Guru", RolePresenter), r.join("Ani", RoleViewer), r.join("Budi", RoleViewer)
		equal(t, "the page knows", ani.joined.Class.NoPublicChat && ani.joined.Class.NoPrivateChat, true)
		send := func(p *page, kind ChatKind, to *page) error {
			req := ChatRequest{Kind: kind, Text: "halo"}
			if to != nil {
				req.To = to.pid()
			}
			_, err := p.SendChat(t.Context(), req)
			return err
		}
		wantErr(t, send(ani, ChatMessage, nil), ErrChatLocked)
		wantErr(t, send(ani, ChatPrivate, budi), ErrChatLocked)
		must(t, send(ani, ChatPrivate, guru))
		must(t, send(guru, ChatMessage, nil))
		must(t, send(guru, ChatPrivate, ani))
		must(t, guru.SetRole(t.Context(), budi.pid(), RoleModerator))
		must(t, send(ani, ChatPrivate, budi))
	})
}

func TestRosterKeptFromViewers(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		r.opened(Settings{HideRoster: true})
		guru, ani := r.join("Guru", RolePresenter), r.join("Ani", RoleViewer)
		budi := r.join("Budi", RoleViewer)
		names := func(p *page) map[string]bool {
			seen := map[string]bool{}
			byID := map[string]string{}
			for _, v := range p.joined.Participants {
				seen[v.Name], byID[v.ID] = true, v.Name
			}
			for _, e := range p.out.Events() {
				switch e := e.(type) {
				case ParticipantJoined:
					seen[e.Participant.Name], byID[e.Participant.ID] = true, e.Participant.Name
				case ParticipantChanged:
					seen[e.Participant.Name], byID[e.Participant.ID] = true, e.Participant.Name
				case ParticipantLeft:
					delete(seen, byID[e.ID])
				}
			}
			return seen
		}
		equal(t, "the teacher's", names(guru), map[string]bool{"Guru": true, "Ani": true, "Budi": true})
		equal(t, "Ani's", names(ani), map[string]bool{"Guru": true, "Ani": true})
		equal(t, "Budi's", names(budi), map[string]bool{"Guru": true, "Budi": true})
		must(t, budi.SetPresence(t.Context(), true))
		equal(t, "Ani's, after a change", names(ani), map[string]bool{"Guru": true, "Ani": true})
		must(t, guru.SetRole(t.Context(), budi.pid(), RoleModerator))
		equal(t, "Ani's, Budi leads", names(ani), map[string]bool{"Guru": true, "Ani": true, "Budi": true})
		equal(t, "Budi's, who leads", names(budi), map[string]bool{"Guru": true, "Ani": true, "Budi": true})
		must(t, guru.SetRole(t.Context(), budi.pid(), RoleViewer))
		equal(t, "Ani's, Budi does not", names(ani), map[string]bool{"Guru": true, "Ani": true})
		equal(t, "Budi's, who does not", names(budi), map[string]bool{"Guru": true, "Budi": true})
		budi.Leave(t.Context())
		equal(t, "Guru's", names(guru), map[string]bool{"Guru": true, "Ani": true})
	})
}

func TestWelcome(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		r.opened(Settings{Welcome: "Selamat datang", WelcomeLeaders: "Kode: 1234", StartMuted: true, Duration: time.Hour})
		guru, ani := r.join("Guru", RolePresenter), r.join("Ani", RoleViewer)
		equal(t, "all", ani.joined.Welcome, "Selamat datang")
		equal(t, "who leads", guru.joined.Welcome, "Selamat datang\n\nKode: 1234")
		equal(t, "muted", guru.joined.Class.StartMuted, true)
		equal(t, "ends", guru.joined.Class.EndsAt, r.lesson.CreatedAt.Add(time.Hour))
	})
}
