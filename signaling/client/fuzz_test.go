package client

import (
	"encoding/json"
	"errors"
	"testing"

	"kelas/signaling/wire"
)

// FuzzPacket: whatever a server says after the door is an event that was
// delivered with its name, an answer to what was asked, or an ErrProtocol.
func FuzzPacket(f *testing.F) {
	for _, s := range []string{`42["chat",{"entry":{"seq":1}}]`, `42["joined",{}]`, `42["viewerResponse",{"response":"accepted"}]`,
		`42["iceCandidate",{"endpoint":"viewer","candidate":{}}]`, `42["error",{"code":"x"}]`, `430[{"ok":true}]`, `43[]`, `6`, `42["x"]`, `42[""`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, frame string) {
		if frame == "2" {
			return // would be answered on the websocket
		}
		heard := ""
		c := &Client{acks: map[int]chan json.RawMessage{0: make(chan json.RawMessage, 1)}, joined: make(chan wire.JoinedEvent, 1),
			answers:  map[string]chan wire.OfferResponse{wire.EndpointViewer: make(chan wire.OfferResponse, 1)},
			trickled: map[string]func(wire.Candidate){wire.EndpointViewer: func(wire.Candidate) {}}}
		c.cfg.OnEvent = func(e Event) { heard = e.Name }
		err := c.packet(frame)
		var said wire.Ack
		select {
		case raw := <-c.acks[0]:
			if err != nil || !json.Valid(raw) {
				t.Fatalf("%q: answered with %q, %v", frame, raw, err)
			}
			_ = json.Unmarshal(raw, &said)
		default:
		}
		if heard != "" && err != nil {
			t.Fatalf("%q: heard %q and %v", frame, heard, err)
		}
		if err != nil && !errors.Is(err, ErrProtocol) && frame[0] != '1' && frame[:2] != "41" {
			t.Fatalf("%q: %v", frame, err)
		}
	})
}
