package bbb_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"kelas/classroom"
	"kelas/classroom/classroomtest"
	"kelas/signaling/bbb"
)

var passwords = []string{"attendeePW", "murid-1", "moderatorPW", "guru-1"}

func (l *lms) create(id string, more ...string) answer {
	l.t.Helper()
	return l.get("create", append(append([]string{"meetingID", id, "name", "Fisika"}, passwords...), more...)...)
}

// address is where join sends somebody; redirect=false.
func (l *lms) address(list ...string) string {
	l.t.Helper()
	return l.get("join", append(list, "redirect", "false")...).wants("messageKey", "successfullyJoined").at["url"]
}

func TestRoot(t *testing.T) {
	l := newLMS(t, bbb.Config{})
	for _, path := range []string{"", "/", "?checksum=", "/?&checksum=abc"} {
		a := l.read(l.send(httptest.NewRequest("GET", bbb.Prefix+path, nil))).wants("version", "2.0")
		if v, err := strconv.ParseFloat(a.at["version"], 64); err != nil || v <= 0 {
			t.Error(a.body)
		}
	}
}

func TestHeadDoesNothing(t *testing.T) {
	l := newLMS(t, bbb.Config{})
	res := l.send(httptest.NewRequest("HEAD", sign("create", pairs("meetingID", "m1", "name", "Fisika")), nil))
	if res.StatusCode != http.StatusOK {
		t.Fatal(res.Status)
	}
	l.get("getMeetings").wants("messageKey", "noMeetings", "meetings", "")
}

func TestUnknownCallsAndMethods(t *testing.T) {
	l := newLMS(t, bbb.Config{})
	l.get("getEverything").fails("unsupportedRequest")
	l.read(l.send(httptest.NewRequest("DELETE", sign("getMeetings", ""), nil))).fails("unsupportedRequest")
}

func TestCreate(t *testing.T) {
	l := newLMS(t, bbb.Config{})
	first := l.create("sha[7]", "duration", "90", "voiceBridge", "12345678901234567890", "dialNumber", "+62 21").
		wants("meetingID", "sha[7]", "createTime", strconv.FormatInt(l.clock.now().UnixMilli(), 10), "duration", "90",
			"hasUserJoined", "false", "hasBeenForciblyEnded", "false", "voiceBridge", "12345678901234567890",
			"createDate", "Wed Nov 25 08:00:00 UTC 2026", "parentMeetingID", "bbb-none", "dialNumber", "+62 21")
	if want := sha1Of("sha[7]") + "-" + first.at["createTime"]; first.at["internalMeetingID"] != want {
		t.Error(first.at["internalMeetingID"], want)
	}
	l.create("sha[7]").wants("messageKey", "duplicateWarning", "internalMeetingID", first.at["internalMeetingID"])
	l.get("create", "meetingID", "sha[7]", "name", "Fisika").wants("messageKey", "duplicateWarning")
	l.create("sha[7]", "moderatorPW", "x2").fails("idNotUnique")

	own := l.get("create", "meetingID", "m2", "name", "Kimia").wants()
	if own.at["attendeePW"] == "" || own.at["moderatorPW"] == "" || own.at["attendeePW"] == own.at["moderatorPW"] || own.at["voiceBridge"] == "" {
		t.Error(own.body)
	}
	if n := l.get("getMeetings").wants().count["meetings/meeting"]; n != 2 {
		t.Error(n)
	}
}

func TestCreateRefusesWhatCannotBe(t *testing.T) {
	l := newLMS(t, bbb.Config{})
	l.get("create", "name", "Fisika").fails("missingParamMeetingID")
	for _, bad := range [][]string{
		{"meetingID", "a,b"}, {"meetingID", "a"}, {"meetingID", strings.Repeat("x", 257)}, {"name", "F"},
		{"duration", "long"}, {"duration", "-1"}, {"maxParticipants", "1e3"}, {"guestPolicy", "SOMETIMES"},
		{"logoutURL", "javascript:alert(1)"}, {"meetingEndedURL", "ftp://x/y"}, {"attendeePW", strings.Repeat("x", 65)},
		{"meetingExpireWhenLastUserLeftInMinutes", "x"}, {"duration", "999999999"}, {"duration", "307445735"}, {"duration", "525601"},
	} {
		p := map[string]string{"meetingID": "m1", "name": "Fisika", bad[0]: bad[1]}
		list := []string{}
		for k, v := range p {
			list = append(list, k, v)
		}
		l.get("create", list...).fails("validationError")
	}
	a := l.get("create", "meetingID", "a,b", "name", "F", "duration", "x").fails("validationError")
	if a.count["errors/error"] != 3 || a.at["errors/error@key"] != "validationError" || a.at["errors/error@message"] == "" {
		t.Error(a.body)
	}
	l.get("getMeetings").wants("messageKey", "noMeetings")
}

func TestJoin(t *testing.T) {
	l := newLMS(t, bbb.Config{PublicURL: "https://class.example.org/"})
	created := l.create("m1").wants()
	classOf := func(address string) string {
		u, err := url.Parse(address)
		l.ok(err)
		if u.Scheme+"://"+u.Host != "https://class.example.org" || !strings.HasPrefix(u.Path, "/c/") {
			t.Fatal(address)
		}
		return strings.TrimPrefix(u.Path, "/c/")
	}
	res := l.send(httptest.NewRequest("GET", sign("join", pairs("meetingID", "m1", "fullName", "Bu Sari", "password", "guru-1", "userID", "7")), nil))
	if res.StatusCode != http.StatusFound {
		t.Fatal(res.Status)
	}
	class := classOf(res.Header.Get("Location"))
	seat := func(address string) (string, string, string) {
		u, _ := url.Parse(address)
		s, err := l.signer.VerifySeat(u.Query().Get("token"), class, l.clock.now())
		l.ok(err)
		return s.Identity.Key, s.Identity.Name, s.Identity.Role
	}
	for _, test := range []struct {
		list []string
		role string
	}{
		{[]string{"password", "guru-1"}, "presenter"},
		{[]string{"password", "murid-1"}, "viewer"},
		{[]string{"role", "moderator"}, "presenter"},
		{[]string{"role", "VIEWER", "password", "guru-1"}, "viewer"}, // the role wins
		{[]string{"password", "murid-1", "createTime", created.at["createTime"]}, "viewer"},
	} {
		key, name, role := seat(l.address(append(test.list, "meetingID", "m1", "fullName", "  Ani\n\u202eB ", "userID", "u 8")...))
		if key != "lms:u 8" || name != "Ani B" || role != test.role {
			t.Error(test.list, key, name, role)
		}
	}
	one, _, _ := seat(l.address("meetingID", "m1", "fullName", "Tamu", "role", "VIEWER"))
	two, _, _ := seat(l.address("meetingID", "m1", "fullName", "Tamu", "role", "VIEWER"))
	if one == two || !strings.HasPrefix(one, "lms-visit:") {
		t.Error(one, two)
	}
	a := l.get("join", "meetingID", "m1", "fullName", "Ani", "role", "VIEWER", "userID", "8", "redirect", "false").wants(
		"meeting_id", created.at["internalMeetingID"], "guestStatus", "ALLOW")
	if a.at["user_id"] == "" || a.at["auth_token"] == "" || a.at["session_token"] == "" {
		t.Error(a.body)
	}
}

func TestJoinRefuses(t *testing.T) {
	l := newLMS(t, bbb.Config{})
	l.create("m1", "logoutURL", "https://lms.example.org/back?id=1").wants()
	ok := map[string]string{"meetingID": "m1", "fullName": "Ani", "role": "VIEWER", "userID": "8"}
	tests := []struct {
		with []string
		key  string
	}{
		{[]string{"meetingID", ""}, "missingParamMeetingID"},
		{[]string{"meetingID", "none"}, "notFound"},
		{[]string{"fullName", " \t"}, "missingParamFullName"},
		{[]string{"role", "", "password", "wrong"}, "invalidPassword"},
		{[]string{"role", ""}, "invalidPassword"},
		{[]string{"role", "KING"}, "validationError"},
		{[]string{"createTime", "1"}, "mismatchCreateTimeParam"},
		{[]string{"userID", strings.Repeat("u", 257)}, "validationError"},
	}
	for _, test := range tests {
		v := url.Values{}
		for k, s := range ok {
			v.Set(k, s)
		}
		for i := 0; i < len(test.with); i += 2 {
			v.Set(test.with[i], test.with[i+1])
		}
		v.Set("redirect", "false")
		l.read(l.send(httptest.NewRequest("GET", sign("join", v.Encode()), nil))).fails(test.key)

		// A browser is sent on, with the error.
		v.Del("redirect")
		v.Set("errorRedirectUrl", "https://lms.example.org/error?a=b")
		res := l.send(httptest.NewRequest("GET", sign("join", v.Encode()), nil))
		to, err := url.Parse(res.Header.Get("Location"))
		l.ok(err)
		var list []struct{ Key, Message string }
		l.ok(json.Unmarshal([]byte(to.Query().Get("errors")), &list))
		if res.StatusCode != http.StatusFound || to.Host != "lms.example.org" || to.Query().Get("a") != "b" ||
			len(list) != 1 || list[0].Key != test.key || list[0].Message == "" {
			t.Error(test.key, res.Status, to)
		}
	}
	// To the meeting's own address where the call names none.
	res := l.send(httptest.NewRequest("GET", sign("join", pairs("meetingID", "m1", "fullName", "Ani", "password", "x")), nil))
	if to := res.Header.Get("Location"); !strings.HasPrefix(to, "https://lms.example.org/back?id=1&errors=") {
		t.Error(to)
	}
	// Never by an address that was not signed.
	unsigned := "/bigbluebutton/api/join?" + pairs("meetingID", "m1", "fullName", "Ani", "errorRedirectUrl", "https://evil.example.org/", "checksum", sha1Of("x"))
	l.read(l.send(httptest.NewRequest("GET", unsigned, nil))).fails("checksumError")
}

func TestRunningInfoAndEnd(t *testing.T) {
	l := newLMS(t, bbb.Config{})
	l.get("isMeetingRunning", "meetingID", "m1").wants("running", "false")
	l.get("isMeetingRunning").fails("missingParamMeetingID")
	l.get("getMeetingInfo", "meetingID", "m1").fails("notFound")
	l.get("getMeetingInfo").fails("missingParamMeetingID")
	l.get("end", "meetingID", "m1").fails("notFound")
	l.get("end").fails("missingParamMeetingID")

	l.create("m1", "meta_Bbb-Origin", "Moodle & co", "meta_1bad", "x", "maxParticipants", "30").wants()
	l.get("isMeetingRunning", "meetingID", "m1").wants("running", "false")
	info := l.get("getMeetingInfo", "meetingID", "m1").wants("running", "false", "hasUserJoined", "false", "participantCount", "0",
		"metadata/bbb-origin", "Moodle & co", "attendees", "", "startTime", "0", "endTime", "0", "maxUsers", "30")
	if strings.Contains(info.body, "1bad") {
		t.Error(info.body)
	}
	teacher, _ := l.enter(l.address("meetingID", "m1", "fullName", "Bu Sari", "role", "MODERATOR", "userID", "7"))
	_, ani := l.enter(l.address("meetingID", "m1", "fullName", "Ani <3", "role", "VIEWER", "userID", "8"))
	l.get("isMeetingRunning", "meetingID", "m1").wants("running", "true")
	info = l.get("getMeetingInfo", "meetingID", "m1").wants("running", "true", "hasUserJoined", "true", "participantCount", "2",
		"moderatorCount", "1", "meetingName", "Fisika", "attendeePW", "murid-1", "moderatorPW", "guru-1", "isBreakout", "false",
		"startTime", strconv.FormatInt(l.clock.now().UnixMilli(), 10))
	for _, part := range []string{"<userID>8</userID><fullName>Ani &lt;3</fullName><role>VIEWER</role><isPresenter>false</isPresenter>",
		"<userID>7</userID><fullName>Bu Sari</fullName><role>MODERATOR</role>"} {
		if !strings.Contains(info.body, part) {
			t.Error(part, info.body)
		}
	}
	l.get("getMeetings").wants("meetings/meeting/meetingID", "m1", "meetings/meeting/participantCount", "2")

	l.get("end", "meetingID", "m1", "password", "murid-1").fails("invalidPassword")
	l.get("end", "meetingID", "m1", "password", "guru-1").wants("messageKey", "sentEndMeetingRequest")
	if _, reason := ani.Closed(); !errors.Is(reason, classroom.ErrClassEnded) {
		t.Error("Ani is still in:", reason)
	}
	if err := teacher.SetPresence(t.Context(), true); err == nil {
		t.Error("the teacher is still in")
	}
	l.get("getMeetingInfo", "meetingID", "m1").fails("notFound")
	l.get("isMeetingRunning", "meetingID", "m1").wants("running", "false")
	l.get("join", "meetingID", "m1", "fullName", "Ani", "role", "VIEWER", "redirect", "false").fails("meetingForciblyEnded")

	l.clock.advance(1000000)
	again := l.create("m1").wants("messageKey", "")
	if again.at["internalMeetingID"] == info.at["internalMeetingID"] {
		t.Error("a meeting that has ended comes back")
	}
	l.get("getMeetingInfo", "meetingID", "m1").wants("hasUserJoined", "false")
}

func TestGuests(t *testing.T) {
	l := newLMS(t, bbb.Config{})
	l.create("ask", "guestPolicy", "ASK_MODERATOR").wants()
	l.create("deny", "guestPolicy", "ALWAYS_DENY").wants()
	guest := []string{"fullName", "Tamu", "role", "VIEWER", "userID", "g1", "guest", "true", "redirect", "false"}
	wait := l.get("join", append(guest, "meetingID", "ask")...).wants("guestStatus", "WAIT")
	l.get("join", append(guest, "meetingID", "deny")...).fails("guestDeny")
	// The policy is about guests, and no moderator is one.
	l.get("join", "meetingID", "deny", "fullName", "Ani", "role", "VIEWER", "redirect", "false").wants("guestStatus", "ALLOW")
	l.get("join", "meetingID", "deny", "fullName", "Bu Sari", "role", "MODERATOR", "guest", "true", "redirect", "false").wants("guestStatus", "ALLOW")

	guru, _ := l.enter(l.address("meetingID", "ask", "fullName", "Bu Sari", "role", "MODERATOR"))
	seat, class := l.seatOf(wait.at["url"])
	out := classroomtest.NewOutlet()
	_, _, err := l.classes.Join(t.Context(), classroom.JoinRequest{ClassID: class, Outlet: out, Identity: seat})
	if !errors.Is(err, classroom.ErrInLobby) {
		t.Fatal(err)
	}
	l.get("getMeetingInfo", "meetingID", "ask").wants("participantCount", "1")
	l.ok(guru.Admit(t.Context(), l.waits(class), false))
	l.get("join", append(guest, "meetingID", "ask")...).fails("guestDeny")
}

func TestFullAndRemoved(t *testing.T) {
	l := newLMS(t, bbb.Config{})
	l.create("m1", "maxParticipants", "2").wants()
	guru, _ := l.enter(l.address("meetingID", "m1", "fullName", "Bu Sari", "role", "MODERATOR"))
	ani, _ := l.enter(l.address("meetingID", "m1", "fullName", "Ani", "role", "VIEWER", "userID", "8"))
	l.get("join", "meetingID", "m1", "fullName", "Budi", "role", "VIEWER", "redirect", "false").fails("maxParticipantsReached")
	l.ok(guru.Remove(t.Context(), ani.Participant().ID))
	l.get("join", "meetingID", "m1", "fullName", "Ani", "role", "VIEWER", "userID", "8", "redirect", "false").fails("guestDeny")
}

// TestTheDatabaseIsAway: said in the answer, and nothing is half made.
func TestTheDatabaseIsAway(t *testing.T) {
	l := newLMS(t, bbb.Config{})
	l.store.Fail(classroom.ErrStoreUnavailable)
	for _, call := range []string{"create", "join", "getMeetingInfo", "isMeetingRunning", "end"} {
		l.get(call, "meetingID", "m1", "name", "Fisika", "fullName", "Ani", "role", "VIEWER", "redirect", "false").fails("serverUnavailable")
	}
	l.store.Fail(nil)
	l.get("getMeetings").wants("messageKey", "noMeetings")
}
