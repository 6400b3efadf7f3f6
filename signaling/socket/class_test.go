package socket

import (
	"fmt"
	"testing"

	"kelas/signaling/wire"
)

// TestJoinAndChat: two people, one of each revision, hear each other in one
// order and in words that are not ASCII.
func TestJoinAndChat(t *testing.T) {
	r := newRig(t, rigOptions{})
	teacher, picture := r.come(rev4, "presenter:Bu Sri")
	if picture.You.Name != "Bu Sri" || picture.You.Role != "presenter" || picture.Class.Title != "Fisika" || picture.Session == "" {
		t.Fatalf("joined: %+v", picture)
	}
	if picture.Limits.MessageBytes != 1<<20 || picture.Limits.ChatMaxRunes != 4000 || picture.Limits.FileMaxSize != 500<<20 {
		t.Fatalf("limits: %+v", picture.Limits)
	}
	student, second := r.come(rev3, "viewer:Ani")
	if len(second.Participants) != 2 {
		t.Fatalf("participants: %+v", second.Participants)
	}
	var came wire.ParticipantEvent
	teacher.event(wire.ParticipantJoined, &came)
	if came.Participant.Name != "Ani" {
		t.Fatalf("came: %+v", came)
	}

	const text = "Selamat pagi, 早上好 \U0001F600 <b>&\u2028"
	var ack wire.ChatAck
	student.ask(wire.Chat, wire.ChatRequest{Text: text, ClientID: "a1"}, &ack)
	if !ack.OK || ack.Entry == nil || ack.Entry.Text != text || ack.Entry.ClientID != "a1" || ack.Entry.Seq != 1 {
		t.Fatalf("ack: %+v", ack)
	}
	var heard wire.ChatEvent
	teacher.event(wire.Chat, &heard)
	if heard.Entry.Text != text || heard.Entry.ClientID != "" || heard.Entry.From.Name != "Ani" || heard.Entry.Seq != 1 {
		t.Fatalf("heard: %+v", heard)
	}
	var stored wire.ChatStoredEvent
	teacher.event(wire.ChatStored, &stored)
	if stored.Seq != 1 {
		t.Fatalf("stored: %+v", stored)
	}
}

// TestOwnEcho: the sender's own event carries its clientId, in each of its tabs.
func TestOwnEcho(t *testing.T) {
	r := newRig(t, rigOptions{})
	a, _ := r.come(rev4, "viewer:Ani")
	b, _ := r.come(rev3, "viewer:Ani")
	a.emit(wire.Chat, wire.ChatRequest{Text: "satu", ClientID: "x"})
	for _, c := range []*raw{a, b} {
		var heard wire.ChatEvent
		c.event(wire.Chat, &heard)
		if heard.Entry.ClientID != "x" {
			t.Fatalf("own echo: %+v", heard)
		}
	}
}

// TestOrder: what many say at once is heard in one order by all.
func TestOrder(t *testing.T) {
	r := newRig(t, rigOptions{})
	const people, each = 8, 20
	var clients []*raw
	for i := range people {
		c, _ := r.come([]revision{rev3, rev4}[i%2], fmt.Sprintf("viewer:p%d", i))
		clients = append(clients, c)
	}
	for n := range each {
		for i, c := range clients {
			c.emit(wire.Chat, wire.ChatRequest{Text: fmt.Sprint(i, " ", n), ClientID: fmt.Sprint(n)})
		}
	}
	var first []string
	for i, c := range clients {
		var order []string
		for range people * each {
			var e wire.ChatEvent
			c.event(wire.Chat, &e)
			if e.Entry.Seq != int64(len(order)+1) {
				t.Fatalf("client %d: number %d after %d entries", i, e.Entry.Seq, len(order))
			}
			order = append(order, e.Entry.Text)
		}
		if first == nil {
			first = order
		}
		if fmt.Sprint(first) != fmt.Sprint(order) {
			t.Fatalf("client %d heard another order", i)
		}
	}
}

// TestPrivate: a private message is heard by two and no third.
func TestPrivate(t *testing.T) {
	r := newRig(t, rigOptions{})
	a, _ := r.come(rev4, "viewer:Ani")
	b, pb := r.come(rev4, "viewer:Budi")
	c, _ := r.come(rev4, "viewer:Citra")
	a.must(wire.Chat, wire.ChatRequest{Kind: "private", To: pb.You.ID, Text: "rahasia"})
	a.must(wire.Chat, wire.ChatRequest{Text: "terbuka"})
	var e wire.ChatEvent
	b.event(wire.Chat, &e)
	if e.Entry.Text != "rahasia" || e.Entry.To == nil || e.Entry.To.Name != "Budi" {
		t.Fatalf("to Budi: %+v", e)
	}
	c.event(wire.Chat, &e)
	if e.Entry.Text != "terbuka" {
		t.Fatalf("Citra heard %+v", e)
	}
}

// TestResume: a cut line is taken up by another connection, with all that was
// said meanwhile; the old line is told when it is still there.
func TestResume(t *testing.T) {
	revisions(t, func(t *testing.T, rev revision) {
		r := newRig(t, rigOptions{})
		teacher, _ := r.come(rev4, "presenter:Bu Sri")
		student, before := r.come(rev, "viewer:Ani")
		teacher.must(wire.Chat, wire.ChatRequest{Text: "satu"})
		var e wire.ChatEvent
		student.event(wire.Chat, &e)
		student.close()
		eventually(t, "the cut is noticed", func() bool { return r.server.Stats().Joined == 1 })
		teacher.must(wire.Chat, wire.ChatRequest{Text: "dua"})
		teacher.must(wire.Chat, wire.ChatRequest{Text: "tiga"})

		again := r.dial(dialOptions{rev: rev, token: "viewer:Ani"}).connect()
		after := again.join(wire.JoinRequest{Session: before.Session, LastSeq: e.Entry.Seq})
		if !after.Resumed || after.You.ID != before.You.ID || after.Session != before.Session {
			t.Fatalf("not resumed: %+v", after)
		}
		if len(after.Chat) != 2 || after.Chat[0].Text != "dua" || after.Chat[1].Text != "tiga" {
			t.Fatalf("missed: %+v", after.Chat)
		}

		third := r.dial(dialOptions{rev: rev, token: "viewer:Ani"}).connect()
		third.join(wire.JoinRequest{Session: before.Session})
		var why wire.ErrorEvent
		again.event(wire.Error, &why)
		if why.Code != "sessionResumed" {
			t.Fatalf("the old line hears %+v", why)
		}
		if got := again.frame(); got != "41" {
			t.Fatalf("the old line is not asked to stay away: %q", got)
		}
		if code := again.closed(); code != closePolicy {
			t.Fatalf("closed with %d", code)
		}
	})
}

// TestLeave: the answer comes before the end, and nobody comes back by itself.
func TestLeave(t *testing.T) {
	r := newRig(t, rigOptions{})
	teacher, _ := r.come(rev4, "presenter:Bu Sri")
	c, j := r.come(rev3, "viewer:Ani")
	c.must(wire.Leave, nil)
	if got := c.frame(); got != "41" {
		t.Fatalf("after leave: %q", got)
	}
	if code := c.closed(); code != closeNormal {
		t.Fatalf("closed with %d", code)
	}
	var left wire.ParticipantLeftEvent
	teacher.event(wire.ParticipantLeft, &left)
	if left.ID != j.You.ID || left.Reason != "left" {
		t.Fatalf("left: %+v", left)
	}
}

// TestRequests: every request of the table reaches the class and is answered.
func TestRequests(t *testing.T) {
	r := newRig(t, rigOptions{})
	teacher, _ := r.come(rev4, "presenter:Bu Sri")
	student, s := r.come(rev3, "viewer:Ani")

	student.refusedWith("notAllowed", wire.Lock, wire.LockRequest{Locked: true})
	teacher.must(wire.Lock, wire.LockRequest{Locked: true})
	var class wire.ClassEvent
	student.event(wire.ClassChanged, &class)
	if !class.Class.Locked {
		t.Fatalf("class: %+v", class)
	}
	late := r.dial(dialOptions{token: "viewer:Budi"}).connect()
	late.refusedWith("classLocked", wire.Join, wire.JoinRequest{})
	teacher.must(wire.Lock, wire.LockRequest{})
	late.must(wire.Join, wire.JoinRequest{}) // the same connection may try again
	late.refusedWith("alreadyJoined", wire.Join, wire.JoinRequest{})

	var ack wire.ChatAck
	student.ask(wire.Chat, wire.ChatRequest{Text: "salah"}, &ack)
	student.must(wire.ChatDelete, wire.SeqRequest{Seq: ack.Entry.Seq})
	var e wire.ChatEvent
	for e.Entry.Kind != "deletion" {
		teacher.event(wire.Chat, &e)
	}
	if e.Entry.Target != ack.Entry.Seq {
		t.Fatalf("deletion: %+v", e)
	}
	var history wire.HistoryAck
	teacher.ask(wire.ChatHistory, wire.HistoryRequest{Limit: 10}, &history)
	if !history.OK || len(history.Entries) == 0 || history.Entries[0].Text != "" || !history.Entries[0].Deleted {
		t.Fatalf("history: %+v", history)
	}

	student.must(wire.Presence, wire.PresenceRequest{Away: true})
	var changed wire.ParticipantEvent
	for changed.Participant.Presence != "away" {
		teacher.event(wire.ParticipantChanged, &changed)
	}
	teacher.must(wire.SetRole, wire.RoleRequest{Participant: s.You.ID, Role: "moderator"})
	var role wire.RoleEvent
	student.event(wire.RoleChanged, &role)
	if role.Role != "moderator" {
		t.Fatalf("role: %+v", role)
	}
	student.must(wire.TakeBack, nil)
	teacher.must(wire.HandOver, wire.HandOverRequest{To: s.You.ID})
	var offered wire.HandOverOfferedEvent
	student.event(wire.HandOverOffered, &offered)
	if offered.Name != "Bu Sri" {
		t.Fatalf("offered: %+v", offered)
	}

	var files wire.FilesAck
	teacher.ask(wire.Files, nil, &files)
	if !files.OK || files.Files == nil {
		t.Fatalf("files: %+v", files)
	}
	teacher.refusedWith("noSuchFile", wire.FileDelete, wire.FileRequest{ID: "none"})
	var ice wire.IceServersAck
	teacher.ask(wire.IceServers, nil, &ice)
	if !ice.OK || ice.IceServers == nil {
		t.Fatalf("iceServers: %+v", ice)
	}
	var figures wire.StatsAck
	teacher.ask(wire.Stats, nil, &figures)
	if !figures.OK || len(figures.Endpoints) != 0 {
		t.Fatalf("stats: %+v", figures)
	}

	student.refusedWith("notPresenting", wire.Publish, wire.PublishRequest{Mic: true})
	student.refusedWith("noSuchEndpoint", wire.OnIceCandidate, wire.CandidateRequest{Endpoint: "viewer", Candidate: wire.Candidate{Candidate: "x"}})
	student.emit(wire.Viewer, wire.OfferRequest{SDPOffer: "v=broken"})
	var answer wire.OfferResponse
	student.event(wire.ViewerResponse, &answer)
	if answer.Response != wire.Rejected || answer.Code != "badSdp" {
		t.Fatalf("viewerResponse: %+v", answer)
	}

	teacher.must(wire.Remove, wire.ParticipantRequest{Participant: s.You.ID})
	var why wire.ErrorEvent
	student.event(wire.Error, &why)
	if why.Code != "removed" {
		t.Fatalf("why: %+v", why)
	}
	student.closed()
	back := r.dial(dialOptions{token: "viewer:Ani"}).connect()
	back.refusedWith("removed", wire.Join, wire.JoinRequest{})

	teacher.must(wire.EndClass, nil)
	late.event(wire.Error, &why)
	if why.Code != "classEnded" {
		t.Fatalf("why: %+v", why)
	}
}
