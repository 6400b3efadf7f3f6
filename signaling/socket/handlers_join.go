package socket

import (
	"context"
	"errors"

	"kelas/classroom"
	"kelas/signaling/fault"
	"kelas/signaling/wire"
)

// join brings the client into the class it connected for. One connection
// joins once; after a refusal it may try again.
func join(ctx context.Context, c *client, _ string, req *wire.JoinRequest) (any, error) {
	if _, err := c.joinedSession(); err == nil {
		return nil, fault.ErrAlreadyJoined
	}
	v := c.link.Auth()
	session, joined, err := c.server.cfg.Registry.Join(ctx, classroom.JoinRequest{
		ClassID: v.classID, Identity: v.identity,
		SessionToken: req.Session, LastSeq: req.LastSeq,
		Outlet: c.out, UserAgent: v.userAgent, Addr: v.addr,
	})
	if errors.Is(err, classroom.ErrInLobby) && !c.wait() {
		c.server.cfg.Registry.LeaveLobby(v.classID, c.out) // it has gone meanwhile
	}
	if err != nil {
		return nil, err
	}
	if !c.enter(session, joined.You.ID) {
		session.Disconnected()
		return nil, fault.ErrNotJoined
	}
	c.out.joined(rawJSON(mustJSON(c.picture(session, joined))), wire.Joined)
	return nil, nil
}

// wait notes that the client is in the lobby, unless the connection has ended.
func (c *client) wait() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waits = true
	return !c.gone
}

// enter notes the session, unless the connection has ended meanwhile.
func (c *client) enter(session *classroom.Session, self string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return false
	}
	c.session, c.self = session, self
	c.server.counters.joined.Add(1)
	return true
}

func (c *client) picture(session *classroom.Session, j classroom.Joined) wire.JoinedEvent {
	cfg := c.server.cfg
	return wire.JoinedEvent{
		Session: j.SessionToken, Seat: c.link.Auth().seat, Resumed: j.Resumed,
		You: participant(j.You), Class: class(j.Class), Participants: each(j.Participants, participant),
		Chat: entriesFor(j.Chat, j.You.ID), ChatMore: j.ChatMore, StoredSeq: j.StoredSeq,
		Files: files(j.Files), Welcome: j.Welcome, Lobby: lobby(j.Lobby), IceServers: iceServers(session.ICEServers()),
		Limits: wire.Limits{MessageBytes: cfg.MaxMessage, ChatMaxRunes: cfg.ChatMaxRunes, FileMaxSize: cfg.FileMaxSize},
	}
}

// lobby is nil where nobody waits: that is left out.
func lobby(in []classroom.Waiting) []wire.Waiting {
	if len(in) == 0 {
		return nil
	}
	return each(in, waiting)
}

// leave ends the session by choice; the connection follows when the
// acknowledgement has gone out.
func leave(ctx context.Context, c call, _ *wire.EmptyRequest) (any, error) {
	c.client.mu.Lock()
	c.client.left = true
	c.client.mu.Unlock()
	c.session.Leave(ctx)
	return nil, nil
}
