package bbb_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kelas/classroom"
	"kelas/signaling/bbb"
)

func TestHooksAreMadeListedAndDestroyed(t *testing.T) {
	l := newLMS(t, bbb.Config{})
	l.get("hooks/list").wants("hooks", "")
	l.get("hooks/create").fails("missingParamCallbackURL")
	for _, bad := range []string{"nonsense", "ftp://x/y", "http://10.0.0.1/x", "http://user:pw@lms.example.org/"} {
		l.get("hooks/create", "callbackURL", bad).fails("validationError")
	}
	l.get("hooks/create", "callbackURL", "https://lms.example.org/h", "getRaw", "true").fails("validationError")
	one := l.get("hooks/create", "callbackURL", "https://lms.example.org/h", "eventID", "user-joined, user-left").wants(
		"permanentHook", "false", "rawData", "false")
	l.get("hooks/create", "callbackURL", "https://lms.example.org/h").wants("messageKey", "duplicateWarning", "hookID", one.at["hookID"])
	two := l.get("hooks/create", "callbackURL", "https://lms.example.org/h", "meetingID", "m1").wants()
	if two.at["hookID"] == one.at["hookID"] {
		t.Error(two.body)
	}
	l.restart() // they outlive the server
	if n := l.get("hooks/list").wants().count["hooks/hook"]; n != 2 {
		t.Error(n)
	}
	a := l.get("hooks/list", "meetingID", "m2").wants("hooks/hook/hookID", one.at["hookID"], "hooks/hook/eventID", "user-joined,user-left",
		"hooks/hook/callbackURL", "https://lms.example.org/h")
	if a.count["hooks/hook"] != 1 {
		t.Error(a.body)
	}
	l.get("hooks/destroy").fails("missingParamHookID")
	l.get("hooks/destroy", "hookID", "none").fails("destroyMissingHook")
	l.get("hooks/destroy", "hookID", one.at["hookID"]).wants("removed", "true")
	l.get("hooks/destroy", "hookID", one.at["hookID"]).fails("destroyMissingHook")
}

// TestHooksHearInOrder: what happens in a class, in BigBlueButton's words,
// signed, and in order although the receiver fails now and then.
func TestHooksHearInOrder(t *testing.T) {
	l := newLMS(t, bbb.Config{PublicURL: "https://class.example.org"})
	type heard struct{ id, user, text, meeting string }
	came := make(chan heard, 50)
	var tries atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if tries.Add(1) == 2 {
			w.WriteHeader(http.StatusFound) // a redirect is a failure
			return
		}
		body, _ := io.ReadAll(r.Body)
		sum := sha1Of("http://"+r.Host+"/hook?x=1", string(body), secret)
		form, err := url.ParseQuery(string(body))
		if r.URL.RawQuery != "x=1&checksum="+sum || err != nil || form.Get("timestamp") == "" || form.Get("domain") != "class.example.org" {
			t.Errorf("%s %s", r.URL, body)
		}
		var events []struct {
			Data struct {
				Type, ID   string
				Attributes struct {
					Meeting map[string]any
					User    map[string]any
					Message map[string]any `json:"chat-message"`
				}
			}
		}
		if err := json.Unmarshal([]byte(form.Get("event")), &events); err != nil || len(events) != 1 || events[0].Data.Type != "event" {
			t.Errorf("%v: %s", err, form.Get("event"))
			return
		}
		str := func(m map[string]any, key string) string { s, _ := m[key].(string); return s }
		d := events[0].Data
		came <- heard{d.ID, str(d.Attributes.User, "external-user-id"), str(d.Attributes.Message, "message"), str(d.Attributes.Meeting, "external-meeting-id")}
	}))
	defer s.Close()
	l.get("hooks/create", "callbackURL", s.URL+"/hook?x=1", "meetingID", "m1").wants()
	l.create("other").wants() // not this hook's
	l.create("m1").wants()
	ani, _ := l.enter(l.address("meetingID", "m1", "fullName", "Ani", "role", "VIEWER", "userID", "8"))
	_, err := ani.SendChat(t.Context(), classroom.ChatRequest{Kind: classroom.ChatMessage, Text: "halo"})
	l.ok(err)
	l.get("end", "meetingID", "m1").wants()
	for _, want := range []heard{{"meeting-created", "", "", "m1"}, {"user-joined", "8", "", "m1"}, {"chat-group-message-sent", "", "halo", "m1"},
		{"user-left", "8", "", "m1"}, {"meeting-ended", "", "", "m1"}} {
		select {
		case got := <-came:
			if got != want {
				t.Fatalf("got %+v, want %+v", got, want)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("%+v never came", want)
		}
	}
	if !l.settled(30 * time.Second) {
		t.Fatal("not settled")
	}
	l.get("hooks/list").wants("hooks", "") // the meeting's went with it
	// A meeting that nobody came to ends too.
	l.clock.advance(time.Second)
	l.get("hooks/create", "callbackURL", s.URL+"/hook?x=1", "eventID", "meeting-created,meeting-ended").wants()
	l.create("m1").wants()
	l.get("end", "meetingID", "m1").wants()
	var ids []string
	for range 2 {
		select {
		case got := <-came:
			ids = append(ids, got.id)
		case <-time.After(30 * time.Second):
			t.Fatal("never came")
		}
	}
	if got := strings.Join(ids, " "); got != "meeting-created meeting-ended" {
		t.Error(got)
	}
}
