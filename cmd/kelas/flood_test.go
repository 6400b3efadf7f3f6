package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// Ten thousand joins from one address: a bounded number comes in, the others
// are told tooFast, and who comes from elsewhere notices nothing.
func TestJoinFlood(t *testing.T) {
	const joins, atOnce, perMinute, perAddress = 10000, 50, 240, 100
	r := run(t, t.TempDir(), "--max-joins-per-minute", strconv.Itoa(perMinute), "--max-connections-per-address", strconv.Itoa(perAddress))
	class := r.command("", "class", "add", "--title", "Ramai")
	invitation := r.command("", "token", "--class", class, "--role", "viewer")
	person := func(name, from string) *visitor {
		t.Helper()
		return enterFrom(t, r.url, class, r.command("", "token", "--class", class, "--role", "viewer", "--name", name), from)
	}
	ani := person("Ani", "127.0.0.2")

	began := time.Now()
	var mu sync.Mutex
	outcomes := map[string]int{}
	var crowd sync.WaitGroup
	tickets := make(chan int)
	for range atOnce {
		crowd.Go(func() {
			for n := range tickets {
				got := attempt(r.url, class, invitation, fmt.Sprintf("Tamu %d", n))
				mu.Lock()
				outcomes[got]++
				mu.Unlock()
			}
		})
	}
	for n := range joins {
		if n == joins/2 { // in the middle of it
			if ack := ani.ask("chat", `{"text":"masih mengajar"}`); !strings.Contains(string(ack), `"ok":true`) {
				t.Errorf("chat meanwhile: %s", ack)
			}
			person("Budi", "127.0.0.3")
			if got := r.status(noRedirect(t, nil), "/readyz"); got != http.StatusOK {
				t.Errorf("/readyz meanwhile: %d", got)
			}
		}
		tickets <- n
	}
	close(tickets)
	crowd.Wait()
	took := time.Since(began)
	t.Logf("%d joins in %v: %v", joins, took.Round(time.Millisecond), outcomes)

	most := perMinute/2 + int(took.Seconds()*perMinute/60) + 1
	if in := outcomes["in"]; in == 0 || in > most {
		t.Errorf("%d came in, at most %d may", in, most)
	}
	sum := 0
	for _, o := range []string{"in", "tooFast", "tooFast, HTTP 429"} {
		sum += outcomes[o]
	}
	if sum != joins || outcomes["tooFast"] == 0 {
		t.Errorf("not every one was answered clearly: %v", outcomes)
	}
	// What they took is given back.
	r.until("rid of the crowd", func() bool { return metricOf(t, r, "kelas_socket_connections") <= 2 })
	if rss := metricOf(t, r, "go_memstats_heap_inuse_bytes"); rss > 300<<20 {
		t.Errorf("%.0f MB of heap after it", rss/(1<<20))
	}
}

// attempt joins once as a guest and says what came of it.
func attempt(server, class, token, name string) string {
	dialer := websocket.Dialer{HandshakeTimeout: patience}
	ws, answer, err := dialer.Dial("ws"+strings.TrimPrefix(server, "http")+"/socket.io/?EIO=4&transport=websocket&class="+class, nil)
	if errors.Is(err, websocket.ErrBadHandshake) {
		body, _ := io.ReadAll(answer.Body)
		if strings.Contains(string(body), `"tooFast"`) {
			return fmt.Sprintf("tooFast, HTTP %d", answer.StatusCode)
		}
		return fmt.Sprintf("HTTP %d %s", answer.StatusCode, body)
	}
	if err != nil {
		return err.Error()
	}
	defer ws.Close()
	_ = ws.SetReadDeadline(time.Now().Add(patience))
	_ = ws.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `40{"class":%q,"token":%q,"name":%q}`, class, token, name))
	for {
		_, raw, err := ws.ReadMessage()
		text := string(raw)
		switch {
		case err != nil:
			return err.Error()
		case strings.HasPrefix(text, "40{"):
			_ = ws.WriteMessage(websocket.TextMessage, []byte(`42["join",{}]`))
		case strings.HasPrefix(text, `42["joined"`):
			_ = ws.WriteMessage(websocket.TextMessage, []byte(`42["leave",{}]`))
			return "in"
		case strings.Contains(text, `"code":"tooFast"`):
			return "tooFast"
		case strings.HasPrefix(text, "44"):
			return text
		}
	}
}

// enterFrom is enter from another address of this machine.
func enterFrom(t *testing.T, server, class, token, from string) *visitor {
	t.Helper()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	v, connected := visitBy(t, websocket.Dialer{NetDialContext: dialer.DialContext, HandshakeTimeout: patience}, server, class, token)
	if !strings.HasPrefix(connected, "40{") {
		t.Fatalf("not let in: %s", connected)
	}
	v.emit("join", "{}")
	v.event("joined")
	return v
}

func metricOf(t *testing.T, r *running, name string) float64 {
	t.Helper()
	answer, err := noRedirect(t, nil).Get(r.url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(body)
	if m == nil {
		t.Fatalf("no %s in /metrics", name)
	}
	value, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return value
}
