package kurento

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// TestOtherClients: what clients in other languages send and kurento-client
// does not.
func TestOtherClients(t *testing.T) {
	r := newRig(t, Config{})
	// Go's golang.org/x/net/websocket wants an Origin; programs give one of
	// this machine.
	ws, res, err := websocket.DefaultDialer.Dial(r.url, http.Header{"Origin": {"http://127.0.0.1"}})
	if err != nil {
		t.Fatalf("dialling with an Origin: %v", err)
	}
	_ = res.Body.Close()
	c := &client{t: t, ws: ws}
	t.Cleanup(c.close)
	say := func(request string) message {
		t.Helper()
		c.write(request)
		m := c.answer()
		if m.Error != nil {
			t.Fatalf("%s\n %s", request, m.raw)
		}
		return m
	}
	// The session beside the parameters and not in them, and nothing for what
	// has no parameters.
	m := say(`{"jsonrpc":"2.0","method":"create","id":1,"sessionId":"x","params":{"type":"MediaPipeline","constructorParams":null}}`)
	p, session := m.Result["value"].(string), m.Result["sessionId"].(string)
	if session == "x" {
		t.Error("the session that was not among the parameters was taken")
	}
	// Ids as text, and connect without parameters.
	if m := say(`{"jsonrpc":"2.0","id":"5f1c-1","method":"connect"}`); string(m.ID) != `"5f1c-1"` {
		t.Errorf("answered %s", m.raw)
	}
	// Constructor parameters that the type does not have.
	m = say(`{"jsonrpc":"2.0","id":"5f1c-2","method":"create","params":{"type":"WebRtcEndpoint","constructorParams":` +
		`{"mediaPipeline":"` + p + `","keyframeInterval":2,"adapter":"Kurento"},"sessionId":"` + session + `"}}`)
	e := m.Result["value"].(string)
	// Empty maps and lists for operations without parameters.
	for _, none := range []string{`{}`, `[]`, `null`} {
		if m := say(`{"jsonrpc":"2.0","id":"` + none + `","method":"invoke","params":{"object":"` + e + `","operation":"getName","operationParams":` + none + `}}`); m.Result["value"] != e {
			t.Errorf("with %s answered %s", none, m.raw)
		}
	}
	// A candidate without its line's number, and with members of a browser.
	say(`{"jsonrpc":"2.0","id":9,"method":"invoke","params":{"object":"` + e + `","operation":"addIceCandidate","operationParams":{"candidate":` +
		`{"candidate":"candidate:1 1 udp 2130706431 10.0.0.7 50000 typ host","sdpMid":"0","usernameFragment":"aBcD"}}}}`)
	// The events of an RtpEndpoint that the RTP tutorial wants.
	rtp := c.mustText("create", obj{"type": "RtpEndpoint", "constructorParams": obj{"mediaPipeline": p}})
	for _, name := range strings.Fields("Error MediaFlowInStateChange MediaFlowOutStateChange ConnectionStateChanged MediaStateChanged MediaTranscodingStateChange OnKeySoftLimit") {
		c.subscribe(rtp, name)
	}
}

// TestRefusalsAreLogged: a client with a wrong token tries for ever and says
// nothing, so the log does, now and then and without what was given.
func TestRefusalsAreLogged(t *testing.T) {
	var text bytes.Buffer
	now := newClock()
	r := newRig(t, Config{Token: "a-token-that-is-long", Now: now.Now, Log: slog.New(slog.NewTextHandler(&text, nil))})
	try := func() {
		t.Helper()
		if ws, res, err := websocket.DefaultDialer.Dial(r.url+"?access_token=wrong-and-secret", nil); err == nil {
			_ = ws.Close()
			t.Error("a wrong token was taken")
		} else if res.StatusCode != http.StatusUnauthorized {
			t.Errorf("status %d", res.StatusCode)
		}
	}
	for range 3 {
		try()
	}
	now.turn(refusalPause + time.Second)
	try()
	lines := strings.Split(strings.TrimSpace(text.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "refused=1") || !strings.Contains(lines[1], "refused=3") || !strings.Contains(lines[0], "addr=127.0.0.1") {
		t.Errorf("the log is\n%s", text.String())
	}
	if strings.Contains(text.String(), "secret") {
		t.Error("the log has what was given as a token")
	}
}
