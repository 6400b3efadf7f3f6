package bbb_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kelas/signaling/bbb"
)

const pdf = "%PDF-1.4 a few pages"

func (l *lms) post(call, query, kind, body string) answer {
	l.t.Helper()
	r := httptest.NewRequest(http.MethodPost, sign(call, query), strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	return l.read(l.send(r))
}

// names are the files of a meeting's class.
func (l *lms) names(meeting string) string {
	l.t.Helper()
	lesson, err := l.classes.LessonByExternal(l.t.Context(), meeting)
	l.ok(err)
	list, err := l.shelf.List(l.t.Context(), lesson.ID)
	l.ok(err)
	var names []string
	for _, f := range list {
		names = append(names, f.Name)
	}
	return strings.Join(names, " ")
}

func TestDocumentsBecomeFiles(t *testing.T) {
	l := newLMS(t, bbb.Config{})
	moodle := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/slides/bab 1.pdf", "/x":
			_, _ = w.Write([]byte(pdf))
		case "/large":
			_, _ = w.Write(make([]byte, 2<<20))
		case "/moved":
			http.Redirect(w, r, "/x", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	}))
	defer moodle.Close()
	query := "name=Fisika+9&meetingID=m1"
	body := `<?xml version="1.0" encoding="UTF-8"?><modules><module name="presentation">
		<document url="` + moodle.URL + `/slides/bab%201.pdf?token=a&amp;b=c" />
		<document url="` + moodle.URL + `/x" filename="bab 2.pdf" downloadable="true" removable="false"/>
		<document name="bab 3.pdf">` + base64.StdEncoding.EncodeToString([]byte(pdf))[:10] + "\n  " +
		base64.StdEncoding.EncodeToString([]byte(pdf))[10:] + `</document></module><module name="other"><document url="ftp://x"/></module></modules>`
	l.post("create", query, "text/xml", body).wants("messageKey", "")
	if got := l.names("m1"); got != "bab 1.pdf bab 2.pdf bab 3.pdf" {
		t.Fatal(got)
	}
	l.post("create", query, "text/xml", body).wants("messageKey", "duplicateWarning") // and no second time

	one := func(doc string) string {
		return "<modules><module name='presentation'>" + doc + "</module></modules>"
	}
	l.post("insertDocument", "meetingID=m1", "application/xml", one(`<document current="true" url="`+moodle.URL+`/x" filename="bab 4.pdf"/>`)).wants()
	if got := l.names("m1"); !strings.HasSuffix(got, " bab 4.pdf") {
		t.Fatal(got)
	}
	for _, bad := range []string{"/none", "/large", "/moved"} {
		l.post("insertDocument", "meetingID=m1", "text/xml", one(`<document url="`+moodle.URL+bad+`" filename="z.pdf"/>`)).fails("validationError")
	}
	if got := l.names("m1"); strings.Contains(got, "z.pdf") {
		t.Fatal(got)
	}
	a := l.post("create", "name=Fisika&meetingID=m2", "text/xml", one(`<document url="`+moodle.URL+`/none" filename="z.pdf"/>`)).wants("messageKey", "documentsMissing")
	if !strings.Contains(a.at["message"], "z.pdf") {
		t.Error(a.body)
	}
}

// TestBodiesThatCannotBe: a meeting is not made by half.
func TestBodiesThatCannotBe(t *testing.T) {
	l := newLMSIn(t, bbb.Config{})
	many := strings.Repeat(`<document name="a.pdf">`+base64.StdEncoding.EncodeToString([]byte(pdf))+`</document>`, 31)
	for _, test := range []struct{ kind, body, key string }{
		{"text/xml", "<modules><module", "validationError"},
		{"text/xml", "<other/>", "validationError"},
		{"text/xml", `<modules><module name="presentation"><document name="a.pdf">*</document></module></modules>`, "validationError"},
		{"text/xml", `<modules><module name="presentation"><document>aGFsbw==</document></module></modules>`, "validationError"},
		{"text/xml", `<modules><module name="presentation"><document url="file:///etc/passwd"/></module></modules>`, "validationError"},
		{"text/xml", `<modules><module name="presentation"><document url="http://127.0.0.1:1/x"/></module></modules>`, "validationError"},
		{"text/xml", `<modules><module name="presentation"><document url="http://[::1]/x"/></module></modules>`, "validationError"},
		{"text/xml", `<modules><module name="presentation"><document url="http://169.254.169.254/latest"/></module></modules>`, "validationError"},
		{"text/xml", `<modules><module name="presentation">` + many + `</module></modules>`, "validationError"},
		{"text/xml", "<modules>" + strings.Repeat(" ", 33<<20) + "</modules>", "requestTooLarge"},
		{"application/json", `{}`, "unsupportedContentType"},
	} {
		l.post("create", "name=Fisika&meetingID=m1", test.kind, test.body).fails(test.key)
	}
	l.get("getMeetings").wants("messageKey", "noMeetings")
	// A name that leads inside shows when it is asked for.
	a := l.post("create", "name=Fisika&meetingID=m1", "text/xml",
		`<modules><module name="presentation"><document url="http://localhost:1/x.pdf"/></module></modules>`)
	a.wants("messageKey", "documentsMissing")
	l.post("insertDocument", "meetingID=m1", "text/xml", "").fails("validationError")
	l.post("insertDocument", "meetingID=none", "text/xml", "<modules/>").fails("notFound")
}

func TestRecordingsThereAreNone(t *testing.T) {
	l := newLMS(t, bbb.Config{})
	a := l.get("getRecordings", "meetingID", "a,b", "state", "any", "offset", "0", "limit", "25").wants("messageKey", "noRecordings")
	if !strings.Contains(a.body, "<recordings></recordings>") {
		t.Error(a.body)
	}
	for _, call := range []string{"publishRecordings", "updateRecordings", "deleteRecordings"} {
		l.get(call, "recordID", "a-1", "publish", "true", "protect", "true").fails("notFound")
		l.get(call).fails("missingParamRecordID")
	}
	for _, test := range []struct{ call, query, key string }{
		{"getRecordingTextTracks", "recordID=a-1", "noRecordings"},
		{"getRecordingTextTracks", "", "missingParamRecordID"},
		{"putRecordingTextTrack", "recordID=a-1&kind=subtitles&lang=en-US&label=English", "noRecordings"},
		{"putRecordingTextTrack", "recordID=a-1&kind=poem&lang=en", "invalidKind"},
		{"putRecordingTextTrack", "recordID=a-1&kind=captions&lang=e", "invalidLang"},
	} {
		res := l.send(httptest.NewRequest("GET", sign(test.call, test.query), nil))
		var a struct {
			Response struct{ Returncode, MessageKey, Message string }
		}
		if err := json.NewDecoder(res.Body).Decode(&a); err != nil || res.StatusCode != 200 ||
			!strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") ||
			a.Response.Returncode != "FAILED" || a.Response.MessageKey != test.key || a.Response.Message == "" {
			t.Error(test, err, res.Header, a)
		}
	}
}

func TestSendChatMessage(t *testing.T) {
	l := newLMS(t, bbb.Config{})
	l.create("m1").wants()
	l.get("sendChatMessage", "meetingID", "m1", "message", "Lima menit lagi", "userName", "Moodle").wants()
	l.get("sendChatMessage", "meetingID", "m1", "message", " ").fails("validationError")
	l.get("sendChatMessage", "meetingID", "m1", "message", strings.Repeat("x", 4001)).fails("validationError")
	l.get("sendChatMessage", "meetingID", "none", "message", "halo").fails("notFound")
	ani, _ := l.enter(l.address("meetingID", "m1", "fullName", "Ani", "role", "VIEWER"))
	list, _, err := ani.History(t.Context(), 0, 10)
	l.ok(err)
	if len(list) != 1 || list[0].Text != "Lima menit lagi" || list[0].FromName != "Moodle" {
		t.Fatalf("%+v", list)
	}
	l.get("getMeetingInfo", "meetingID", "m1").wants("participantCount", "1")
}
