package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/gorilla/websocket"

	"kelas/signaling/wire"
)

// read is the one reader of the websocket, until it ends.
func (c *Client) read() {
	defer close(c.done)
	for {
		frame, err := c.frame()
		if err == nil {
			err = c.packet(frame)
		}
		if err != nil {
			c.end(err)
			_ = c.ws.Close()
			return
		}
	}
}

// end keeps the best reason there is: what the server said before, then our
// own Close, then what the websocket says.
func (c *Client) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var closed *websocket.CloseError
	switch {
	case c.reason != nil:
	case c.closed:
		c.reason = ErrClosed
	case errors.As(err, &closed) && closed.Text != "":
		c.reason = &Refusal{Fault: wire.Fault{Code: closed.Text, Message: "the server closed the connection"}}
	default:
		c.reason = fmt.Errorf("the connection ended: %w", err)
	}
}

// packet reads one Engine.IO packet: ping, close, or a Socket.IO packet.
func (c *Client) packet(frame string) error {
	switch {
	case frame == "2":
		return c.write("3")
	case strings.HasPrefix(frame, "42"):
		return c.event(frame[2:])
	case strings.HasPrefix(frame, "43"):
		return c.ack(frame[2:])
	case strings.HasPrefix(frame, "41"), strings.HasPrefix(frame, "1"):
		return errors.New("the server disconnected")
	case strings.HasPrefix(frame, "6"):
		return nil // noop
	}
	return fmt.Errorf("%w: a packet of an unexpected type", ErrProtocol)
}

func (c *Client) ack(rest string) error {
	digits := strings.IndexByte(rest, '[')
	if digits < 0 {
		return fmt.Errorf("%w: an acknowledgement without a body", ErrProtocol)
	}
	id, err := strconv.Atoi(rest[:digits])
	var args []json.RawMessage
	if err == nil {
		err = json.Unmarshal([]byte(rest[digits:]), &args)
	}
	if err != nil || len(args) != 1 {
		return fmt.Errorf("%w: an acknowledgement that cannot be read", ErrProtocol)
	}
	c.mu.Lock()
	reply := c.acks[id]
	c.mu.Unlock()
	if reply != nil {
		select {
		case reply <- args[0]:
		default: // answered twice
		}
	}
	return nil
}

// event reads ["name",{...}] without looking into the body: a crowded class
// has much news that nobody here wants.
func (c *Client) event(rest string) error {
	rest, ok := strings.CutPrefix(strings.TrimSuffix(rest, "]"), `["`)
	name, body, found := strings.Cut(rest, `"`)
	if !ok || !found {
		return fmt.Errorf("%w: an event that cannot be read", ErrProtocol)
	}
	body = strings.TrimPrefix(body, ",")
	if body == "" {
		body = "{}"
	}
	e := Event{Name: name, Body: json.RawMessage(body)}
	if err := c.take(e); err != nil {
		return err
	}
	if c.cfg.OnEvent != nil {
		c.cfg.OnEvent(e)
	}
	return nil
}

// take looks at what the client itself waits for.
func (c *Client) take(e Event) error {
	var err error
	switch e.Name {
	case wire.Joined:
		c.mu.Lock()
		waiting := c.joined
		c.joined = nil
		c.mu.Unlock()
		if waiting != nil {
			var j wire.JoinedEvent
			err = e.Decode(&j)
			waiting <- j
		}
	case wire.PresenterResponse:
		err = c.answered(wire.EndpointPresenter, e)
	case wire.ViewerResponse:
		err = c.answered(wire.EndpointViewer, e)
	case wire.IceCandidate:
		err = c.candidate(e)
	case wire.Error:
		var f wire.ErrorEvent
		if err = e.Decode(&f); err == nil && f.Event == "" {
			c.mu.Lock()
			c.reason = &Refusal{Fault: wire.Fault{Code: f.Code, Message: f.Message}}
			c.mu.Unlock()
		}
	}
	if err != nil {
		return fmt.Errorf("%w: the event %s: %w", ErrProtocol, e.Name, err)
	}
	return nil
}

func (c *Client) answered(endpoint string, e Event) error {
	var r wire.OfferResponse
	if err := e.Decode(&r); err != nil {
		return err
	}
	c.mu.Lock()
	waiting := c.answers[endpoint]
	delete(c.answers, endpoint)
	c.mu.Unlock()
	if waiting != nil {
		waiting <- r
	}
	return nil
}

func (c *Client) candidate(e Event) error {
	var r wire.CandidateRequest
	if err := e.Decode(&r); err != nil {
		return err
	}
	c.mu.Lock()
	add := c.trickled[r.Endpoint]
	c.mu.Unlock()
	if add != nil {
		add(r.Candidate)
	}
	return nil
}
