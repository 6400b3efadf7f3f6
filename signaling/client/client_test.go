package client_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"kelas/signaling/client"
	"kelas/signaling/wire"
)

func TestClass(t *testing.T) {
	r := newRig(t)
	teacher, heard, first := r.join("presenter:Bu Sri")
	if first.You.Name != "Bu Sri" || first.You.Role != "presenter" || first.Class.ID != r.class || first.Session == "" {
		t.Fatalf("joined: %+v", first)
	}
	student, told, _ := r.join("viewer:Ani")
	heard.wait(t, wire.ParticipantJoined, func(e client.Event) bool {
		var p wire.ParticipantEvent
		return e.Decode(&p) == nil && p.Participant.Name == "Ani"
	})

	entry, err := teacher.Chat(r.ctx(), wire.ChatRequest{Text: `Halo "semua" [1]`, ClientID: "c-1"})
	if err != nil || entry.Seq == 0 || entry.ClientID != "c-1" {
		t.Fatalf("chat: %+v, %v", entry, err)
	}
	var got wire.ChatEvent
	if err := told.wait(t, wire.Chat, nil).Decode(&got); err != nil || got.Entry.Text != `Halo "semua" [1]` || got.Entry.Seq != entry.Seq {
		t.Fatalf("heard %+v, %v", got, err)
	}
	if err := student.Ask(r.ctx(), wire.Lock, wire.LockRequest{Locked: true}, nil); !client.RefusedWith(err, "notAllowed") {
		t.Fatalf("a student locks the class: %v", err)
	}
	var history wire.HistoryAck
	if err := student.Ask(r.ctx(), wire.ChatHistory, wire.HistoryRequest{}, &history); err != nil || len(history.Entries) != 1 {
		t.Fatalf("history: %+v, %v", history, err)
	}

	if err := student.Leave(r.ctx()); err != nil {
		t.Fatal(err)
	}
	if err := student.Err(); !errors.Is(err, client.ErrClosed) {
		t.Fatalf("left: %v", err)
	}
	heard.wait(t, wire.ParticipantLeft, nil)
}

func TestResume(t *testing.T) {
	r := newRig(t)
	c, _, first := r.join("viewer:Ani")
	c.Close()
	if err := c.Err(); !errors.Is(err, client.ErrClosed) {
		t.Fatalf("closed: %v", err)
	}
	if err := c.Emit(wire.Presence, wire.PresenceRequest{Away: true}); err == nil {
		t.Fatal("a closed client sends")
	}
	again, _ := r.dial("viewer:Ani")
	second, err := again.Join(r.ctx(), wire.JoinRequest{Session: first.Session})
	if err != nil || !second.Resumed || second.Session != first.Session {
		t.Fatalf("resumed %v, %v", second.Resumed, err)
	}
}

func TestRefusals(t *testing.T) {
	r := newRig(t)
	_, err := client.Dial(r.ctx(), client.Config{URL: r.url, Class: r.class, Token: "nonsense"})
	if !client.RefusedWith(err, "tokenForged") {
		t.Fatalf("a forged token: %v", err)
	}
	c, _ := r.dial("viewer:Ani")
	if _, err := c.Offer(r.ctx(), wire.EndpointViewer, "v=0", ""); !client.RefusedWith(err, "notJoined") {
		t.Fatalf("an offer before the join: %v", err)
	}
	if _, err := c.Join(r.ctx(), wire.JoinRequest{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Join(r.ctx(), wire.JoinRequest{}); !client.RefusedWith(err, "alreadyJoined") {
		t.Fatalf("a second join: %v", err)
	}
	if _, err := c.Offer(r.ctx(), wire.EndpointViewer, "nonsense", ""); !client.RefusedWith(err, "badSdp") {
		t.Fatalf("a bad offer: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Ask(ctx, wire.Stats, nil, nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("a cancelled request: %v", err)
	}

	for _, cfg := range []client.Config{{}, {URL: "ftp://x", Class: "a"}, {URL: "http://x"}} {
		if _, err := client.Dial(t.Context(), cfg); err == nil {
			t.Errorf("%+v is accepted", cfg)
		}
	}
}

// TestPutOut: who is removed knows why its line ended.
func TestPutOut(t *testing.T) {
	r := newRig(t)
	teacher, _, _ := r.join("presenter:Bu Sri")
	student, _, joined := r.join("viewer:Ani")
	if err := teacher.Ask(r.ctx(), wire.Remove, wire.ParticipantRequest{Participant: joined.You.ID}, nil); err != nil {
		t.Fatal(err)
	}
	<-student.Done()
	if err := student.Err(); !client.RefusedWith(err, "removed") {
		t.Fatalf("removed: %v", err)
	}
	if err := student.Ask(r.ctx(), wire.Stats, nil, nil); !client.RefusedWith(err, "removed") && err == nil {
		t.Fatalf("a request after the end: %v", err)
	}
}

// TestStrangers: a server of another kind is refused with words, whatever it says.
func TestStrangers(t *testing.T) {
	for name, frames := range map[string][]string{
		"silence":             nil,
		"no OPEN":             {"hello"},
		"two OPENs":           {"0{}", "0{}"},
		"nonsense refusal":    {"0{}", "44{"},
		"ack without a body":  {"0{}", "40{}", "430"},
		"ack that is no JSON": {"0{}", "40{}", "430[{"},
		"event without name":  {"0{}", "40{}", "42[]"},
		"bad candidate":       {"0{}", "40{}", `42["iceCandidate",7]`},
		"another protocol":    {"0{}", "40{}", "9"},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				ws, err := (&websocket.Upgrader{}).Upgrade(w, req, nil)
				if err != nil {
					return
				}
				defer ws.Close()
				for _, f := range frames {
					_ = ws.WriteMessage(websocket.TextMessage, []byte(f))
				}
				if frames == nil {
					return
				}
				for { // until the client goes
					if _, _, err := ws.ReadMessage(); err != nil {
						return
					}
				}
			}))
			defer s.Close()
			c, err := client.Dial(t.Context(), client.Config{URL: s.URL, Class: "x"})
			if err == nil {
				<-c.Done()
				err = c.Err()
				c.Close()
			}
			if err == nil || (frames != nil && !errors.Is(err, client.ErrProtocol)) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

// TestMedia: what one PeerConnection presents another one views.
func TestMedia(t *testing.T) {
	r := newRig(t)
	teacher, heard, _ := r.join("presenter:Bu Sri")
	up := newPC(t)
	camera, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}, "camera", "p")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := up.AddTransceiverFromTrack(camera, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}); err != nil {
		t.Fatal(err)
	}
	endpoint, err := teacher.Present(r.ctx(), up)
	if err != nil || endpoint == "" {
		t.Fatalf("present: %q, %v", endpoint, err)
	}
	if err := teacher.Publish(r.ctx(), wire.PublishRequest{Camera: true}); err != nil {
		t.Fatal(err)
	}
	heard.wait(t, wire.MediaState, func(e client.Event) bool {
		var m wire.MediaStateEvent
		return e.Decode(&m) == nil && m.Endpoint == wire.EndpointPresenter && m.State == "connected"
	})

	student, _, _ := r.join("viewer:Ani")
	down := newPC(t)
	if _, err := down.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
		t.Fatal(err)
	}
	came := make(chan string, 1)
	down.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		p, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		select {
		case came <- string(p.Payload[len(p.Payload)-4:]):
		default:
		}
	})
	if _, err := student.View(r.ctx(), down); err != nil {
		t.Fatal(err)
	}

	seq := uint16(0)
	eventually(t, "a packet at the viewer", func() bool {
		seq++
		// A VP8 key frame of one packet (RFC 7741, section 4.2), 16 by 16.
		_ = camera.WriteRTP(&rtp.Packet{Header: rtp.Header{Version: 2, Marker: true, SequenceNumber: seq, Timestamp: uint32(seq) * 3000},
			Payload: []byte{0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 16, 0, 16, 0, 't', 'a', 'i', 'l'}})
		select {
		case tail := <-came:
			return tail == "tail"
		default:
			return false
		}
	})
	if err := student.Stop(r.ctx(), wire.EndpointViewer); err != nil {
		t.Fatal(err)
	}
	if err := teacher.Stop(r.ctx(), wire.EndpointPresenter); err != nil {
		t.Fatal(err)
	}
}

func newPC(t *testing.T) *webrtc.PeerConnection {
	t.Helper()
	s := webrtc.SettingEngine{}
	s.SetIncludeLoopbackCandidate(true)
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(s)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.GracefulClose() })
	return pc
}
