package main

import (
	"io"
	"net/http"
	"path/filepath"
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
	return askKurentoBy(t, websocket.DefaultDialer, url, h)
}

func askKurentoBy(t *testing.T, dialer *websocket.Dialer, url string, h http.Header) (answer string, status int) {
	t.Helper()
	ws, res, err := dialer.Dial(url, h)
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

// kurentoAt is the address that the log tells.
func kurentoAt(t *testing.T, log, name string) string {
	t.Helper()
	at := regexp.MustCompile(`msg=` + name + ` addr=(\S+)`).FindStringSubmatch(log)
	if at == nil {
		t.Fatalf("the address is not in the log:\n%s", log)
	}
	return at[1]
}

// TestKurentoTLS: the protocol's own port speaks TLS with the certificate of
// the pages, and nothing else.
func TestKurentoTLS(t *testing.T) {
	dir := t.TempDir()
	r := run(t, dir, "--tls", "self-signed", "--kurento-tls-addr", "127.0.0.1:0", "--kurento-addr", "127.0.0.1:0")
	plain, secure := kurentoAt(t, r.log.String(), "kurento"), kurentoAt(t, r.log.String(), `"kurento over TLS"`)
	trusting := &websocket.Dialer{TLSClientConfig: trustFile(t, filepath.Join(dir, "tls", "self-signed.crt"))}
	if text, status := askKurentoBy(t, trusting, "wss://"+secure+"/kurento", nil); text != pong {
		t.Errorf("over TLS: %d %s", status, text)
	}
	if text, status := askKurento(t, "ws://"+plain+"/kurento", ""); text != pong {
		t.Errorf("beside it: %d %s", status, text)
	}
	if ws, res, err := websocket.DefaultDialer.Dial("ws://"+secure+"/kurento", nil); err == nil {
		_ = ws.Close()
		t.Error("the port of TLS speaks without it")
	} else if res != nil && res.StatusCode != http.StatusBadRequest {
		t.Errorf("without TLS: %d", res.StatusCode)
	}
	if ws, _, err := websocket.DefaultDialer.Dial("wss://"+secure+"/kurento", nil); err == nil {
		_ = ws.Close()
		t.Error("whoever does not know the certificate got in")
	}
}

// TestKurentoBehindProxy: on the protocol's own port too the address that
// limits count is the client's where a trusted proxy tells it, and nobody
// else is believed.
func TestKurentoBehindProxy(t *testing.T) {
	for _, trusted := range []bool{true, false} {
		args := []string{"--kurento-addr", "127.0.0.1:0", "--kurento-max-sessions-per-address", "1"}
		if trusted {
			args = append(args, "--trusted-proxy", "127.0.0.1")
		}
		r := run(t, t.TempDir(), args...)
		url := "ws://" + kurentoAt(t, r.log.String(), "kurento") + "/kurento"
		dial := func(client string) int {
			ws, res, err := websocket.DefaultDialer.Dial(url, http.Header{"X-Forwarded-For": {client}})
			if err == nil {
				t.Cleanup(func() { _ = ws.Close() })
			}
			return res.StatusCode
		}
		other := http.StatusTooManyRequests // all have the proxy's address
		if trusted {
			other = http.StatusSwitchingProtocols
		}
		for _, x := range []struct {
			client string
			want   int
		}{{"192.0.2.1", http.StatusSwitchingProtocols}, {"192.0.2.1", http.StatusTooManyRequests}, {"192.0.2.2", other}, {"192.0.2.9, 192.0.2.1", http.StatusTooManyRequests}} {
			if got := dial(x.client); got != x.want {
				t.Errorf("trusted %v, %s: %d, want %d", trusted, x.client, got, x.want)
			}
		}
		r.finish()
	}
}
