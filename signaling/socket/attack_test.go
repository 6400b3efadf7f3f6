package socket

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"kelas/signaling/wire"
)

// TestKillingPacket: the library's parser panics on this count of
// attachments and takes the process with it, so no binary packet reaches it.
func TestKillingPacket(t *testing.T) {
	for _, frame := range []string{
		`459999999999999999-["echo","x"]`,
		`451-["chat",{"_placeholder":true,"num":0}]`,
		`4618446744073709551615-1["x"]`,
		`b4AAAA`,
	} {
		revisions(t, func(t *testing.T, rev revision) {
			r := newRig(t, rigOptions{})
			other, _ := r.come(rev4, "viewer:Ani")
			attacker := r.dial(dialOptions{rev: rev, token: "viewer:jahat"}).connect()
			attacker.send(frame)
			var why wire.ErrorEvent
			attacker.event(wire.Error, &why)
			if why.Code != "binaryRefused" {
				t.Errorf("%s: %+v", frame, why)
			}
			if code := attacker.closed(); code != closeUnsupported {
				t.Errorf("%s: closed with %d", frame, code)
			}
			other.must(wire.Chat, wire.ChatRequest{Text: "masih hidup"})
		})
	}
}

// TestBinaryFrame: a binary websocket frame is refused as well.
func TestBinaryFrame(t *testing.T) {
	r := newRig(t, rigOptions{})
	c := r.dial(dialOptions{token: "viewer:Ani"}).connect()
	if err := c.ws.WriteMessage(websocket.BinaryMessage, []byte{4, 1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	if code := c.closed(); code != closeUnsupported {
		t.Fatalf("closed with %d", code)
	}
}

// TestForgedID: ids cannot be guessed, and naming one opens nothing.
func TestForgedID(t *testing.T) {
	r := newRig(t, rigOptions{})
	seen := map[string]bool{}
	for range 20 {
		c := r.dial(dialOptions{rev: rev3, token: "viewer:Ani"}).connect()
		if len(c.sid) < 20 || seen[c.sid] {
			t.Fatalf("sid %q", c.sid)
		}
		seen[c.sid] = true
	}
	victim, _ := r.come(rev4, "viewer:korban")
	for _, query := range []string{
		"EIO=3&transport=polling&sid=" + victim.sid,
		"EIO=3&transport=polling&sid=1",
		"EIO=4&transport=websocket&sid=" + victim.sid,
		"EIO=4&transport=websocket&sid=1",
	} {
		resp, err := http.Post(r.http.URL+"/socket.io/?"+query, "text/plain", strings.NewReader(`23:42["chat",{"text":"palsu"}]`))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "unsupported") {
			t.Errorf("%s: %d %s", query, resp.StatusCode, body)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestWebsocketOnly: polling, and whatever else, hears what to do instead.
func TestWebsocketOnly(t *testing.T) {
	r := newRig(t, rigOptions{})
	for query, want := range map[string]string{
		"EIO=4&transport=polling":   "connect with",
		"EIO=3":                     "connect with",
		"transport=websocket":       "Engine.IO 3 and 4",
		"EIO=5&transport=websocket": "Engine.IO 3 and 4",
	} {
		resp, err := http.Get(r.http.URL + "/socket.io/?" + query)
		if err != nil {
			t.Fatal(err)
		}
		var f wire.Fault
		err = json.NewDecoder(resp.Body).Decode(&f)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusBadRequest || f.Code != "unsupported" || !strings.Contains(f.Message, want) {
			t.Errorf("%s: %d %+v %v", query, resp.StatusCode, f, err)
		}
	}
	resp, err := http.Get(r.http.URL + "/socket.io/?EIO=4&transport=websocket")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("no upgrade: %d", resp.StatusCode)
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestNoCompression: a client that offers permessage-deflate does not get it;
// it costs 64 KiB and more for each connection and lets a client say much
// with little.
func TestNoCompression(t *testing.T) {
	r := newRig(t, rigOptions{})
	c, resp, err := r.tryDial(dialOptions{token: "viewer:Ani", dialer: &websocket.Dialer{EnableCompression: true}})
	if err != nil {
		t.Fatal(err)
	}
	c.connect()
	if e := resp.Header.Get("Sec-WebSocket-Extensions"); e != "" {
		t.Fatalf("extensions: %s", e)
	}
}

// tightListener keeps the kernel from hiding a reader that has stalled.
type tightListener struct{ net.Listener }

func (l tightListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok && err == nil {
		_ = tcp.SetWriteBuffer(4096)
	}
	return c, err
}

func tight(l net.Listener) net.Listener { return tightListener{l} }

// stall joins a class and then reads nothing any more.
func (r *rig) stall(rev revision, token string) *websocket.Conn {
	r.t.Helper()
	dialer := &websocket.Dialer{NetDialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		if tcp, ok := c.(*net.TCPConn); ok && err == nil {
			_ = tcp.SetReadBuffer(4096)
		}
		return c, err
	}}
	q := url.Values{"EIO": {fmt.Sprint(int(rev))}, "transport": {"websocket"}, "class": {r.classID}, "token": {token}}
	ws, _, err := dialer.Dial("ws"+strings.TrimPrefix(r.http.URL, "http")+"/socket.io/?"+q.Encode(), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = ws.Close() })
	if rev == rev4 {
		_ = ws.WriteMessage(websocket.TextMessage, []byte("40"))
	}
	if err := ws.WriteMessage(websocket.TextMessage, []byte(`42["join",{}]`)); err != nil {
		r.t.Fatal(err)
	}
	for {
		_, p, err := ws.ReadMessage()
		if err != nil {
			r.t.Fatal(err)
		}
		if strings.HasPrefix(string(p), `42["joined"`) {
			return ws
		}
	}
}

// TestStalledReader: one that does not read is cut off; all others get every
// message, in time.
func TestStalledReader(t *testing.T) {
	r := newRig(t, rigOptions{listener: tight, socket: func(c *Config) { c.Outbox = 128 }})
	var healthy []*raw
	for i := range 4 {
		c, _ := r.come([]revision{rev3, rev4}[i%2], fmt.Sprintf("viewer:p%d", i))
		healthy = append(healthy, c)
	}
	r.stall(rev3, "viewer:macet3")
	r.stall(rev4, "viewer:macet4")
	const messages = 240
	text := strings.Repeat("x", 3900)
	for n := range messages {
		healthy[n%4].emit(wire.Chat, wire.ChatRequest{Text: text, ClientID: fmt.Sprint(n)})
		// One round at a time: the healthy are to get all of it.
		for i, c := range healthy {
			var e wire.ChatEvent
			c.event(wire.Chat, &e)
			if e.Entry.Seq != int64(n+1) {
				t.Fatalf("client %d: number %d instead of %d", i, e.Entry.Seq, n+1)
			}
		}
	}
	eventually(t, "both stalled ones are cut", func() bool {
		s := r.server.Stats()
		return s.Evictions == 2 && s.Connections == 4
	})
}

// TestWriteDeadline: a stalled reader is cut off even when its outbox has room.
func TestWriteDeadline(t *testing.T) {
	r := newRig(t, rigOptions{listener: tight, socket: func(c *Config) {
		c.Outbox, c.WriteTimeout = 100_000, time.Second
	}})
	r.stall(rev4, "viewer:macet")
	speaker, _ := r.come(rev4, "viewer:Ani")
	text := strings.Repeat("x", 3900)
	for range 200 {
		speaker.must(wire.Chat, wire.ChatRequest{Text: text})
	}
	eventually(t, "the stalled one is cut", func() bool {
		s := r.server.Stats()
		return s.Evictions == 1 && s.Connections == 1
	})
}

// TestMessageLimit: up to the limit is read, one byte more is refused in
// words, and the words arrive although the client is still sending.
func TestMessageLimit(t *testing.T) {
	revisions(t, func(t *testing.T, rev revision) {
		r := newRig(t, rigOptions{})
		c, _ := r.come(rev, "viewer:Ani")
		head, tail := `420["chat",{"text":"`, `"}]`
		c.send(head + strings.Repeat("x", 1<<20-len(head)-len(tail)) + tail)
		var a wire.Ack
		c.ack(0, &a)
		if a.Error == nil || a.Error.Code != "chatTooLong" {
			t.Fatalf("at the limit: %+v", a)
		}
		_ = c.write(head + strings.Repeat("x", 4<<20) + tail) // ends early when the goodbye comes
		var why wire.ErrorEvent
		c.event(wire.Error, &why)
		if why.Code != "messageTooLarge" {
			t.Fatalf("why: %+v", why)
		}
		if code := c.closed(); code != closeTooBig {
			t.Fatalf("closed with %d", code)
		}
		if n := r.server.Stats().Oversized; n != 1 {
			t.Fatalf("oversized: %d", n)
		}
	})
}

// TestRefusedLogin: who may not come in hears why and is never told that it
// is connected.
func TestRefusedLogin(t *testing.T) {
	r := newRig(t, rigOptions{})
	for _, c := range []struct {
		token, class, code string
		final              bool
	}{
		{"", "", "noIdentity", true},
		{"expired", "", "tokenExpired", true},
		{"nonsense", "", "tokenForged", true},
		{"viewer:Ani", "other", "tokenOtherClass", true},
		{"secret-failure", "", "internal", true},
	} {
		three := r.dial(dialOptions{rev: rev3, token: c.token, class: c.class})
		three.open()
		var said wire.Fault
		if err := json.Unmarshal([]byte(three.until("44")), &said); err != nil || said.Code != c.code {
			t.Errorf("2.x, %s: %+v %v", c.code, said, err)
		}
		if got := three.frame(); got != "41" {
			t.Errorf("2.x, %s: then %q", c.code, got)
		}
		if code := three.closed(); code != closePolicy {
			t.Errorf("2.x, %s: closed with %d", c.code, code)
		}

		four := r.dial(dialOptions{rev: rev4, token: c.token, class: c.class})
		four.open()
		var refused struct {
			Message string     `json:"message"`
			Data    wire.Fault `json:"data"`
		}
		if err := json.Unmarshal([]byte(four.until("44")), &refused); err != nil || refused.Data.Code != c.code || refused.Message != refused.Data.Message {
			t.Errorf("4.x, %s: %+v %v", c.code, refused, err)
		}
		if strings.Contains(refused.Message, "secret") {
			t.Errorf("the detail leaked: %s", refused.Message)
		}
		if code := four.closed(); code != closePolicy {
			t.Errorf("4.x, %s: closed with %d", c.code, code)
		}
	}
	if s := r.server.Stats(); s.Accepted != 0 || s.Refused["tokenExpired"] != 2 || s.Refused["internal"] != 2 {
		t.Errorf("stats: %+v", s)
	}
}

// TestHandshakeDeadline: a connection that says nothing is not kept.
func TestHandshakeDeadline(t *testing.T) {
	r := newRig(t, rigOptions{socket: func(c *Config) { c.HandshakeTimeout = 100 * time.Millisecond }})
	c := r.dial(dialOptions{silent: true})
	c.open()
	if rest := c.until("44"); !strings.Contains(rest, "handshakeTimeout") {
		t.Fatalf("refused: %s", rest)
	}
	c.closed()
}

// TestBadHandshake: what a 4.x client may get wrong before it is let in.
func TestBadHandshake(t *testing.T) {
	r := newRig(t, rigOptions{})
	for frame, code := range map[string]string{
		`40{"token":5}`:             "badMessage",
		`40[1]`:                     "badMessage",
		`40{"class":"another one"}`: "badMessage",
		`42["join",{}]`:             "badMessage",
		`9`:                         "badMessage",
	} {
		c := r.dial(dialOptions{silent: true})
		c.open()
		c.send(frame)
		if rest := c.until("44"); !strings.Contains(rest, code) {
			t.Errorf("%s: %s", frame, rest)
		}
		c.closed()
	}
}

// TestWrongArguments: a wrong type is told by the member's name, and the
// connection lives.
func TestWrongArguments(t *testing.T) {
	revisions(t, func(t *testing.T, rev revision) {
		r := newRig(t, rigOptions{})
		c, _ := r.come(rev, "viewer:Ani")
		for frame, want := range map[string]string{
			`42["chat","x"]`:                         "must be an object",
			`42["chat",[1,2]]`:                       "must be an object",
			`42["chat",{"text":5}]`:                  "The member text must be text.",
			`42["chat",{"text":"x","kind":"shout"}]`: "The member kind must be",
			`42["chatDelete",{"seq":"1"}]`:           "The member seq must be a whole number.",
			`42["chatDelete",{"seq":1.5}]`:           "The member seq must be a whole number.",
			`42["chatDelete"]`:                       "The member seq must be 1 or more.",
			`42["remove",null]`:                      "The member participant is missing.",
			`42["publish",{"mic":"on"}]`:             "The member mic must be true or false.",
			`42["onIceCandidate",{"endpoint":"me"}]`: "The member endpoint must be",
			`42["viewer",{}]`:                        "The member sdpOffer is missing.",
			`42[5]`:                                  "must begin with the event's name",
			`42[]`:                                   "must be a list",
			`42{"a":1}`:                              "must be a list",
			`42["chat",{"text":"x"`:                  "must be a list",
			`42`:                                     "must be a list",
			`42["chat",{"text":` + strings.Repeat("[", 20000) + `}]`:  "must be a list",
			`42["onIceCandidate",{"candidate":{"sdpMLineIndex":-1}}]`: "The member candidate.sdpMLineIndex must be",
		} {
			c.send(frame)
			message := ""
			if strings.Contains(frame, `"viewer"`) {
				var answer wire.OfferResponse
				c.event(wire.ViewerResponse, &answer)
				message = answer.Message
			} else {
				var why wire.ErrorEvent
				c.event(wire.Error, &why)
				if why.Code != "badMessage" {
					t.Errorf("%.60s: %+v", frame, why)
				}
				message = why.Message
			}
			if !strings.Contains(message, want) {
				t.Errorf("%.60s: %q does not say %q", frame, message, want)
			}
		}
		c.must(wire.Chat, wire.ChatRequest{Text: "masih hidup"})
	})
}

// TestUnknownEvent: by the event error, or by the acknowledgement.
func TestUnknownEvent(t *testing.T) {
	r := newRig(t, rigOptions{})
	c, _ := r.come(rev4, "viewer:Ani")
	for _, name := range []string{"nothing", "@ack", "@close", "connect", "", "joined", strings.Repeat("長", 1000)} {
		c.emit(name, nil)
		var why wire.ErrorEvent
		c.event(wire.Error, &why)
		if why.Code != "unknownEvent" || !strings.HasPrefix(name, why.Event) || len(why.Event) > 64 {
			t.Errorf("%.20q: %+v", name, why)
		}
		c.refusedWith("unknownEvent", name, nil)
	}
	if n := r.server.Stats().Received[unknownEvents]; n != 14 {
		t.Errorf("counted %d", n)
	}
}

// TestNotJoined: everything but join waits for it.
func TestNotJoined(t *testing.T) {
	r := newRig(t, rigOptions{})
	c := r.dial(dialOptions{token: "viewer:Ani"}).connect()
	for _, name := range eventNames() {
		if name == wire.Join {
			continue
		}
		body := map[string]any{"sdpOffer": "x", "endpoint": "viewer", "text": "x", "seq": 1, "to": "x", "participant": "x", "role": "viewer", "id": "x", "quality": "low"}
		c.refusedWith("notJoined", name, body)
	}
}

// TestUnknownNamespace: only "/" is there, and others are answered.
func TestUnknownNamespace(t *testing.T) {
	r := newRig(t, rigOptions{})
	three, _ := r.come(rev3, "viewer:Ani")
	three.send("40/admin?token=1")
	if got := three.until("44/admin,"); !strings.Contains(got, `"code":"unknownNamespace"`) {
		t.Errorf("2.x: %s", got)
	}
	three.send(`42/admin,["chat",{}]`)
	three.until("44/admin,")
	three.must(wire.Chat, wire.ChatRequest{Text: "masih di sini"})

	four := r.dial(dialOptions{silent: true, token: "viewer:Budi"})
	four.open()
	four.send("40/admin,{}")
	if got := four.until("44/admin,"); !strings.Contains(got, `"data":{"code":"unknownNamespace"`) {
		t.Errorf("4.x before: %s", got)
	}
	four.send("40" + `{"token":"viewer:Budi"}`)
	four.until("40{")
	four.send("40/admin,{}")
	four.until("44/admin,")
	four.must(wire.Join, nil)
}

// TestMalformed: what is not the protocol ends the connection, by a code.
func TestMalformed(t *testing.T) {
	r := newRig(t, rigOptions{})
	for frame, code := range map[string]int{
		"":                                   closeProtocol,
		"0{}":                                closeProtocol,
		"5":                                  closeProtocol,
		"8":                                  closeProtocol,
		"4":                                  closeProtocol,
		"49":                                 closeProtocol,
		"4/":                                 closeProtocol,
		`4299999999999999999["chat",{}]`:     closeProtocol,
		"40/" + strings.Repeat("n", 200):     closeProtocol,
		"2" + strings.Repeat("p", 200):       closeProtocol,
		"42[\"chat\",{\"text\":\"\xff\xfe\"": closeNotText,
		"1":                                  closeNormal,
		"41":                                 closeNormal,
	} {
		c := r.dial(dialOptions{rev: rev3, token: "viewer:Ani"}).connect()
		c.send(frame)
		if got := c.closed(); got != code {
			t.Errorf("%.40q: closed with %d, not %d", frame, got, code)
		}
	}
	// What changes nothing is ignored.
	c := r.dial(dialOptions{rev: rev3, token: "viewer:Ani"}).connect()
	for _, frame := range []string{"3", "6", "40", "43[]", "4312[]", `44"x"`, "41/admin", "43/admin,1[]"} {
		c.send(frame)
	}
	c.must(wire.Join, nil)
}

// TestPing: revision 3 is pinged by the client, revision 4 by the server,
// and whoever falls silent is not kept.
func TestPing(t *testing.T) {
	quick := func(c *Config) { c.PingInterval, c.PingTimeout = 50*time.Millisecond, time.Second }
	r := newRig(t, rigOptions{socket: quick})
	three := r.dial(dialOptions{rev: rev3, token: "viewer:Ani"}).connect()
	for _, payload := range []string{"", "probe", "é"} {
		three.send("2" + payload)
		if got := three.frame(); got != "3"+payload {
			t.Fatalf("pong: %q", got)
		}
	}
	three.closed() // silent from here

	q := url.Values{"EIO": {"4"}, "transport": {"websocket"}, "class": {r.classID}, "token": {"viewer:Budi"}}
	ws, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(r.http.URL, "http")+"/socket.io/?"+q.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.Close() }()
	if err := ws.WriteMessage(websocket.TextMessage, []byte("40")); err != nil {
		t.Fatal(err)
	}
	pings := 0
	for {
		_, p, err := ws.ReadMessage()
		if err != nil {
			break // silent from the tenth ping on
		}
		if string(p) == "2" {
			if pings++; pings < 10 {
				_ = ws.WriteMessage(websocket.TextMessage, []byte("3"))
			}
		}
	}
	if pings < 10 {
		t.Fatalf("cut off after %d pings although it answered", pings)
	}
}

// TestRate: faster than allowed is refused message by message; much faster
// ends the connection.
func TestRate(t *testing.T) {
	r := newRig(t, rigOptions{socket: func(c *Config) { c.EventsPerSecond, c.EventsBurst = 0.001, 5 }})
	c := r.dial(dialOptions{rev: rev3, token: "viewer:Ani"}).connect()
	for range 5 {
		c.refusedWith("notJoined", wire.Files, nil)
	}
	for range 4 {
		c.refusedWith("tooFast", wire.Files, nil)
	}
	c.emit(wire.Files, nil)
	var why wire.ErrorEvent
	c.event(wire.Error, &why)
	if why.Code != "tooFast" || why.Event != wire.Files {
		t.Fatalf("why: %+v", why)
	}
	c.emit(wire.Files, nil)
	why = wire.ErrorEvent{}
	c.event(wire.Error, &why)
	if code := c.closed(); code != closePolicy || why.Event != "" {
		t.Fatalf("closed with %d after %+v", code, why)
	}

	// Websocket pings count too.
	p := r.dial(dialOptions{rev: rev3, token: "viewer:Ani"}).connect()
	for range 11 {
		if err := p.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(patience)); err != nil {
			break
		}
	}
	p.closed()
}

// TestAddressLimits: one address can neither hold all places nor come in
// faster than allowed, and is told so.
func TestAddressLimits(t *testing.T) {
	addr := func(r *http.Request) string { return r.URL.Query().Get("from") }
	from := func(a string) dialOptions {
		return dialOptions{token: "viewer:Ani", query: url.Values{"from": {a}}}
	}
	r := newRig(t, rigOptions{socket: func(c *Config) {
		c.ClientAddr, c.ConnectionsPerAddress, c.JoinsPerMinute = addr, 3, 10
	}})
	var open []*raw
	for range 3 {
		open = append(open, r.dial(from("192.0.2.1")).connect())
	}
	full := r.dial(from("192.0.2.1"))
	if got := full.until("44"); !strings.Contains(got, "tooManyConnections") {
		t.Errorf("the fourth: %s", got)
	}
	full.closed()
	r.dial(from("192.0.2.2")).connect() // others are not hurt
	r.dial(from("2001:db8::1")).connect()
	open[0].close()
	eventually(t, "its place is free", func() bool { return r.server.Stats().Connections == 4 })
	r.dial(from("::ffff:192.0.2.1")).connect() // the fifth join: as many as half a minute's may come at once

	for range 5 {
		c := r.dial(from("192.0.2.1"))
		if got := c.until("44"); !strings.Contains(got, "tooFast") {
			t.Errorf("a sixth: %s", got)
		}
		c.closed()
	}
	_, resp, err := r.tryDial(from("192.0.2.1"))
	if err == nil || resp == nil || resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
		t.Errorf("an eleventh: %v %v", resp, err)
	}
}

// TestOrigin: a page of another site cannot use a person's cookies here.
func TestOrigin(t *testing.T) {
	r := newRig(t, rigOptions{socket: func(c *Config) { c.AllowedOrigins = []string{"https://lms.example"} }})
	host := strings.TrimPrefix(r.http.URL, "http://")
	for origin, ok := range map[string]bool{
		"":                          true,
		"http://" + host:            true,
		"https://" + host:           true, // a proxy ends TLS
		"https://lms.example":       true,
		"https://LMS.example:443":   true,
		"http://lms.example":        false,
		"https://lms.example.evil":  false,
		"https://evil.example":      false,
		"https://user@lms.example":  false,
		"null":                      false,
		"http://" + host + ".evil":  false,
		"https://lms.example:8443":  false,
		"javascript://lms.example/": false,
	} {
		o := dialOptions{token: "viewer:Ani"}
		if origin != "" {
			o.header = http.Header{"Origin": {origin}}
		}
		c, resp, err := r.tryDial(o)
		if ok != (err == nil) {
			t.Errorf("Origin %q: %v", origin, err)
			continue
		}
		if err == nil {
			c.connect()
		} else if resp == nil || resp.StatusCode != http.StatusForbidden {
			t.Errorf("Origin %q: %v", origin, resp)
		}
	}
}

// TestPanic: a handler that panics is answered, and nobody else notices.
func TestPanic(t *testing.T) {
	r := newRig(t, rigOptions{})
	c, _ := r.come(rev4, "viewer:Ani")
	original := handlers[wire.Stats]
	t.Cleanup(func() { handlers[wire.Stats] = original })
	handlers[wire.Stats] = handler{run: func(context.Context, *client, string, []byte) (any, error) { panic("rahasia") }}
	f := c.refusedWith("internal", wire.Stats, nil)
	if strings.Contains(f.Message, "rahasia") {
		t.Fatalf("told: %+v", f)
	}
	c.must(wire.Chat, wire.ChatRequest{Text: "masih hidup"})
	if n := r.server.Stats().Panics; n != 1 {
		t.Fatalf("counted %d", n)
	}
}

// TestLane: a negotiation that takes long holds up neither chat nor others,
// and its candidates wait for it.
func TestLane(t *testing.T) {
	r := newRig(t, rigOptions{})
	c, _ := r.come(rev4, "viewer:Ani")
	free := make(chan struct{})
	order := make(chan string, 4)
	viewer, ice := handlers[wire.Viewer], handlers[wire.OnIceCandidate]
	t.Cleanup(func() { handlers[wire.Viewer], handlers[wire.OnIceCandidate] = viewer, ice })
	slow := func(name string, wait chan struct{}) handler {
		return handler{lane: true, run: func(context.Context, *client, string, []byte) (any, error) {
			<-wait
			order <- name
			return nil, nil
		}}
	}
	handlers[wire.Viewer], handlers[wire.OnIceCandidate] = slow("viewer", free), slow("candidate", free)
	c.emit(wire.Viewer, nil)
	last := c.request(wire.OnIceCandidate, nil)
	c.must(wire.Chat, wire.ChatRequest{Text: "tidak menunggu"})
	close(free)
	var a wire.Ack
	c.ack(last, &a)
	if first, second := <-order, <-order; first != "viewer" || second != "candidate" {
		t.Fatalf("order: %s, %s", first, second)
	}
}

// TestAcks: many requests at once are each answered under their own number.
func TestAcks(t *testing.T) {
	r := newRig(t, rigOptions{})
	var wg sync.WaitGroup
	for i := range 4 {
		c, _ := r.come([]revision{rev3, rev4}[i%2], fmt.Sprintf("viewer:p%d", i))
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := range 100 {
				c.request(wire.Chat, wire.ChatRequest{Text: fmt.Sprint(i, " ", n), ClientID: fmt.Sprint(n)})
			}
		}()
		defer func() {
			for n := range 100 {
				var a wire.ChatAck
				c.ack(n, &a)
				if !a.OK || a.Entry.Text != fmt.Sprint(i, " ", n) {
					t.Errorf("client %d, ack %d: %+v", i, n, a)
				}
			}
		}()
	}
	wg.Wait()
}

// TestCloseWithLateConnects: clients that come while the server stops find a
// clear answer, and the library is not closed under them.
func TestCloseWithLateConnects(t *testing.T) {
	r := newRig(t, rigOptions{})
	for i := range 5 {
		r.come([]revision{rev3, rev4}[i%2], fmt.Sprintf("viewer:p%d", i))
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	refused := make(chan int, 10_000)
	for i := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				c, resp, err := r.tryDial(dialOptions{rev: []revision{rev3, rev4}[n%2], token: fmt.Sprintf("viewer:late%d", i)})
				if err == nil {
					c.close()
				} else if resp != nil {
					select {
					case refused <- resp.StatusCode:
					default:
					}
				}
			}
		}()
	}
	eventually(t, "some have come", func() bool { return r.server.Stats().Accepted > 20 })
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.server.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if code := <-refused; code != http.StatusServiceUnavailable {
		t.Errorf("refused with %d", code)
	}
	close(stop)
	wg.Wait()
	if s := r.server.Stats(); s.Connections != 0 || s.Joined != 0 {
		t.Errorf("left over: %+v", s)
	}
}

// TestCloseTellsClients: a joined client hears why before the line goes, and
// may come back by itself.
func TestCloseTellsClients(t *testing.T) {
	revisions(t, func(t *testing.T, rev revision) {
		r := newRig(t, rigOptions{})
		c, _ := r.come(rev, "viewer:Ani")
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := r.registry.Close(ctx); err != nil {
			t.Fatal(err)
		}
		var closing wire.ServerClosingEvent
		c.event(wire.ServerClosing, &closing)
		if closing.RetryAfter <= 0 {
			t.Errorf("retryAfter: %+v", closing)
		}
		var why wire.ErrorEvent
		c.event(wire.Error, &why)
		if why.Code != "serverClosing" {
			t.Errorf("why: %+v", why)
		}
		if code := c.closed(); code != closeGoingAway {
			t.Errorf("closed with %d", code)
		}
		select {
		case f := <-c.frames:
			t.Errorf("after the reason: %q", f)
		default:
		}
		if err := r.server.Close(ctx); err != nil {
			t.Fatal(err)
		}
	})
}
