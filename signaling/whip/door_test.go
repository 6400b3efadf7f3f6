package whip_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"kelas/classroom"
	"kelas/classroom/classroomtest"
	"kelas/pipeline/pipelinetest"
	"kelas/signaling/whip"
)

const fragmentType = "application/trickle-ice-sdpfrag"

// TestRefusals: each status, and that nothing is left behind.
func TestRefusals(t *testing.T) {
	r := newRig(t, whip.Config{})
	good, view := offerOf(t, true), offerOf(t, false)
	w, p := "/whip/"+r.class, "/whep/"+r.class
	ct := []string{"Content-Type", "application/sdp"}
	two := strings.Replace(good, "m=audio", "m=video", 1)
	for name, c := range map[string]struct {
		method, path, token, body string
		header                    []string
		status                    int
		code                      string
	}{
		"no token":               {"POST", w, "", good, ct, 401, "noIdentity"},
		"forged":                 {"POST", w, "nonsense", good, ct, 401, "tokenForged"},
		"expired":                {"POST", w, "expired", good, ct, 401, "tokenExpired"},
		"of another class":       {"POST", w, "foreign", good, ct, 403, "tokenOtherClass"},
		"basic":                  {"POST", w, "", good, append([]string{"Authorization", "Basic dDp0"}, ct...), 401, "noIdentity"},
		"a viewer's":             {"POST", w, "student", good, ct, 403, "notAllowed"},
		"no such class":          {"POST", "/whip/nothere", "teacher", good, ct, 404, "classNotFound"},
		"no such class, player":  {"POST", "/whep/nothere", "wall", view, ct, 404, "classNotFound"},
		"no class":               {"POST", "/whip/", "teacher", good, ct, 404, "classNotFound"},
		"too deep":               {"POST", w + "/a/b", "teacher", good, ct, 404, "classNotFound"},
		"type":                   {"POST", w, "teacher", good, []string{"Content-Type", "text/plain"}, 415, "unsupportedMediaType"},
		"no type":                {"POST", w, "teacher", good, nil, 415, "unsupportedMediaType"},
		"empty":                  {"POST", w, "teacher", "", ct, 422, "badMessage"},
		"not SDP":                {"POST", w, "teacher", "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=sendonly\r\n", ct, 422, "badSdp"},
		"too large":              {"POST", w, "teacher", good + strings.Repeat("a=x\r\n", 20000), ct, 413, "messageTooLarge"},
		"two pictures":           {"POST", w, "teacher", two, ct, 422, "badSdp"},
		"data":                   {"POST", w, "teacher", good + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:9\r\n", ct, 422, "badSdp"},
		"sends nothing":          {"POST", w, "teacher", view, ct, 422, "badSdp"},
		"takes nothing":          {"POST", p, "wall", good, ct, 422, "badSdp"},
		"as what":                {"POST", w + "?as=window", "teacher", good, ct, 422, "badMessage"},
		"watching what":          {"POST", p + "?as=window", "wall", view, ct, 422, "badMessage"},
		"nobody live":            {"POST", p, "wall", view, ct, 409, "nobodyLive"},
		"PUT":                    {"PUT", w, "teacher", good, ct, 405, "methodNotAllowed"},
		"DELETE of the endpoint": {"DELETE", w, "teacher", "", nil, 405, "methodNotAllowed"},
		"no such session":        {"DELETE", w + "/NOTHERE", "teacher", "", nil, 404, "noSuchSession"},
		"PATCH without session":  {"PATCH", w + "/NOTHERE", "teacher", "a=x", []string{"Content-Type", fragmentType}, 404, "noSuchSession"},
		"without ICE":            {"POST", w, "teacher", regexp.MustCompile(`a=ice-ufrag:\S+`).ReplaceAllString(good, "a=x"), ct, 422, "badSdp"},
	} {
		a := r.ask(c.method, c.path, c.token, c.body, c.header...)
		if a.status != c.status || !strings.Contains(a.body, `"code":"`+c.code+`"`) || a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s, want %d %s", name, a.status, a.body, c.status, c.code)
		}
		if a.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: a page of another origin cannot read it", name)
		}
		if (a.status == 401) != (a.header.Get("WWW-Authenticate") != "") || (a.status == 409) != (a.header.Get("Retry-After") != "") {
			t.Errorf("%s: headers %v", name, a.header)
		}
	}
	if st, reg := r.door.Stats(), r.reg.Stats(); st != (whip.Stats{}) || reg.Sessions != 0 {
		t.Fatalf("left behind: %+v, %d tabs", st, reg.Sessions)
	}
}

// TestLookingAround: OPTIONS, GET and HEAD.
func TestLookingAround(t *testing.T) {
	r := newRig(t, whip.Config{})
	_, c := r.encoder("", "teacher", pipelinetest.Options{})
	for path, accept := range map[string]string{"/whip/" + r.class: "Accept-Post", "/whep/" + r.class: "Accept-Post", c.location: "Accept-Patch"} {
		a := r.ask("OPTIONS", path, "", "", "Origin", "https://studio.example", "Access-Control-Request-Method", "POST")
		if a.status != 204 || a.body != "" || a.header.Get(accept) == "" ||
			!strings.Contains(a.header.Get("Access-Control-Allow-Methods"), "PATCH") ||
			!strings.Contains(a.header.Get("Access-Control-Expose-Headers"), "Access-Control-Allow-Methods") ||
			!strings.Contains(a.header.Get("Access-Control-Expose-Headers"), "Location") ||
			!strings.Contains(a.header.Get("Access-Control-Allow-Headers"), "If-Match") {
			t.Errorf("OPTIONS %.6s: %d %v", path, a.status, a.header)
		}
		for _, method := range []string{"GET", "HEAD"} {
			if a := r.ask(method, path, "teacher", ""); a.status != 200 || a.body != "" {
				t.Errorf("%s %.6s: %d %q", method, path, a.status, a.body)
			}
		}
	}
	if a := r.ask("HEAD", "/whep/"+r.class, "", ""); a.header.Get("Content-Type") != "application/sdp" {
		t.Errorf("HEAD: %v", a.header)
	}
	if a := r.ask("GET", c.location, "", ""); a.status != 401 {
		t.Errorf("GET of a session without a token: %d", a.status)
	}
	if a := r.ask("GET", c.location, "other", ""); a.status != 403 {
		t.Errorf("GET of another's session: %d", a.status)
	}
	if a := r.ask("DELETE", strings.Replace(c.location, "/whip/", "/whep/", 1), "", ""); a.status != 404 {
		t.Errorf("a session by the other protocol's address: %d", a.status)
	}
}

func (c *client) patch(body string, header ...string) answer {
	return c.r.ask("PATCH", c.location, c.token, body, append([]string{"Content-Type", fragmentType}, header...)...)
}

// TestTrickle: each answer to a PATCH.
func TestTrickle(t *testing.T) {
	r := newRig(t, whip.Config{})
	_, c := r.encoder("", "teacher", pipelinetest.Options{})
	candidate := "a=candidate:1 1 udp 2130706431 192.0.2.7 50000 typ host\r\n"
	fragment := "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n" + candidate + "a=end-of-candidates\r\n"
	for name, got := range map[string]struct {
		a    answer
		want int
	}{
		"with the ETag":           {c.patch(fragment, "If-Match", c.etag), 204},
		"as Eyevinn's client":     {c.patch(fragment, "ETag", c.etag), 204},
		"any":                     {c.patch(fragment, "If-Match", "*"), 204},
		"an unknown section":      {c.patch("m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:99\r\n"+candidate, "If-Match", c.etag), 204},
		"a candidate that is odd": {c.patch("m=audio 9 X 0\r\na=mid:0\r\na=candidate:nonsense\r\n", "If-Match", c.etag), 204},
		"no ETag":                 {c.patch(fragment), 428},
		"another ETag":            {c.patch(fragment, "If-Match", `"other"`), 412},
		"no fragment":             {c.patch("nonsense", "If-Match", c.etag), 400},
		"too long":                {c.patch(strings.Repeat("a=x\r\n", 5000), "If-Match", c.etag), 413},
		"half credentials":        {c.patch("a=ice-ufrag:abcd\r\n", "If-Match", "*"), 422},
		"bad credentials":         {c.patch("a=ice-ufrag:a b c d\r\na=ice-pwd:0123456789012345678901\r\n", "If-Match", "*"), 422},
		"another type":            {r.ask("PATCH", c.location, "teacher", fragment, "Content-Type", "application/sdp", "If-Match", c.etag), 415},
		"no token":                {r.ask("PATCH", c.location, "", fragment, "Content-Type", fragmentType, "If-Match", c.etag), 401},
		"another's token":         {r.ask("PATCH", c.location, "other", fragment, "Content-Type", fragmentType, "If-Match", c.etag), 403},
	} {
		if got.a.status != got.want {
			t.Errorf("%s: %d %s, want %d", name, got.a.status, got.a.body, got.want)
		}
		if got.want == 204 && got.a.header.Get("ETag") != "" {
			t.Errorf("%s: a trickle has a new ETag", name)
		}
	}
}

// TestRestart: new credentials by PATCH, and the picture goes on.
func TestRestart(t *testing.T) {
	r := newRig(t, whip.Config{})
	budi, _ := r.page("student")
	tab := r.watch(budi)
	obs, c := r.encoder("", "teacher", pipelinetest.Options{})
	obs.WaitConnected()
	tab.Slot(pipelinetest.Camera).WaitTotal(t, 5, patience)
	first := c.etag
	obs.Restart(func(ctx context.Context, offer string) (string, error) {
		var fragment strings.Builder
		for _, line := range strings.Split(offer, "\r\n") {
			if strings.HasPrefix(line, "a=ice-") || strings.HasPrefix(line, "m=audio") || line == "a=mid:0" || strings.HasPrefix(line, "a=candidate:") {
				if !strings.HasPrefix(line, "a=ice-options") && strings.Count(fragment.String(), line) == 0 {
					fragment.WriteString(line + "\r\n")
				}
			}
		}
		a := c.patch(fragment.String(), "If-Match", "*")
		if a.status != 200 || a.header.Get("Content-Type") != fragmentType || a.header.Get("ETag") == first || a.header.Get("ETag") == "" {
			t.Fatalf("restart: %d %v %s", a.status, a.header, a.body)
		}
		c.etag = a.header.Get("ETag")
		ufrag := regexp.MustCompile(`a=ice-ufrag:(\S+)`).FindStringSubmatch(a.body)[1]
		pwd := regexp.MustCompile(`a=ice-pwd:(\S+)`).FindStringSubmatch(a.body)[1]
		if !strings.Contains(a.body, "a=candidate:") || !strings.Contains(a.body, "a=mid:0") {
			t.Fatalf("the fragment is %s", a.body)
		}
		sdp := regexp.MustCompile(`a=ice-ufrag:\S+`).ReplaceAllString(c.sdp, "a=ice-ufrag:"+ufrag)
		return regexp.MustCompile(`a=ice-pwd:\S+`).ReplaceAllString(sdp, "a=ice-pwd:"+pwd), nil
	})
	if a := c.patch("a=end-of-candidates\r\n", "If-Match", first); a.status != 412 {
		t.Fatalf("the old ETag after a restart: %d", a.status)
	}
	if a := c.patch("a=end-of-candidates\r\n", "If-Match", c.etag); a.status != 204 {
		t.Fatalf("the new ETag: %d", a.status)
	}
	slot := tab.Slot(pipelinetest.Camera)
	slot.WaitFrames(t, 20, patience)
}

// TestEnds: how a session ends without a DELETE.
func TestEnds(t *testing.T) {
	gone := func(t *testing.T, r *rig, c *client) {
		t.Helper()
		pipelinetest.Eventually(t, patience, "the session is gone", func() bool { return r.door.Stats() == whip.Stats{} })
		if a := r.ask("DELETE", c.location, "teacher", ""); a.status != 404 {
			t.Fatalf("DELETE after the end: %d", a.status)
		}
	}
	t.Run("the encoder says good-bye", func(t *testing.T) {
		r := newRig(t, whip.Config{})
		obs, c := r.encoder("", "teacher", pipelinetest.Options{})
		obs.WaitConnected()
		obs.Close()
		gone(t, r, c)
	})
	t.Run("it never connects", func(t *testing.T) {
		r := newRig(t, whip.Config{ConnectTimeout: time.Millisecond})
		a := r.post("/whip/"+r.class, "teacher", offerOf(t, true))
		if a.status != 201 {
			t.Fatalf("POST: %d", a.status)
		}
		gone(t, r, &client{location: a.header.Get("Location")})
	})
	t.Run("the class ends", func(t *testing.T) {
		r := newRig(t, whip.Config{})
		other, _ := r.page("other")
		_, c := r.encoder("", "teacher", pipelinetest.Options{})
		r.must(other.EndClass(t.Context()))
		gone(t, r, c)
		if a := r.post("/whep/"+r.class, "wall", offerOf(t, false)); a.status != http.StatusGone {
			t.Fatalf("a player after the end: %d %s", a.status, a.body)
		}
		// OBS comes back by itself: that must not open the class again.
		if a := r.post("/whip/"+r.class, "teacher", offerOf(t, true)); a.status != http.StatusGone {
			t.Fatalf("an encoder after the end: %d %s", a.status, a.body)
		}
	})
	t.Run("it is removed", func(t *testing.T) {
		r := newRig(t, whip.Config{})
		other, out := r.page("other")
		_, c := r.encoder("", "teacher", pipelinetest.Options{})
		came, ok := classroomtest.Last[classroom.ParticipantJoined](out)
		if !ok {
			t.Fatal("the encoder is not in the roster")
		}
		r.must(other.Remove(t.Context(), came.Participant.ID))
		gone(t, r, c)
		if a := r.post("/whip/"+r.class, "teacher", offerOf(t, true)); a.status != 403 {
			t.Fatalf("it comes back: %d", a.status)
		}
	})
	t.Run("another one takes its place", func(t *testing.T) {
		r := newRig(t, whip.Config{})
		_, first := r.encoder("", "teacher", pipelinetest.Options{})
		_, second := r.encoder("", "teacher", pipelinetest.Options{})
		pipelinetest.Eventually(t, patience, "one is left", func() bool { return r.door.Stats().WHIP == 1 })
		if a := r.ask("DELETE", first.location, "", ""); a.status != 404 {
			t.Fatalf("the first: %d", a.status)
		}
		if a := r.ask("DELETE", second.location, "", ""); a.status != 200 {
			t.Fatalf("the second: %d", a.status)
		}
	})
}

func TestLoad(t *testing.T) {
	r := newRig(t, whip.Config{MaxSessions: 1, RetryAfter: 7 * time.Second})
	r.encoder("", "teacher", pipelinetest.Options{})
	a := r.post("/whep/"+r.class, "wall", offerOf(t, false))
	if a.status != 503 || a.header.Get("Retry-After") != "7" {
		t.Fatalf("one too many: %d %v", a.status, a.header)
	}
}

// TestInvitation: a token without a name is a guest, called as it wishes.
func TestInvitation(t *testing.T) {
	r := newRig(t, whip.Config{})
	_, out := r.page("other")
	r.encoder("", "teacher", pipelinetest.Options{})
	for query, name := range map[string]string{"?name=Lab%20A": "Lab A"} {
		r.player(query, "invitation")
		came, _ := classroomtest.Last[classroom.ParticipantJoined](out)
		if came.Participant.Name != name {
			t.Fatalf("%s is %+v", query, came.Participant)
		}
	}
}

// TestGuestBeforeTheLobby: a player that would have to wait leaves nobody in
// the lobby, and comes in once its holder was let in.
func TestGuestBeforeTheLobby(t *testing.T) {
	r := newRig(t, whip.Config{})
	lesson, _, err := r.reg.OpenLesson(t.Context(), "fisika-9", "Fisika", classroom.Settings{Guests: classroom.GuestsWait})
	r.must(err)
	r.class = lesson.ID
	teacher, out := r.page("other")
	r.encoder("", "other", pipelinetest.Options{})
	if a := r.post("/whep/"+r.class, "guest", offerOf(t, false)); a.status != http.StatusForbidden || !strings.Contains(a.body, `"inLobby"`) {
		t.Fatalf("%d %s", a.status, a.body)
	}
	entered, came := classroomtest.Last[classroom.LobbyEntered](out)
	left, went := classroomtest.Last[classroom.LobbyLeft](out)
	if !came || !went || left.ID != entered.Waiting.ID {
		t.Fatal("it is left in the lobby")
	}
	page := classroomtest.NewOutlet() // its holder waits in the page
	_, _, err = r.reg.Join(t.Context(), classroom.JoinRequest{ClassID: r.class, Identity: tokens["guest"], Outlet: page})
	if !errors.Is(err, classroom.ErrInLobby) {
		t.Fatal(err)
	}
	entered, _ = classroomtest.Last[classroom.LobbyEntered](out)
	r.must(teacher.Admit(t.Context(), entered.Waiting.ID, true))
	r.player("", "guest")
}

// TestSimulcast: an encoder with three layers; the viewer gets one of them.
func TestSimulcast(t *testing.T) {
	r := newRig(t, whip.Config{})
	budi, _ := r.page("student")
	tab := r.watch(budi)
	obs, _ := r.encoder("", "teacher", pipelinetest.Options{Simulcast: true})
	slot := tab.Slot(pipelinetest.Camera)
	slot.WaitTotal(t, 20, patience)
	shown := false
	for _, rid := range []string{"q", "h", "f"} {
		shown = shown || slot.Shows(obs.LayerID(pipelinetest.Camera, rid))
	}
	if !shown {
		t.Fatal("the viewer is shown no layer of the encoder")
	}
}

// TestTURNLinks: what ICE servers look like in the answer.
func TestTURNLinks(t *testing.T) {
	got := whip.Links("turn:turn.example:3478?transport=udp", `1764:u"x`, `p\w`)
	want := `<turn:turn.example:3478?transport=udp>; rel="ice-server"; username="1764:u\"x"; credential="p\\w"; credential-type="password"`
	if fmt.Sprint(got) != "["+want+"]" {
		t.Fatalf("got %v", got)
	}
}
