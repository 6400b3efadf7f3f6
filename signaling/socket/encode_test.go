package socket

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"kelas/classroom"
	"kelas/signaling/wire"
)

// TestEncodedOnce: one event is the same piece of JSON for all receivers; the
// author's own is not mixed up with it.
func TestEncodedOnce(t *testing.T) {
	s := new(shelf)
	at := time.UnixMilli(1795312911000).UTC()
	e := classroom.ChatAdded{Entry: classroom.ChatEntry{ClassID: "c", Seq: 7, Kind: classroom.ChatMessage, FromID: "a", FromName: "Ani", Text: "halo", ClientID: "x", At: at}}
	_, own := s.encode(e, "a")
	_, first := s.encode(e, "b")
	_, second := s.encode(e, "c")
	if first != second {
		t.Errorf("%s and %s", first, second)
	}
	for body, clientID := range map[rawJSON]string{own: "x", first: ""} {
		var got wire.ChatEvent
		if err := json.Unmarshal([]byte(body), &got); err != nil || got.Entry.ClientID != clientID || got.Entry.At != at.UnixMilli() {
			t.Errorf("%s, %v", body, err)
		}
	}
	if n := s.next; n != 1 {
		t.Errorf("%d events were encoded for the shelf", n)
	}
	slots := func(live bool) classroom.SlotsChanged {
		return classroom.SlotsChanged{Slots: []classroom.SlotView{{Slot: classroom.SlotMic, Live: live}}}
	}
	_, on := s.encode(slots(true), "a")
	_, again := s.encode(slots(true), "b")
	_, off := s.encode(slots(false), "a")
	if on != again || on == off || s.next != 3 {
		t.Errorf("%s, %s, %s; %d on the shelf", on, again, off, s.next)
	}
	view := func(title string) classroom.ClassChanged {
		return classroom.ClassChanged{Class: classroom.ClassView{Title: title, Slots: []classroom.SlotView{{Slot: classroom.SlotMic}}}}
	}
	_, one := s.encode(view("a"), "a")
	_, two := s.encode(view("b"), "a")
	if one == two {
		t.Error("two states of a class read the same")
	}
	for i := range 100 { // the shelf forgets, and nothing goes wrong
		if _, body := s.encode(classroom.ChatStored{Seq: int64(i)}, "a"); string(body) != fmt.Sprintf(`{"seq":%d}`, i) {
			t.Fatalf("%d: %s", i, body)
		}
	}
	_, cand := s.encode(classroom.IceCandidateFound{Endpoint: classroom.EndpointViewer, Candidate: classroom.IceCandidate{Candidate: "c"}}, "a")
	if !strings.Contains(string(cand), `"endpoint":"viewer"`) {
		t.Errorf("%s", cand)
	}
}

// BenchmarkFanOut is the cost of one chat message for one more receiver,
// up to what the library is given.
func BenchmarkFanOut(b *testing.B) {
	s := new(shelf)
	e := classroom.ChatAdded{Entry: classroom.ChatEntry{ClassID: "c", Seq: 7, FromID: "a", Text: strings.Repeat("x", 200)}}
	b.ReportAllocs()
	for b.Loop() {
		s.encode(e, "b")
	}
}
