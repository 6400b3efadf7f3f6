package rest

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"kelas/classroom"
	"kelas/signaling/auth"
)

// lease is how long a bot stays in a class by REST without asking again.
const lease = 2 * time.Minute

type presentBot struct {
	ParticipantID string    `json:"participantId" doc:"Who the bot is in this class"`
	Name          string    `json:"name" doc:"Name of the bot"`
	Role          string    `json:"role" enum:"presenter,moderator,viewer" doc:"Its role in the class"`
	Until         time.Time `json:"until" doc:"When it leaves by itself unless this is asked again"`
}

type botToken struct {
	Token     string    `json:"token" doc:"For the auth payload of Socket.IO: {class, token}"`
	ExpiresAt time.Time `json:"expiresAt" doc:"When it no longer opens"`
}

func botOperations() []operation {
	return []operation{
		define(operation{method: "PUT", path: "/classes/{class}/bot", id: "joinAsBot", tag: "bots",
			summary:  "Come into a class as a bot, or stay in it",
			about:    "Needs bots:join or bots:moderate. The bot of this key stands in the roster until it leaves, or for two minutes after the last time that this was asked. Chat and files need no bot in the class.",
			problems: []int{403, 404, 410}}, joinAsBot),
		define(operation{method: "DELETE", path: "/classes/{class}/bot", id: "leaveAsBot", tag: "bots",
			summary: "Take the bot of this key out of a class", status: http.StatusNoContent, problems: []int{404}}, leaveAsBot),
		define(operation{method: "POST", path: "/classes/{class}/bot/token", id: "createBotToken", tag: "bots",
			summary: "Get a token to come in by Socket.IO",
			about:   "Needs bots:join or bots:moderate. Where the program is trusted with the key, the key itself does as well.",
			status:  http.StatusCreated, creates: true, problems: []int{404}}, createBotToken),
	}
}

func joinAsBot(c *call, p classPath, _ none) (presentBot, error) {
	l, err := c.lessonOf(p.Class)
	if err != nil {
		return presentBot{}, err
	}
	if _, err := c.key.Bot(); err != nil {
		return presentBot{}, err
	}
	return c.door.bots.come(c.gin.Request.Context(), l.ID, c.bot(), c.door.d.Client(c.gin.Request).Addr)
}

func leaveAsBot(c *call, p classPath, _ none) (none, error) {
	l, err := c.lessonOf(p.Class)
	if err == nil {
		c.door.bots.leave(c.gin.Request.Context(), l.ID, c.bot().Key)
	}
	return none{}, err
}

// botTokenTTL is how long a bot's token opens.
const botTokenTTL = time.Hour

func createBotToken(c *call, p classPath, _ none) (botToken, error) {
	l, err := c.lessonOf(p.Class)
	if err != nil {
		return botToken{}, err
	}
	id, err := c.key.Bot()
	if err != nil {
		return botToken{}, err
	}
	expires := c.door.cfg.Now().Add(botTokenTTL).UTC().Truncate(time.Second)
	token, err := c.door.d.Signer.Seat(l.ID, auth.Seat{Identity: id, Expires: expires})
	return botToken{Token: token, ExpiresAt: expires}, err
}

// standIns are the bots that are in classes by REST: each has a session that
// takes events and drops them, since a program that asks reads what it wants.
type standIns struct {
	classes Classes
	now     func() time.Time

	mu     sync.Mutex
	closed bool
	by     map[[2]string]*standIn // by class and key
	ending sync.WaitGroup         // timers that are ending one
}

type standIn struct {
	session *classroom.Session
	out     *deaf
	timer   *time.Timer
}

// deaf is the outlet of a stand-in.
type deaf struct{ closed atomic.Bool }

func (d *deaf) Deliver(classroom.Event) bool { return true }
func (d *deaf) Close(error)                  { d.closed.Store(true) }

func newStandIns(classes Classes, now func() time.Time) *standIns {
	return &standIns{classes: classes, now: now, by: map[[2]string]*standIn{}}
}

// come brings a bot in, or prolongs its stay.
func (s *standIns) come(ctx context.Context, classID string, id classroom.Identity, addr string) (presentBot, error) {
	at := [2]string{classID, id.Key}
	s.mu.Lock()
	known := s.by[at]
	if known != nil && !known.out.closed.Load() && known.timer.Reset(lease) {
		s.mu.Unlock()
		return s.show(known), nil
	}
	s.mu.Unlock()

	in := &standIn{out: &deaf{}}
	var err error
	in.session, _, err = s.classes.Join(ctx, classroom.JoinRequest{ClassID: classID, Identity: id, Outlet: in.out, UserAgent: "REST", Addr: addr})
	if err != nil {
		return presentBot{}, err
	}
	s.mu.Lock()
	if s.closed || s.by[at] != known {
		// The server stops, or another request of the key was faster.
		s.mu.Unlock()
		in.session.Leave(ctx)
		if s.isClosed() {
			return presentBot{}, classroom.ErrClosing
		}
		return s.come(ctx, classID, id, addr)
	}
	s.by[at] = in
	in.timer = time.AfterFunc(lease, func() { s.expire(at, in) })
	s.mu.Unlock()
	return s.show(in), nil
}

func (s *standIns) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

func (s *standIns) show(in *standIn) presentBot {
	p := in.session.Participant()
	return presentBot{ParticipantID: p.ID, Name: p.Name, Role: string(p.Role), Until: s.now().Add(lease).UTC().Truncate(time.Second)}
}

func (s *standIns) expire(at [2]string, in *standIn) {
	s.mu.Lock()
	if s.closed || s.by[at] != in {
		s.mu.Unlock()
		return
	}
	delete(s.by, at)
	s.ending.Add(1)
	s.mu.Unlock()
	defer s.ending.Done()
	in.session.Leave(context.Background())
}

func (s *standIns) leave(ctx context.Context, classID, key string) {
	at := [2]string{classID, key}
	s.mu.Lock()
	in := s.by[at]
	delete(s.by, at)
	s.mu.Unlock()
	if in != nil {
		in.timer.Stop()
		in.session.Leave(ctx)
	}
}

// close takes all of them out.
func (s *standIns) close(ctx context.Context) {
	s.mu.Lock()
	s.closed = true
	all := s.by
	s.by = map[[2]string]*standIn{}
	s.mu.Unlock()
	for _, in := range all {
		in.timer.Stop()
		in.session.Leave(ctx)
	}
	s.ending.Wait()
}
