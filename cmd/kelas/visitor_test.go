package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// patience turns a hang into a failure; nothing is measured by it.
const patience = 30 * time.Second

// logBuffer is a log that several goroutines write.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// visitor is a client of 4.x without a library, as PROTOCOL.md describes it.
type visitor struct {
	t  *testing.T
	ws *websocket.Conn
	// The close code and reason, once the server has closed.
	closed *websocket.CloseError
}

// visit connects and says who it is; the answer to CONNECT is returned.
func visit(t *testing.T, server, class, token string, secure *tls.Config) (*visitor, string) {
	t.Helper()
	return visitBy(t, websocket.Dialer{TLSClientConfig: secure, HandshakeTimeout: patience}, server, class, token)
}

func visitBy(t *testing.T, dialer websocket.Dialer, server, class, token string) (*visitor, string) {
	t.Helper()
	address := "ws" + strings.TrimPrefix(server, "http") + "/socket.io/?EIO=4&transport=websocket&class=" + class
	ws, answer, err := dialer.Dial(address, nil)
	if err != nil {
		t.Fatalf("dialing: %v (%v)", err, answer)
	}
	t.Cleanup(func() { _ = ws.Close() })
	v := &visitor{t: t, ws: ws}
	if open := v.frame(); !strings.HasPrefix(open, "0{") {
		t.Fatalf("not an OPEN: %s", open)
	}
	v.write(fmt.Sprintf(`40{"class":%q,"token":%q}`, class, token))
	return v, v.frame()
}

// enter connects and joins.
func enter(t *testing.T, server, class, token string, secure *tls.Config) *visitor {
	t.Helper()
	v, connected := visit(t, server, class, token, secure)
	if !strings.HasPrefix(connected, "40{") {
		t.Fatalf("not let in: %s", connected)
	}
	v.emit("join", "{}")
	v.event("joined")
	return v
}

func (v *visitor) write(frame string) {
	v.t.Helper()
	if err := v.ws.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
		v.t.Fatal(err)
	}
}

func (v *visitor) emit(event, body string) { v.t.Helper(); v.write(`42["` + event + `",` + body + `]`) }

// frame returns the next packet but pings, which it answers; "" at the end.
func (v *visitor) frame() string {
	v.t.Helper()
	for {
		_ = v.ws.SetReadDeadline(time.Now().Add(patience))
		_, raw, err := v.ws.ReadMessage()
		if err != nil {
			if end, ok := err.(*websocket.CloseError); ok {
				v.closed = end
				return ""
			}
			v.t.Fatalf("reading: %v", err)
		}
		if string(raw) != "2" {
			return string(raw)
		}
		v.write("3")
	}
}

// event skips until an event of this name and returns its body.
func (v *visitor) event(name string) json.RawMessage {
	v.t.Helper()
	for {
		raw := v.frame()
		if raw == "" {
			v.t.Fatalf("closed (%v) before %s", v.closed, name)
		}
		packet, ok := strings.CutPrefix(raw, "42")
		if !ok {
			continue
		}
		var parts []json.RawMessage
		if err := json.Unmarshal([]byte(packet), &parts); err != nil || len(parts) != 2 {
			v.t.Fatalf("unreadable: %s", raw)
		}
		if string(parts[0]) == `"`+name+`"` {
			return parts[1]
		}
	}
}

// ask sends a request and returns its acknowledgement.
func (v *visitor) ask(event, body string) json.RawMessage {
	v.t.Helper()
	v.write(`427["` + event + `",` + body + `]`)
	for {
		raw := v.frame()
		if raw == "" {
			v.t.Fatalf("closed (%v) before %s was answered", v.closed, event)
		}
		if packet, ok := strings.CutPrefix(raw, "437["); ok {
			return json.RawMessage(strings.TrimSuffix(packet, "]"))
		}
	}
}

// end reads until the server closes.
func (v *visitor) end() *websocket.CloseError {
	v.t.Helper()
	for v.closed == nil {
		v.frame()
	}
	return v.closed
}

// noRedirect is a client that shows every answer as it is.
func noRedirect(t *testing.T, secure *tls.Config) *http.Client {
	transport := &http.Transport{TLSClientConfig: secure}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}
