package whip

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net/http"
	"strings"
	"time"

	"kelas/classroom"
	"kelas/pipeline"
	"kelas/signaling/fault"
)

// request is an offer that was read and found to be of the right sort.
type request struct {
	kind  kind
	class string
	token string
	offer string
	as    classroom.EncoderPlace
	watch classroom.Watch
}

// post takes an offer: 201 with the answer, or nothing is left behind.
func (d *Door) post(k kind, w http.ResponseWriter, r *http.Request) error {
	q, err := readRequest(k, r)
	if err != nil {
		return err
	}
	id, err := d.d.Identify(r, q.class, q.token, nameOf(k, r))
	if err != nil {
		return err
	}
	if k == whep {
		err = d.somebodyLive(r.Context(), q.class)
	} else {
		err = d.mayPresent(r.Context(), q.class, id)
	}
	if err != nil {
		return err
	}
	if err := d.reserve(); err != nil {
		return err
	}
	defer d.unreserve()
	s, answer, err := d.open(r, q, id)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", typeSDP)
	h.Set("Location", "/"+string(k)+"/"+q.class+"/"+s.secret)
	h.Set("ETag", s.etag)
	h.Set("Accept-Patch", typeFragment)
	for _, link := range links(s.in.ICEServers()) {
		h.Add("Link", link)
	}
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write([]byte(answer))
	return nil
}

func readRequest(k kind, r *http.Request) (request, error) {
	q := request{kind: k, class: r.PathValue("class"), as: classroom.EncoderCamera}
	var err error
	if q.token, err = bearer(r); err != nil {
		return q, err
	}
	as := r.URL.Query().Get("as")
	switch {
	case k == whip && as != "":
		q.as = classroom.EncoderPlace(as)
	case k == whep && as != "camera":
		q.watch = classroom.Watch(as)
	}
	if !q.as.Valid() || !q.watch.Valid() {
		return q, errPlace
	}
	if q.offer, err = body(r, typeSDP, errNotSDP, offerMax); err != nil {
		return q, err
	}
	return q, checkOffer(k, q.offer)
}

// nameOf is for tokens that name nobody, which are invitations.
func nameOf(k kind, r *http.Request) string {
	if name := r.URL.Query().Get("name"); name != "" {
		return name
	}
	if k == whip {
		return "Encoder"
	}
	return "Player"
}

// somebodyLive: a player that comes too early is told when to come again.
func (d *Door) somebodyLive(ctx context.Context, class string) error {
	lesson, err := d.d.Classes.Lesson(ctx, class)
	if err != nil {
		return err
	}
	if !lesson.EndedAt.IsZero() {
		return classroom.ErrClassEnded
	}
	if live, ok := d.d.Classes.Live(class); !ok || live.LiveSince.IsZero() {
		return errNobodyLive
	}
	return nil
}

// mayPresent says no before anybody joins: an encoder that tries again and
// again would come and go in the roster otherwise. The class asks once more.
// It also comes back by itself when its class was ended for all, so it is no
// owner who opens that again.
func (d *Door) mayPresent(ctx context.Context, class string, id classroom.Identity) error {
	lesson, err := d.d.Classes.Lesson(ctx, class)
	if err != nil {
		return err
	}
	if !lesson.EndedAt.IsZero() {
		return classroom.ErrClassEnded
	}
	if !id.Role.May(classroom.ActPresent) {
		// The right may have been handed over.
		p, err := d.d.Classes.Participant(ctx, class, id.Key)
		switch {
		case errors.Is(err, classroom.ErrNoSuchParticipant), err == nil && !p.May(classroom.ActPresent):
			return classroom.ErrNotAllowed
		case err != nil:
			return err
		}
	}
	if live, ok := d.d.Classes.Live(class); ok && live.PresenterKey != "" && live.PresenterKey != id.Key {
		return classroom.ErrPresenterPresent
	}
	return nil
}

// reserve keeps a place for a session on its way.
func (d *Door) reserve() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return classroom.ErrClosing
	}
	if len(d.sessions)+d.making >= d.cfg.MaxSessions {
		return errFull
	}
	d.making++
	return nil
}

func (d *Door) unreserve() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.making--
}

// open joins the class and negotiates.
func (d *Door) open(r *http.Request, q request, id classroom.Identity) (*session, string, error) {
	s := &session{door: d, kind: q.kind, class: q.class, as: q.as, secret: rand.Text(), etag: newETag(),
		token: sha256.Sum256([]byte(q.token)), offer: q.offer, turn: make(chan struct{}, 1), made: time.Now()}
	in, _, err := d.d.Classes.Join(r.Context(), classroom.JoinRequest{ClassID: q.class, Identity: id, Outlet: (*outlet)(s),
		UserAgent: r.UserAgent(), Addr: d.d.Addr(r)})
	if errors.Is(err, classroom.ErrInLobby) {
		// Nobody waits behind a request that is over.
		d.d.Classes.LeaveLobby(q.class, (*outlet)(s))
	}
	if err != nil {
		return nil, "", err
	}
	s.in = in
	leave := func(err error) (*session, string, error) {
		in.Leave(context.WithoutCancel(r.Context()))
		return nil, "", err
	}
	if q.kind == whep {
		if err := in.SetWatch(r.Context(), q.watch); err != nil {
			return leave(err)
		}
	}
	answer, err := s.negotiate(r.Context(), q.offer)
	if err != nil {
		return leave(err)
	}
	s.ufrag, s.pwd = credentials(q.offer)
	if err := d.enter(s); err != nil {
		return leave(err)
	}
	if q.kind == whip && !in.Encoding() {
		// The presenting was stopped in this very moment.
		d.end(s, "stopped")
		return nil, "", classroom.ErrSessionClosed
	}
	d.log.Info(string(q.kind)+" session began", "class", q.class, "session", in.ID(), "as", string(q.as), "agent", cut(r.UserAgent()))
	return s, answer, nil
}

// enter makes the session one that can be found, unless the class has ended
// it already.
func (d *Door) enter(s *session) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.closed:
		return classroom.ErrClosing
	case s.over:
		return classroom.ErrSessionClosed
	}
	d.sessions[s.secret] = s
	s.entered = true
	return nil
}

// negotiate answers an offer: the first one, or that of a restart.
func (s *session) negotiate(ctx context.Context, offer string) (string, error) {
	var answer string
	var err error
	if s.kind == whip {
		answer, s.endpoint, err = s.in.Encode(ctx, offer, s.endpoint, s.as)
	} else {
		answer, s.endpoint, err = s.in.View(ctx, offer, s.endpoint)
	}
	if err != nil && fault.Of(err).Code == "noSuchEndpoint" {
		err = errNoSession
	}
	return answer, err
}

func newETag() string { return `"` + rand.Text() + `"` }

// links are the ICE servers as RFC 9725, section 4.6 has them.
func links(servers []pipeline.ICEServer) []string {
	var list []string
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	for _, s := range servers {
		for _, u := range s.URLs {
			link := "<" + u + `>; rel="ice-server"`
			if s.Username != "" {
				link += `; username="` + quote.Replace(s.Username) + `"; credential="` + quote.Replace(s.Credential) + `"; credential-type="password"`
			}
			list = append(list, link)
		}
	}
	return list
}

func cut(s string) string {
	if len(s) > 100 {
		return strings.ToValidUTF8(s[:100], "")
	}
	return s
}
