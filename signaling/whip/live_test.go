package whip_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kelas/classroom"
	"kelas/classroom/classroomtest"
	"kelas/pipeline"
	"kelas/pipeline/pipelinetest"
	"kelas/signaling/fault"
	"kelas/signaling/whip"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience turns a hang into a failure; nothing is measured by it.
const patience = 30 * time.Second

// rig is a door over real classes and real media on loopback.
type rig struct {
	t     *testing.T
	reg   *classroom.Registry
	media *pipeline.Server
	door  *whip.Door
	web   *httptest.Server
	class string
}

// tokens of the tests: name of the participant, by role.
var tokens = map[string]classroom.Identity{
	"teacher": {Key: "token:t", Name: "Bu Rina", Role: classroom.RolePresenter},
	"other":   {Key: "token:o", Name: "Pak Adi", Role: classroom.RolePresenter},
	"student": {Key: "token:s", Name: "Budi", Role: classroom.RoleViewer},
	"guest":   {Key: "lms:g", Name: "Tamu", Role: classroom.RoleViewer, Guest: true},
	"wall":    {Key: "token:w", Name: "Layar", Role: classroom.RoleViewer},
}

func newRig(t *testing.T, cfg whip.Config) *rig {
	t.Helper()
	r := &rig{t: t}
	var err error
	log := slog.New(slog.DiscardHandler)
	r.media, err = pipeline.NewServer(pipeline.Config{}, log)
	r.must(err)
	r.reg, err = classroom.NewRegistry(classroom.Config{}, classroom.Deps{Store: classroomtest.NewMemStore(), Media: r.media, Log: log})
	r.must(err)
	lesson, err := r.reg.CreateLesson(t.Context(), "Fisika", "")
	r.must(err)
	r.class = lesson.ID
	r.door, err = whip.New(cfg, whip.Deps{Classes: r.reg, Identify: func(req *http.Request, class, token, name string) (classroom.Identity, error) {
		if len(req.Cookies()) > 0 {
			return classroom.Identity{}, errors.New("a cookie came through")
		}
		switch id, ok := tokens[token]; {
		case token == "expired":
			return id, fault.ErrTokenExpired
		case token == "foreign":
			return id, fault.ErrTokenOtherClass
		case token == "invitation":
			return classroom.Identity{Key: "guest:x", Name: name, Role: classroom.RoleViewer}, nil
		case !ok:
			return id, fault.ErrTokenForged
		default:
			return id, nil
		}
	}})
	r.must(err)
	r.web = httptest.NewServer(r.door)
	t.Cleanup(func() {
		r.web.Close()
		r.door.Close()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := r.reg.Close(ctx); err != nil {
			t.Errorf("closing: %v", err)
		}
		if st := r.media.Stats(); st.Pipelines != 0 || st.Endpoints != 0 {
			t.Errorf("left over in the media server: %+v", st)
		}
		if err := r.media.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return r
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatalf("unexpected error: %v", err)
	}
}

// answer is what came to a request.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask makes a request; header holds names and values in turn.
func (r *rig) ask(method, path, token, body string, header ...string) answer {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.web.URL+path, strings.NewReader(body))
	r.must(err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req) // no redirects
	r.must(err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	r.must(err)
	return answer{resp.StatusCode, resp.Header, string(b)}
}

func (r *rig) post(path, token, offer string) answer {
	r.t.Helper()
	return r.ask("POST", path, token, offer, "Content-Type", "application/sdp")
}

// client is a WHIP or WHEP client of pion.
type client struct {
	r        *rig
	token    string
	location string
	etag     string
	sdp      string
}

func (r *rig) connect(path, token string, negotiate func(pipelinetest.Answerer)) *client {
	r.t.Helper()
	c := &client{r: r, token: token}
	negotiate(func(ctx context.Context, offer string) (string, error) {
		a := r.post(path, token, offer)
		if a.status != http.StatusCreated || a.header.Get("Content-Type") != "application/sdp" {
			r.t.Fatalf("POST: %d %s", a.status, a.body)
		}
		c.location, c.etag, c.sdp = a.header.Get("Location"), a.header.Get("ETag"), a.body
		return a.body, nil
	})
	if !strings.HasPrefix(c.location, path[:strings.IndexByte(path+"?", '?')]+"/") || !strings.HasPrefix(c.etag, `"`) {
		r.t.Fatalf("Location %q, ETag %q", c.location, c.etag)
	}
	return c
}

// encoder is OBS, as pion has it.
func (r *rig) encoder(query, token string, o pipelinetest.Options) (*pipelinetest.Presenter, *client) {
	r.t.Helper()
	o.Places = []pipelinetest.Place{pipelinetest.Mic, pipelinetest.Camera}
	p := pipelinetest.NewPresenter(r.t, o)
	c := r.connect("/whip/"+r.class+query, token, p.Negotiate)
	p.Start(pipelinetest.Mic, pipelinetest.Camera)
	return p, c
}

func (r *rig) player(query, token string) (*pipelinetest.Viewer, *client) {
	r.t.Helper()
	v := pipelinetest.NewViewer(r.t, pipelinetest.Options{Places: []pipelinetest.Place{pipelinetest.Mic, pipelinetest.Camera}})
	return v, r.connect("/whep/"+r.class+query, token, v.Negotiate)
}

// page is a student's or teacher's page.
func (r *rig) page(token string) (*classroom.Session, *classroomtest.Outlet) {
	r.t.Helper()
	out := classroomtest.NewOutlet()
	s, _, err := r.reg.Join(r.t.Context(), classroom.JoinRequest{ClassID: r.class, Identity: tokens[token], Outlet: out})
	r.must(err)
	return s, out
}

func (r *rig) watch(s *classroom.Session) *pipelinetest.Viewer {
	r.t.Helper()
	v := pipelinetest.NewViewer(r.t, pipelinetest.Options{})
	v.Negotiate(func(ctx context.Context, offer string) (string, error) {
		a, _, err := s.View(ctx, offer, "")
		return a, err
	})
	return v
}

// TestEncoderToPageAndPlayer: an encoder is live without a page; a student in
// the page and a wall screen get its picture and sound.
func TestEncoderToPageAndPlayer(t *testing.T) {
	r := newRig(t, whip.Config{})
	budi, out := r.page("student")
	tab := r.watch(budi)
	if a := r.post("/whep/"+r.class, "wall", offerOf(t, false)); a.status != http.StatusConflict || a.header.Get("Retry-After") == "" {
		t.Fatalf("nobody is live: %d %v", a.status, a.header)
	}
	_, enc := r.encoder("", "teacher", pipelinetest.Options{})
	tab.Slot(pipelinetest.Camera).WaitTotal(t, 10, patience)
	tab.Slot(pipelinetest.Mic).WaitTotal(t, 10, patience)
	last, ok := classroomtest.Last[classroom.SlotsChanged](out)
	if !ok || !last.Slots[1].Encoder || !last.Slots[1].Live || last.Slots[1].Codec == "" {
		t.Fatalf("the page is told %+v", last)
	}
	wall, play := r.player("", "wall")
	wall.Slot(pipelinetest.Camera).WaitTotal(t, 10, patience)
	wall.Slot(pipelinetest.Mic).WaitTotal(t, 10, patience)
	if st := r.door.Stats(); st.WHIP != 1 || st.WHEP != 1 {
		t.Fatalf("%+v", st)
	}

	if a := r.ask("DELETE", play.location, "", ""); a.status != http.StatusOK {
		t.Fatalf("DELETE without a token: %d", a.status)
	}
	if a := r.ask("DELETE", play.location, "wall", ""); a.status != http.StatusNotFound {
		t.Fatalf("DELETE again: %d", a.status)
	}
	if a := r.ask("DELETE", enc.location, "teacher", ""); a.status != http.StatusOK {
		t.Fatalf("DELETE: %d", a.status)
	}
	pipelinetest.Eventually(t, patience, "the class is told of the end", func() bool {
		_, told := classroomtest.Last[classroom.StopCommunication](out)
		return told
	})
}

// TestEncoderAsScreen: the teacher's page goes on with camera and sound, the
// encoder is the screen; a wall screen shows that.
func TestEncoderAsScreen(t *testing.T) {
	r := newRig(t, whip.Config{})
	teacher, _ := r.page("teacher")
	tab := pipelinetest.NewPresenter(t, pipelinetest.Options{})
	tab.Negotiate(func(ctx context.Context, offer string) (string, error) {
		a, _, err := teacher.Present(ctx, offer, "")
		return a, err
	})
	tab.Start(pipelinetest.Mic, pipelinetest.Camera)
	r.must(teacher.Publish(t.Context(), classroom.Publishing{Mic: true, Camera: true}))
	obs, _ := r.encoder("?as=screen", "teacher", pipelinetest.Options{})
	budi, _ := r.page("student")
	view := r.watch(budi)
	wall, _ := r.player("?as=screen", "wall")
	for place, source := range map[*pipelinetest.Slot]uint32{
		view.Slot(pipelinetest.Mic): tab.SourceID(pipelinetest.Mic), view.Slot(pipelinetest.Camera): tab.SourceID(pipelinetest.Camera),
		view.Slot(pipelinetest.Screen): obs.SourceID(pipelinetest.Camera), view.Slot(pipelinetest.ScreenAudio): obs.SourceID(pipelinetest.Mic),
		wall.Slot(pipelinetest.Camera): obs.SourceID(pipelinetest.Camera), wall.Slot(pipelinetest.Mic): tab.SourceID(pipelinetest.Mic),
	} {
		place.WaitSource(t, source, patience)
	}
	if a := r.post("/whip/"+r.class, "other", offerOf(t, true)); a.status != http.StatusConflict {
		t.Fatalf("another presenter's encoder: %d %s", a.status, a.body)
	}
}

// offerOf is an offer of one sound and one picture that nobody goes on with.
func offerOf(t *testing.T, sends bool) string {
	t.Helper()
	o := pipelinetest.Options{Places: []pipelinetest.Place{pipelinetest.Mic, pipelinetest.Camera}}
	if sends {
		return pipelinetest.NewPresenter(t, o).Offer()
	}
	return pipelinetest.NewViewer(t, o).Offer()
}
