package bbb_test

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kelas/classroom"
	"kelas/signaling/bbb"
)

type got struct {
	method, address, token string
	body                   []byte
}

// receiver is an LMS that is called; fails is how often it says 503 first.
func receiver(t *testing.T, fails int64) (address string, came <-chan got) {
	t.Helper()
	ch := make(chan got, 20)
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) <= fails {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		body, _ := io.ReadAll(r.Body)
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		ch <- got{r.Method, r.URL.String(), token, body}
	}))
	t.Cleanup(s.Close)
	return s.URL, ch
}

func next(t *testing.T, came <-chan got) got {
	t.Helper()
	select {
	case g := <-came:
		return g
	case <-time.After(30 * time.Second):
		t.Fatal("nothing came")
	}
	return got{}
}

func TestAnLMSHearsOfTheEnd(t *testing.T) {
	l := newLMS(t, bbb.Config{})
	address, came := receiver(t, 3)
	l.create("m1", "meetingEndedURL", address+"/ended", "meta_endCallbackUrl", address+"/end?id=7",
		"meta_analytics-callback-url", address+"/broker.php?action=meeting_events", "meta_gl-listed", "x", "meta_course", "9").wants()
	guru, _ := l.enter(l.address("meetingID", "m1", "fullName", "Bu Sari", "role", "MODERATOR", "userID", "7"))
	ani, _ := l.enter(l.address("meetingID", "m1", "fullName", "Ani", "role", "VIEWER", "userID", "u 8"))
	l.enter(l.address("meetingID", "m1", "fullName", "Tamu", "role", "VIEWER"))
	for _, text := range []string{"satu", "dua"} {
		_, err := ani.SendChat(t.Context(), classroom.ChatRequest{Kind: classroom.ChatMessage, Text: text})
		l.ok(err)
	}
	_, err := ani.SendChat(t.Context(), classroom.ChatRequest{Kind: classroom.ChatPrivate, To: guru.Participant().ID, Text: "rahasia"})
	l.ok(err)
	l.clock.advance(90 * time.Second)
	ani.Leave(t.Context())
	l.clock.advance(time.Minute)
	l.enter(l.address("meetingID", "m1", "fullName", "Ani", "role", "VIEWER", "userID", "u 8"))
	l.clock.advance(10 * time.Minute)
	l.get("end", "meetingID", "m1").wants()

	if g := next(t, came); g.method != "GET" || g.address != "/ended?recordingmarks=false" {
		t.Errorf("%s %s", g.method, g.address)
	}
	if g := next(t, came); g.method != "GET" || g.address != "/end?id=7&recordingmarks=false" {
		t.Errorf("%s %s", g.method, g.address)
	}
	g := next(t, came)
	if g.method != "POST" || g.address != "/broker.php?action=meeting_events" {
		t.Fatalf("%s %s", g.method, g.address)
	}
	checkToken(t, g.token, l.clock.now())
	var report struct {
		Version           string
		MeetingID         string `json:"meeting_id"`
		InternalMeetingID string `json:"internal_meeting_id"`
		Data              struct {
			Duration  int64
			Metadata  map[string]any
			Attendees []struct {
				ExtUserID     string `json:"ext_user_id"`
				Name          string
				Moderator     bool
				Duration      int64
				Joins, Leaves []string
				Engagement    map[string]int
			}
		}
	}
	l.ok(json.Unmarshal(g.body, &report))
	if report.Version != "1.0" || report.MeetingID != "m1" || !strings.HasPrefix(report.InternalMeetingID, sha1Of("m1")+"-") ||
		report.Data.Duration != 750 || report.Data.Metadata["course"] != "9" || report.Data.Metadata["gl_listed"] != nil {
		t.Errorf("%s", g.body)
	}
	if len(report.Data.Attendees) != 3 {
		t.Fatalf("%s", g.body)
	}
	for _, a := range report.Data.Attendees {
		switch a.Name {
		case "Bu Sari":
			if a.ExtUserID != "7" || !a.Moderator || a.Duration != 750 || a.Engagement["chats"] != 0 {
				t.Errorf("%+v", a)
			}
		case "Ani":
			if a.ExtUserID != "u 8" || a.Moderator || a.Duration != 690 || len(a.Joins) != 2 || len(a.Leaves) != 2 || a.Engagement["chats"] != 2 {
				t.Errorf("%+v", a)
			}
		}
	}
	for _, name := range []string{"chats", "talks", "raisehand", "poll_votes", "emojis"} {
		if _, ok := report.Data.Attendees[0].Engagement[name]; !ok {
			t.Error("Moodle reads", name)
		}
	}
	if !l.settled(30 * time.Second) {
		t.Error("not settled")
	}
	select {
	case g := <-came:
		t.Errorf("told again: %+v", g)
	default:
	}
}

// checkToken verifies HS512 by hand: it is what an LMS does.
func checkToken(t *testing.T, token string, now time.Time) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatal(token)
	}
	mac := hmac.New(sha512.New, []byte(secret))
	mac.Write([]byte(parts[0] + "." + parts[1]))
	if base64.RawURLEncoding.EncodeToString(mac.Sum(nil)) != parts[2] {
		t.Error("the signature is not HS512 with the shared secret")
	}
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct{ Exp int64 }
	if json.Unmarshal(payload, &claims) != nil || claims.Exp <= now.Unix() || claims.Exp > now.Add(25*time.Hour).Unix() {
		t.Error(string(payload))
	}
}

// TestNobodyInsideIsCalled: a callback's address is the LMS's to choose, not
// the network it lies in.
func TestNobodyInsideIsCalled(t *testing.T) {
	l := newLMSIn(t, bbb.Config{})
	address, came := receiver(t, 0)
	l.create("m1", "meetingEndedURL", address+"/ended", "meta_endCallbackUrl", "nonsense", "meta_analytics-callback-url", address+"/a").wants()
	l.get("end", "meetingID", "m1").wants()
	// The next meeting's end is told after this one's, so that one is over with.
	l.create("m2").wants()
	l.get("end", "meetingID", "m2").wants()
	if !l.settled(30 * time.Second) {
		t.Fatal("what cannot be called is tried for ever")
	}
	select {
	case g := <-came:
		t.Errorf("called: %s", g.address)
	default:
	}
}

// TestTheEndIsToldAfterARestart: of the server, between the end and the
// telling.
func TestTheEndIsToldAfterARestart(t *testing.T) {
	l := newLMS(t, bbb.Config{})
	address, came := receiver(t, 0)
	l.create("m1", "meetingEndedURL", address+"/ended").wants()
	l.door.Close() // nobody tells
	l.get("end", "meetingID", "m1").wants()
	select {
	case <-l.ended:
	case <-time.After(30 * time.Second):
		t.Fatal("the end is not told")
	}
	list, err := l.classes.Unsettled(t.Context())
	l.ok(err)
	if len(list) != 1 {
		t.Fatal("the end is not kept")
	}
	l.restart()
	if g := next(t, came); g.address != "/ended?recordingmarks=false" {
		t.Error(g.address)
	}
}

// settled waits until no end is left to be told.
func (l *lms) settled(patience time.Duration) bool {
	for deadline := time.Now().Add(patience); ; {
		list, err := l.store.UnsettledLessons(l.t.Context())
		l.ok(err)
		if len(list) == 0 || time.Now().After(deadline) {
			return len(list) == 0
		}
		time.Sleep(time.Millisecond)
	}
}
