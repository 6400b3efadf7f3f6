package main

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// askKurento says ping at an address and returns the answer, or the status of
// the refusal.
func askKurento(t *testing.T, url, bearer string) (answer string, status int) {
	t.Helper()
	h := http.Header{}
	if bearer != "" {
		h.Set("Authorization", "Bearer "+bearer)
	}
	ws, res, err := websocket.DefaultDialer.Dial(url, h)
	if err != nil {
		if res == nil {
			t.Fatalf("dialling %s: %v", url, err)
		}
		return "", res.StatusCode
	}
	defer ws.Close()
	if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"jsonrpc":"2.0","id":1,"method":"ping"}`)); err != nil {
		t.Fatal(err)
	}
	_, text, err := ws.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	return string(text), res.StatusCode
}

const pong = `{"jsonrpc":"2.0","id":1,"result":{"value":"pong"}}`

// TestKurentoDoor: on the main port with the token, and on an address of its
// own; without either there is no such page.
func TestKurentoDoor(t *testing.T) {
	const token = "a-token-for-kurento"
	dir := t.TempDir()
	r := run(t, dir, "--kurento-token", token, "--kurento-addr", "127.0.0.1:0", "--kurento-file-root", dir, "--kurento-play-from", "*", "--kurento-strict")
	main := "ws" + strings.TrimPrefix(r.url, "http") + "/kurento"
	own := regexp.MustCompile(`msg=kurento addr=(\S+)`).FindStringSubmatch(r.log.String())
	if own == nil {
		t.Fatalf("the address is not in the log:\n%s", r.log)
	}
	for _, base := range []string{main, "ws://" + own[1] + "/kurento"} {
		if _, status := askKurento(t, base, ""); status != http.StatusUnauthorized {
			t.Errorf("%s without a token: %d", base, status)
		}
		if text, status := askKurento(t, base+"?access_token="+token, ""); text != pong {
			t.Errorf("%s with ?access_token: %d %s", base, status, text)
		}
		if text, status := askKurento(t, base, token); text != pong {
			t.Errorf("%s with a bearer token: %d %s", base, status, text)
		}
	}
	if strings.Contains(r.log.String(), token) {
		t.Error("the token is in the log")
	}
	res, err := http.Get(r.url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil || !strings.Contains(string(body), "kelas_kurento_connections") {
		t.Errorf("metrics: %v", err)
	}
	r.finish()

	plain := run(t, t.TempDir())
	if _, status := askKurento(t, "ws"+strings.TrimPrefix(plain.url, "http")+"/kurento", token); status != http.StatusNotFound {
		t.Errorf("without the option: %d", status)
	}
}
