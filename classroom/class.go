package classroom

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// errUnloaded says that the class was dropped from memory: get it anew.
var errUnloaded = errors.New("the class was unloaded")

// Class is a live room. Its one mutex is held for short sections only, never
// over I/O or a call of the pipeline. Events are queued under it, so all
// sessions see one order.
type Class struct {
	reg *Registry
	id  string
	log *slog.Logger

	mu       sync.Mutex
	gone     bool // dropped from the registry or closed
	closing  bool // the server stops: nothing new is accepted
	lesson   Lesson
	loadedAt time.Time
	byKey    map[string]*participant // everybody who came or was spoken of since loading
	byID     map[string]*participant
	tabs     map[string]*tab // by token: connected, or waiting for their page
	failed   []*tab          // whose outlets refused an event in this section
	people   int             // participants with a tab
	empty    time.Time       // since when there has been no tab
	visited  bool            // somebody has been in it, ever
	led      bool            // somebody who leads has been in it since loading
	// leaderless is since when nobody who leads is in it; zero while somebody
	// is, and before the first one came.
	leaderless time.Time
	pres       *presenting // nil while nobody presents
	live       time.Time   // LiveSince
	files      []FileInfo
	lobby      map[string]*waiter  // by identity key
	refused    map[string]struct{} // identity keys that were turned away
	chat       chatLog
	records    []*record  // what waits for the store besides chat
	news       []*news    // what waits to be told outside
	since      time.Time  // the lesson is on; zero while it is not
	mark       LessonMark // as it is stored, when marked
	marked     bool
	touchDue   time.Time   // a heartbeat of that moment waits for the store
	trash      []*endpoint // endpoints to be released
	ends       int         // endpoints made and not yet released

	wireMu sync.Mutex // held over the making and connecting of endpoints; taken before mu
	pipe   mediaPipeline
	made   map[*endpoint]struct{}

	journalWake chan struct{}
	keeperWake  chan struct{}
	mediaWake   chan struct{}
	draining    chan struct{}      // closed: the journal ends when it has nothing left
	quit        chan struct{}      // closed: keeper and media end
	storeCtx    context.Context    // of the journal's calls
	storeCancel context.CancelFunc // gives up on them
	journalDone chan struct{}
	quitOnce    sync.Once
}

func newClass(r *Registry, lesson Lesson, lastSeq int64, files []FileInfo) *Class {
	now := r.now()
	c := &Class{
		reg: r, id: lesson.ID, log: r.log.With("class", lesson.ID),
		lesson: lesson, loadedAt: now, empty: now, files: files,
		byKey:       make(map[string]*participant),
		byID:        make(map[string]*participant),
		tabs:        make(map[string]*tab),
		chat:        newChatLog(lastSeq),
		made:        make(map[*endpoint]struct{}),
		lobby:       make(map[string]*waiter),
		refused:     make(map[string]struct{}),
		journalWake: make(chan struct{}, 1),
		keeperWake:  make(chan struct{}, 1),
		mediaWake:   make(chan struct{}, 1),
		draining:    make(chan struct{}),
		quit:        make(chan struct{}),
		journalDone: make(chan struct{}),
	}
	c.storeCtx, c.storeCancel = context.WithCancel(context.Background())
	return c
}

func (c *Class) start() {
	c.reg.running.Go(c.keepJournal)
	c.reg.running.Go(c.keepTime)
	c.reg.running.Go(c.keepMedia)
}

// lock begins a section; unlock ends it. A tab whose outlet refused an event
// is cut off only in unlock: doing so inside the loop that tells all would
// tell some of the cut before the event itself.
func (c *Class) lock() { c.mu.Lock() }

func (c *Class) unlock() {
	for len(c.failed) > 0 {
		t := c.failed[0]
		c.failed = c.failed[1:]
		if t.ended == nil && t.connected && t.refused {
			c.reg.counts.outletsLost.Add(1)
			t.outlet.Close(ErrTooSlow)
			c.loseLocked(t)
		}
	}
	c.mu.Unlock()
}

func wake(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// stamp is the time of now as stores keep it.
func (r *Registry) stamp() time.Time { return r.now().UTC().Truncate(time.Millisecond) }

// tellLocked queues e for one tab.
func (c *Class) tellLocked(t *tab, e Event) {
	if !t.connected || t.refused {
		return
	}
	if !t.outlet.Deliver(e) {
		t.refused = true
		c.failed = append(c.failed, t)
	}
}

func (c *Class) tellAllLocked(e Event) { c.tellOthersLocked(nil, e) }

func (c *Class) tellOthersLocked(except *tab, e Event) {
	for _, t := range c.tabs {
		if t != except {
			c.tellLocked(t, e)
		}
	}
}

func (c *Class) tellParticipantLocked(p *participant, e Event) {
	for _, t := range p.tabs {
		c.tellLocked(t, e)
	}
}

func (c *Class) viewLocked() ClassView {
	s := c.settingsLocked()
	v := ClassView{
		ID: c.id, Title: c.lesson.Title, Locked: c.lesson.Locked,
		LiveSince: c.live, Slots: c.slotsLocked(),
		StartMuted: s.StartMuted, NoPublicChat: s.NoPublicChat, NoPrivateChat: s.NoPrivateChat,
	}
	if s.Duration > 0 {
		v.EndsAt = c.lesson.CreatedAt.Add(s.Duration)
	}
	if c.pres.begun() {
		v.PresenterID = c.pres.p.ID
		v.PresenterLostUntil = c.pres.lostUntil
	}
	return v
}

func (c *Class) tellClassLocked() { c.tellAllLocked(ClassChanged{c.viewLocked()}) }

// rosterLocked lists who is here, as one of them sees it; nil sees all.
func (c *Class) rosterLocked(by *participant) []ParticipantView {
	list := make([]ParticipantView, 0, c.people)
	for _, p := range c.byID {
		if len(p.tabs) > 0 && (by == nil || c.seesLocked(by, p)) {
			list = append(list, p.told)
		}
	}
	slices.SortFunc(list, func(a, b ParticipantView) int {
		return cmp.Or(a.JoinedAt.Compare(b.JoinedAt), cmp.Compare(a.ID, b.ID))
	})
	return list
}

func (c *Class) summary() (ClassSummary, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := ClassSummary{LiveSince: c.live, People: c.people}
	if c.pres.begun() {
		s.Presenting, s.PresenterKey = c.pres.p.Name, c.pres.p.Key
	}
	return s, c.people > 0
}

func (c *Class) knownByKey(key string) (Participant, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.byKey[key]; p != nil {
		return p.Participant, true
	}
	return Participant{}, false
}

func (c *Class) fileAdded(f FileInfo) {
	c.lock()
	defer c.unlock()
	// Also of one that is known: the class may have been loaded for this.
	c.happenLocked(fileHappening(f), nil)
	if slices.ContainsFunc(c.files, func(g FileInfo) bool { return g.ID == f.ID }) {
		return
	}
	c.files = append(c.files, f)
	c.tellAllLocked(FileAdded{f})
}

func (c *Class) fileRemoved(id string) {
	c.lock()
	defer c.unlock()
	i := slices.IndexFunc(c.files, func(g FileInfo) bool { return g.ID == id })
	f := FileInfo{ID: id, ClassID: c.id}
	if i >= 0 {
		f = c.files[i]
	}
	c.happenLocked(Happening{Type: FileDeleted, ID: "fileRemoved:" + id, ClassID: c.id, At: c.reg.stamp(), File: &f}, nil)
	if i < 0 {
		return
	}
	c.files = slices.Delete(c.files, i, i+1)
	c.tellAllLocked(FileRemoved{id})
}

// idleLocked reports whether the class may be dropped from memory.
func (c *Class) idleLocked(now time.Time) bool {
	if at, _ := c.overAtLocked(); !at.IsZero() {
		return false // nobody else keeps its time
	}
	return !c.gone && len(c.tabs) == 0 && len(c.lobby) == 0 && c.pres == nil && c.ends == 0 &&
		c.chat.waiting() == 0 && len(c.records) == 0 && len(c.news) == 0 && c.since.IsZero() &&
		now.Sub(c.empty) >= c.reg.cfg.UnloadAfter
}

// close ends the class because the server stops.
func (c *Class) close(ctx context.Context) error {
	c.lock()
	if c.closing { // somebody else closes it
		c.unlock()
		<-c.journalDone
		return nil
	}
	c.closing = true
	now := c.reg.stamp()
	c.tellAllLocked(ServerClosing{c.reg.cfg.RetryAfter})
	if c.pres.begun() {
		c.offAirLocked("closing")
	}
	for _, p := range c.byID {
		if len(p.tabs) == 0 {
			continue
		}
		if c.presenceLocked(p) != Lost {
			p.lastHere = now
		}
		c.endStayLocked(p, p.lastHere, "closing")
		p.LastSeen = p.lastHere
		c.saveLaterLocked(p)
	}
	c.unlock()

	// The pages stay connected meanwhile, so that they hear what was stored.
	close(c.draining)
	select {
	case <-c.journalDone:
	case <-ctx.Done():
		c.storeCancel()
		<-c.journalDone
	}
	c.storeCancel()

	c.lock()
	c.gone = true
	if c.pres != nil {
		c.discardPresentingLocked()
		c.pres = nil
	}
	c.clearLobbyLocked(ErrClosing)
	for _, t := range c.tabs {
		c.closeTabLocked(t, ErrClosing)
	}
	chat, records := c.chat.waiting(), len(c.records)+len(c.news)
	c.unlock()
	c.stop()
	if chat > 0 || records > 0 {
		return &UnsavedError{ClassID: c.id, Chat: chat, Records: records}
	}
	return nil
}

func (c *Class) stop() { c.quitOnce.Do(func() { close(c.quit) }) }
