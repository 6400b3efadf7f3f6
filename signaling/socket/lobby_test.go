package socket

import (
	"context"
	"testing"

	"kelas/classroom"
	"kelas/signaling/wire"
)

// lobbyRig is a door with a class whose viewers are guests that wait.
func lobbyRig(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, rigOptions{socket: func(cfg *Config) {
		admit := cfg.Admit
		cfg.Admit = func(ctx context.Context, h Handshake) (classroom.Identity, error) {
			id, err := admit(ctx, h)
			id.Guest = id.Role == classroom.RoleViewer
			return id, err
		}
	}})
	l, _, err := r.registry.OpenLesson(t.Context(), "room", "Kimia", classroom.Settings{Guests: classroom.GuestsWait, Welcome: "Halo"})
	if err != nil {
		t.Fatal(err)
	}
	r.classID = l.ID
	return r
}

// TestLobby: of both revisions one waits, is let in on the same line and
// comes back without asking; another is turned away, a third goes by itself.
func TestLobby(t *testing.T) {
	revisions(t, func(t *testing.T, rev revision) {
		r := lobbyRig(t)
		guest := r.dial(dialOptions{rev: rev, token: "viewer:Tamu"}).connect()
		guest.refusedWith("inLobby", wire.Join, wire.JoinRequest{})
		guest.refusedWith("notJoined", wire.Chat, wire.ChatRequest{Text: "halo"})
		guest.refusedWith("inLobby", wire.Join, wire.JoinRequest{}) // asking again changes nothing
		teacher, picture := r.come(rev4, "presenter:Bu Sri")
		if len(picture.Lobby) != 1 || picture.Lobby[0].Name != "Tamu" || picture.Lobby[0].Since == 0 || picture.Welcome != "Halo" {
			t.Fatalf("picture: %+v", picture.Lobby)
		}
		teacher.refusedWith("badMessage", wire.Admit, wire.AdmitRequest{})
		teacher.refusedWith("noSuchWaiting", wire.Admit, wire.AdmitRequest{ID: "none", In: true})
		teacher.emit(wire.Admit, wire.AdmitRequest{ID: picture.Lobby[0].ID, In: true})
		var left wire.LobbyLeftEvent
		teacher.event(wire.LobbyLeft, &left)
		guest.event(wire.LobbyAdmitted, &wire.EmptyEvent{})
		if in := guest.join(wire.JoinRequest{}); in.You.Name != "Tamu" || left.ID != picture.Lobby[0].ID {
			t.Fatalf("in: %+v", in.You)
		}
		guest.refusedWith("notAllowed", wire.Admit, wire.AdmitRequest{ID: "x", In: true})
		guest.close()
		r.come(rev, "viewer:Tamu")

		var entered wire.LobbyEnteredEvent
		other := r.dial(dialOptions{rev: rev, token: "viewer:Asing"}).connect()
		other.refusedWith("inLobby", wire.Join, wire.JoinRequest{})
		teacher.event(wire.LobbyEntered, &entered)
		teacher.must(wire.Admit, wire.AdmitRequest{ID: entered.Waiting.ID, In: false})
		var why wire.ErrorEvent
		other.event(wire.Error, &why)
		if why.Code != "lobbyRefused" {
			t.Fatalf("turned away: %+v", why)
		}

		third := r.dial(dialOptions{rev: rev, token: "viewer:Iwan"}).connect()
		third.refusedWith("inLobby", wire.Join, wire.JoinRequest{})
		teacher.event(wire.LobbyEntered, &entered)
		third.close()
		for left.ID != entered.Waiting.ID {
			teacher.event(wire.LobbyLeft, &left)
		}
	})
}
