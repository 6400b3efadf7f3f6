package classroom_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	. "kelas/classroom"
	"kelas/pipeline"
)

// fakeMedia stands in for the media server where fake time runs, which no
// network does. It keeps what a class asks of it. Every call looks into the
// class first, which would hang if the class were locked during the call.
type fakeMedia struct {
	probe func()

	mu        sync.Mutex
	pipelines []*fakePipeline
	gate      chan struct{} // when not nil, ProcessOffer waits for it
}

type fakePipeline struct {
	m         *fakeMedia
	endpoints []*fakeEndpoint
	released  bool
}

type fakeEndpoint struct {
	p        *fakePipeline
	id       string
	role     EndpointRole
	tell     func(pipeline.Event)
	offers   int
	cands    []pipeline.IceCandidate
	source   *fakeEndpoint
	feeds    int             // how often its microphone was connected to a source
	fed      map[Slot]string // endpoint and place, of each of its own
	released bool
	quality  pipeline.Quality
}

func (m *fakeMedia) call() {
	m.probe()
	m.mu.Lock()
}

func (m *fakeMedia) NewPipeline() (MediaPipeline, error) {
	m.call()
	defer m.mu.Unlock()
	p := &fakePipeline{m: m}
	m.pipelines = append(m.pipelines, p)
	return p, nil
}

func (m *fakeMedia) ICEServers(user string) []pipeline.ICEServer {
	return []pipeline.ICEServer{{URLs: []string{"turn:x"}, Username: user}}
}

func (p *fakePipeline) NewEndpoint(role EndpointRole) (MediaEndpoint, error) {
	p.m.call()
	defer p.m.mu.Unlock()
	if p.released {
		return nil, pipeline.ErrReleased
	}
	e := &fakeEndpoint{p: p, role: role, id: fmt.Sprintf("%s%d", role, len(p.endpoints))}
	p.endpoints = append(p.endpoints, e)
	return e, nil
}

func (p *fakePipeline) Release() {
	p.m.call()
	defer p.m.mu.Unlock()
	p.released = true
}

func (e *fakeEndpoint) ID() string { return e.id }

func (e *fakeEndpoint) ProcessOffer(ctx context.Context, sdp string) (string, error) {
	e.p.m.call()
	gate := e.p.m.gate
	e.p.m.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	e.p.m.mu.Lock()
	defer e.p.m.mu.Unlock()
	if e.released {
		return "", pipeline.ErrReleased
	}
	if strings.HasPrefix(sdp, "bad") {
		return "", pipeline.ErrBadSDP
	}
	e.offers++
	return "answer to " + sdp, nil
}

func (e *fakeEndpoint) AddIceCandidate(c pipeline.IceCandidate) error {
	e.p.m.call()
	defer e.p.m.mu.Unlock()
	if strings.HasPrefix(c.Candidate, "bad") {
		return pipeline.ErrBadCandidate
	}
	e.cands = append(e.cands, c)
	return nil
}

func (e *fakeEndpoint) GatherCandidates() error { return nil }

func (e *fakeEndpoint) Subscribe(tell func(pipeline.Event)) func() {
	e.p.m.call()
	defer e.p.m.mu.Unlock()
	e.tell = tell
	return func() {}
}

func (e *fakeEndpoint) Feed(sink MediaEndpoint, from, to Slot) error {
	e.p.m.call()
	defer e.p.m.mu.Unlock()
	s := sink.(*fakeEndpoint)
	if e.released || s.released {
		return pipeline.ErrReleased
	}
	if e.p != s.p {
		return pipeline.ErrNotSamePipeline
	}
	if s.fed == nil {
		s.fed = make(map[Slot]string)
	}
	s.fed[to] = e.id + "." + string(from)
	if to == SlotMic {
		s.source = e
		s.feeds++
	}
	return nil
}

func (e *fakeEndpoint) Unfeed(sink MediaEndpoint, from, to Slot) error {
	e.p.m.call()
	defer e.p.m.mu.Unlock()
	s := sink.(*fakeEndpoint)
	if s.fed[to] == e.id+"."+string(from) {
		delete(s.fed, to)
	}
	if to == SlotMic && s.source == e {
		s.source = nil
	}
	return nil
}

func (e *fakeEndpoint) SetQuality(q pipeline.Quality) error {
	e.p.m.call()
	defer e.p.m.mu.Unlock()
	if e.released {
		return pipeline.ErrReleased
	}
	e.quality = q
	return nil
}

func (e *fakeEndpoint) Stats() pipeline.EndpointStats { return pipeline.EndpointStats{ID: e.id} }

func (e *fakeEndpoint) Release() {
	e.p.m.call()
	defer e.p.m.mu.Unlock()
	e.released = true
}

// alive returns the endpoints of a role that are not released.
func (m *fakeMedia) alive(role EndpointRole) []*fakeEndpoint {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []*fakeEndpoint
	for _, p := range m.pipelines {
		for _, e := range p.endpoints {
			if e.role == role && !e.released {
				list = append(list, e)
			}
		}
	}
	return list
}

// wires lists who feeds whom, as "viewer<presenter".
func (m *fakeMedia) wires() []string {
	var list []string
	for _, e := range m.alive(EndpointViewer) {
		m.mu.Lock()
		if e.source == nil {
			list = append(list, e.id+"<")
		} else {
			list = append(list, e.id+"<"+e.source.id)
		}
		m.mu.Unlock()
	}
	slices.Sort(list)
	return list
}

// endpoint finds one that is alive by its id.
func (m *fakeMedia) endpoint(t *testing.T, id string) *fakeEndpoint {
	t.Helper()
	for _, e := range slices.Concat(m.alive(EndpointPresenter), m.alive(EndpointViewer), m.alive(EndpointEncoder)) {
		if e.id == id {
			return e
		}
	}
	t.Fatalf("no endpoint %s is alive", id)
	return nil
}

func (m *fakeMedia) openPipelines() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, p := range m.pipelines {
		if !p.released {
			n++
		}
	}
	return n
}

func (m *fakeMedia) checkReleased(t *testing.T) {
	t.Helper()
	if n := m.openPipelines(); n != 0 {
		t.Errorf("%d pipelines were not released", n)
	}
	if n := len(m.alive(EndpointPresenter)) + len(m.alive(EndpointViewer)) + len(m.alive(EndpointEncoder)); n != 0 {
		t.Errorf("%d endpoints were not released", n)
	}
}

// fakeShelf keeps a list of files.
type fakeShelf struct {
	mu    sync.Mutex
	files []FileInfo
	err   error
}

var errShelf = errors.New("the shelf is broken")

func (s *fakeShelf) List(ctx context.Context, classID string) ([]FileInfo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.files), s.err
}

func (s *fakeShelf) Delete(ctx context.Context, classID, fileID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	i := slices.IndexFunc(s.files, func(f FileInfo) bool { return f.ID == fileID })
	if i < 0 {
		return ErrNoSuchFile
	}
	s.files = slices.Delete(s.files, i, i+1)
	return nil
}
