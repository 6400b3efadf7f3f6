package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"kelas/signaling/wire"
)

// Event is one piece of news from the server.
type Event struct {
	Name string
	Body json.RawMessage // valid for as long as it is kept
}

// Decode reads the body into one of the structs of wire.
func (e Event) Decode(v any) error { return json.Unmarshal(e.Body, v) }

// Config says where to go and as whom.
type Config struct {
	URL   string // of the server: http://host:port
	Class string
	Token string
	Name  string // where the token is an invitation for many

	// Header is added to the request that opens the websocket (cookies).
	Header http.Header
	// OnEvent hears all news in order, on the goroutine that reads. It must
	// not block, and may not wait for an answer of the server.
	OnEvent func(Event)
	// WriteTimeout bounds one message to the server; 10 s when zero.
	WriteTimeout time.Duration
	// ReadBufferSize of the websocket; 4 KiB when zero.
	ReadBufferSize int
}

// Validate names what is missing.
func (c Config) Validate() error {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("client: URL %q is not an address such as http://127.0.0.1:8080", c.URL)
	}
	if c.Class == "" {
		return errors.New("client: Class is empty")
	}
	return nil
}

// Client is one connection to a class. Its methods may be called from any
// goroutine but that of OnEvent, except Emit, Close, Done and Err.
type Client struct {
	cfg  Config
	ws   *websocket.Conn
	done chan struct{}

	writing sync.Mutex

	mu       sync.Mutex
	closed   bool
	reason   error
	nextID   int
	acks     map[int]chan json.RawMessage
	answers  map[string]chan wire.OfferResponse // by endpoint
	joined   chan wire.JoinedEvent
	trickled map[string]func(wire.Candidate)
}

// Dial opens the websocket and comes through the door; Join is next. A no of
// the server is a *Refusal.
func Dial(ctx context.Context, cfg Config) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.WriteTimeout == 0 {
		cfg.WriteTimeout = 10 * time.Second
	}
	if cfg.ReadBufferSize == 0 {
		cfg.ReadBufferSize = 4 << 10
	}
	u, _ := url.Parse(cfg.URL)
	u.Scheme = strings.Replace(u.Scheme, "http", "ws", 1)
	u.Path = strings.TrimRight(u.Path, "/") + "/socket.io/"
	u.RawQuery = url.Values{"EIO": {"4"}, "transport": {"websocket"}, "class": {cfg.Class}}.Encode()
	dialer := websocket.Dialer{Proxy: http.ProxyFromEnvironment, ReadBufferSize: cfg.ReadBufferSize, WriteBufferSize: 4 << 10, WriteBufferPool: &writeBuffers}
	ws, resp, err := dialer.DialContext(ctx, u.String(), cfg.Header)
	if err != nil {
		return nil, dialError(resp, err)
	}
	c := &Client{cfg: cfg, ws: ws, done: make(chan struct{}), acks: map[int]chan json.RawMessage{},
		answers: map[string]chan wire.OfferResponse{}, trickled: map[string]func(wire.Candidate){}}
	if err := c.enter(ctx); err != nil {
		_ = ws.Close()
		return nil, err
	}
	go c.read()
	return c, nil
}

// writeBuffers are shared by all connections: a program may hold thousands.
var writeBuffers sync.Pool

// dialError reads the answer of a door that opened no websocket.
func dialError(resp *http.Response, err error) error {
	if resp != nil {
		var f wire.Fault
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
		_ = resp.Body.Close()
		if json.Unmarshal(body, &f) == nil && f.Code != "" {
			return &Refusal{Fault: f}
		}
		return fmt.Errorf("opening the websocket: HTTP %d: %w", resp.StatusCode, err)
	}
	return fmt.Errorf("opening the websocket: %w", err)
}

// enter reads OPEN, says who this is, and hears whether that is welcome.
func (c *Client) enter(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = c.ws.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	say := true
	for {
		frame, err := c.frame()
		switch {
		case err != nil && ctx.Err() != nil:
			return fmt.Errorf("coming in: %w", ctx.Err())
		case err != nil:
			return fmt.Errorf("coming in: %w", err)
		case strings.HasPrefix(frame, "0") && say:
			say = false
			auth, err := json.Marshal(wire.Handshake{Class: c.cfg.Class, Token: c.cfg.Token, Name: c.cfg.Name})
			if err == nil {
				err = c.write("40" + string(auth))
			}
			if err != nil {
				return fmt.Errorf("coming in: %w", err)
			}
		case frame == "2":
			if err := c.write("3"); err != nil {
				return fmt.Errorf("coming in: %w", err)
			}
		case strings.HasPrefix(frame, "40"):
			return nil
		case strings.HasPrefix(frame, "44"):
			return readRefusal(frame[2:])
		default:
			return fmt.Errorf("%w: an unexpected packet at the door", ErrProtocol)
		}
	}
}

// readRefusal reads a CONNECT_ERROR of 4.x, or that of a server which turned
// the client away before it knew its generation.
func readRefusal(body string) error {
	var r struct {
		wire.Fault
		Data *wire.Fault `json:"data"`
	}
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		return fmt.Errorf("%w: a refusal that is no JSON", ErrProtocol)
	}
	if r.Data != nil {
		return &Refusal{Fault: *r.Data}
	}
	return &Refusal{Fault: r.Fault}
}

func (c *Client) frame() (string, error) {
	kind, p, err := c.ws.ReadMessage()
	if err != nil {
		return "", err
	}
	if kind != websocket.TextMessage || len(p) == 0 {
		return "", fmt.Errorf("%w: a frame that is no text", ErrProtocol)
	}
	return string(p), nil
}

func (c *Client) write(frame string) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.ws.SetWriteDeadline(time.Now().Add(c.cfg.WriteTimeout)); err != nil {
		return err
	}
	return c.ws.WriteMessage(websocket.TextMessage, []byte(frame))
}

// Done is closed when the connection has ended; Err says why.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err is nil while the connection stands. A *Refusal is the server's reason,
// ErrClosed our own end.
func (c *Client) Err() error {
	select {
	case <-c.done:
	default:
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reason
}

// Close cuts the line without a word and waits for the reader; the server
// keeps the session for a while. Leave ends it.
func (c *Client) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	_ = c.ws.Close()
	<-c.done
}

// Emit sends an event and asks for no answer.
func (c *Client) Emit(event string, body any) error {
	b, err := json.Marshal([]any{event, body})
	if err != nil {
		return fmt.Errorf("writing %s: %w", event, err)
	}
	if err := c.write("42" + string(b)); err != nil {
		return fmt.Errorf("sending %s: %w", event, err)
	}
	return nil
}

// Ask sends an event, waits for its acknowledgement and reads it into answer,
// which may be nil. A no is a *Refusal.
func (c *Client) Ask(ctx context.Context, event string, body, answer any) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("asking %s: %w", event, err)
	}
	id, reply, err := c.request(event, body)
	if err != nil {
		return err
	}
	defer c.forget(id)
	select {
	case raw := <-reply:
		return readAck(event, raw, answer)
	case <-c.done:
		return fmt.Errorf("waiting for the answer to %s: %w", event, c.Err())
	case <-ctx.Done():
		return fmt.Errorf("waiting for the answer to %s: %w", event, ctx.Err())
	}
}

func (c *Client) request(event string, body any) (int, chan json.RawMessage, error) {
	b, err := json.Marshal([]any{event, body})
	if err != nil {
		return 0, nil, fmt.Errorf("writing %s: %w", event, err)
	}
	reply := make(chan json.RawMessage, 1)
	c.mu.Lock()
	id := c.nextID
	c.nextID++
	c.acks[id] = reply
	c.mu.Unlock()
	if err := c.write("42" + strconv.Itoa(id) + string(b)); err != nil {
		c.forget(id)
		return 0, nil, fmt.Errorf("sending %s: %w", event, err)
	}
	return id, reply, nil
}

func (c *Client) forget(id int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.acks, id)
}

func readAck(event string, raw json.RawMessage, answer any) error {
	var a wire.Ack
	if err := json.Unmarshal(raw, &a); err != nil {
		return fmt.Errorf("%w: the answer to %s: %w", ErrProtocol, event, err)
	}
	if !a.OK {
		r := &Refusal{Event: event}
		if a.Error != nil {
			r.Fault = *a.Error
		}
		return r
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		return fmt.Errorf("%w: the answer to %s: %w", ErrProtocol, event, err)
	}
	return nil
}
