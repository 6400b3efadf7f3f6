package socket

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"kelas/classroom"
	"kelas/signaling/fault"
	"kelas/signaling/wire"
)

// ServeHTTP answers a request to connect. Everything that can be refused is
// refused here, before the library hears of it; what a page can read is said
// over the websocket, since browsers hide HTTP errors of one.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		s.refuseHTTP(w, classroom.ErrClosing)
		return
	}
	defer s.handshakes.Done()
	query := r.URL.Query()
	rev, err := s.acceptable(r, query)
	if err != nil {
		s.refuseHTTP(w, err)
		return
	}
	addr := s.cfg.ClientAddr(r)
	v, release := s.addresses.begin(addr, s.now())
	if v == unbearable || s.counters.connections.Load() >= int64(s.cfg.MaxConnections) {
		if release != nil {
			release()
		}
		s.refuseHTTP(w, refusal(v))
		return
	}
	if release == nil {
		release = func() {}
	}
	ws, err := s.upgrader.Upgrade(w, r, nil)
	if err != nil { // the upgrader has answered
		s.counters.refuse(fault.Of(fault.ErrUnsupported).Code)
		release()
		return
	}
	c := newConn(ws, rev, randomID(), r, &s.cfg, s.counters)
	c.visitor.addr, c.visitor.userAgent = addr, r.UserAgent()
	s.begin(c, release)
	if err := refusal(v); v != welcome {
		s.turnAway(c, err)
		return
	}
	if err := s.admit(c, query); err != nil {
		s.turnAway(c, err)
		return
	}
	s.counters.accepted.Add(1)
	s.library.serve(c, w, r)
}

// acceptable looks at what a request says before the websocket is there.
func (s *Server) acceptable(r *http.Request, query url.Values) (revision, error) {
	if t := query.Get("transport"); t != "websocket" {
		return 0, fault.WithDetail(fault.ErrUnsupported, `only websocket is; connect with {transports: ["websocket"]}`)
	}
	rev, ok := revisionOf(query.Get("EIO"))
	if !ok {
		return 0, fault.WithDetail(fault.ErrUnsupported, "the server speaks Engine.IO 3 and 4 (parameter EIO)")
	}
	// There are no sessions of Engine.IO to go on with: no polling, no
	// upgrade. A request that names one would act on somebody else's.
	if query.Has("sid") {
		return 0, fault.WithDetail(fault.ErrUnsupported, "no connection can be taken over by its sid")
	}
	if !originAllowed(r, s.cfg.AllowedOrigins) {
		return 0, fault.ErrOriginForbidden
	}
	return rev, nil
}

func acceptOrigin(*http.Request) bool { return true }

func refusal(v verdict) error {
	if v == tooFast || v == unbearable {
		return fault.ErrTooFast
	}
	return fault.ErrTooManyConnections
}

// refuseHTTP answers before the websocket is there.
func (s *Server) refuseHTTP(w http.ResponseWriter, why error) {
	f := fault.Of(why)
	s.counters.refuse(f.Code)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	if f.Retry {
		h.Set("Retry-After", "5")
	}
	w.WriteHeader(f.Status)
	_, _ = w.Write(mustJSON(wire.Fault{Code: f.Code, Message: f.Text})) // a client that has gone
}

// admit finds out who it is and asks whether it may come in. 2.x says all in
// the request; 4.x is given OPEN first and says it in CONNECT.
func (s *Server) admit(c *conn, query url.Values) error {
	hs := wire.Handshake{Class: query.Get("class"), Token: query.Get("token"), Name: query.Get("name")}
	deadline := time.Now().Add(s.cfg.HandshakeTimeout)
	if c.rev == rev4 {
		if err := s.sendOpen(c); err != nil {
			return err
		}
		if err := c.awaitConnect(deadline, &hs); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithDeadline(s.ctx, deadline)
	defer cancel()
	who, err := s.cfg.Admit(ctx, Handshake{Request: c.request, ClassID: hs.Class, Token: hs.Token, Name: hs.Name})
	if err != nil {
		return err
	}
	c.visitor.classID, c.visitor.identity = hs.Class, who
	if hs.Token != "" && s.cfg.Seat != nil { // a page has cookies, and gives none
		if c.visitor.seat, err = s.cfg.Seat(hs.Class, hs.Token, who); err != nil {
			return err
		}
	}
	if c.rev == rev3 {
		return s.sendOpen(c)
	}
	return nil
}

func (s *Server) sendOpen(c *conn) error {
	c.opened = true
	return c.send(c.rev.open(c.id, s.cfg.PingInterval, s.cfg.PingTimeout, s.cfg.MaxMessage))
}

// errEnded says that the connection was closed and nothing is left to say.
var errEnded = errors.New("the connection ended before it was let in")

// awaitConnect reads until the client asks for the root.
func (c *conn) awaitConnect(deadline time.Time, hs *wire.Handshake) error {
	for {
		frame, err := c.read(deadline)
		if err != nil {
			if time.Now().Before(deadline) {
				return errEnded
			}
			return fault.ErrHandshakeTimeout
		}
		if !c.events.Allow() {
			return fault.ErrTooFast
		}
		if len(frame) == 0 || (frame[0] != eioMessage && frame[0] != eioPong) {
			return fault.ErrBadMessage
		}
		if frame[0] == eioPong {
			continue
		}
		p, err := parsePacket(frame[1:])
		if err != nil || p.kind != sioConnect {
			return fault.ErrBadMessage
		}
		if p.namespace != "/" {
			if err := c.send(c.rev.refused(p.namespace, fault.Of(fault.ErrUnknownNamespace))); err != nil {
				return errEnded
			}
			continue
		}
		return readAuth(p.data, hs)
	}
}

// readAuth lets the auth payload of a 4.x client override the query.
func readAuth(data []byte, hs *wire.Handshake) error {
	var auth wire.Handshake
	if err := wire.Decode(data, &auth); err != nil {
		return unreadable(err)
	}
	if auth.Class != "" && hs.Class != "" && auth.Class != hs.Class {
		return fault.WithDetail(fault.ErrBadMessage, "the query and the auth payload name different classes")
	}
	if auth.Class != "" {
		hs.Class = auth.Class
	}
	if auth.Token != "" {
		hs.Token = auth.Token
	}
	if auth.Name != "" {
		hs.Name = auth.Name
	}
	return nil
}

// turnAway tells a connection why it is not let in and ends it. Clients need
// OPEN to hear anything, and 2.x a DISCONNECT to not come back by itself.
func (s *Server) turnAway(c *conn, why error) {
	if errors.Is(why, errEnded) || errors.Is(why, errShut) {
		s.counters.refuse(fault.Of(fault.ErrHandshakeTimeout).Code)
		c.shut(goodbye{Code: closeNormal})
		c.endReading()
		return
	}
	f := fault.Of(why)
	s.counters.refuse(f.Code)
	if f.Code == fault.Internal {
		s.log.Error("a connection could not be admitted", "connection", c.id, "error", why)
	}
	if !c.opened {
		_ = s.sendOpen(c) // a client that has gone cannot be told
	}
	_ = c.send(c.rev.refused("/", f))
	c.shut(goodbye{Code: closePolicy, Reason: f.Code, Final: c.rev == rev3 && !f.Retry})
	c.discard()
}
