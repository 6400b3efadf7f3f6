package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// api asks the running server with an API key.
func (r *running) api(key, path string) (int, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.url+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	answer, err := noRedirect(r.t, nil).Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// Keys are made, listed and revoked beside the running server, and the key
// that signs is exchanged under it.
func TestKeyCommands(t *testing.T) {
	r := run(t, t.TempDir())
	key := r.command("", "apikey", "add", "--name", "Moodle", "--scope", "lessons:read,lessons:write", "--expires", "1h")
	if status, body := r.api(key, "/api/v1/me"); status != http.StatusOK || !strings.Contains(body, `"expiresAt"`) {
		t.Errorf("%d %s", status, body)
	}
	list := r.command("", "apikey", "list")
	if !strings.Contains(list, "Moodle") || !strings.Contains(list, "holds") || strings.Contains(list, key) {
		t.Errorf("the list is\n%s", list)
	}
	r.command("", "apikey", "revoke", strings.Split(key, "_")[1])
	if status, _ := r.api(key, "/api/v1/me"); status != http.StatusUnauthorized {
		t.Errorf("a revoked key: %d", status)
	}
	for _, bad := range [][]string{
		{"apikey", "add", "--name", "x", "--scope", "everything"}, {"apikey", "add", "--name", "x", "--scope", "chat:read", "--owner", "nobody"},
		{"apikey", "add", "--name", "x", "--scope", "chat:read", "--expires", "-1h"}, {"apikey", "revoke", "nothing"},
	} {
		if out, err := runCommand(t, "", append(bad, "--data-dir", r.dir)...); err == nil {
			t.Errorf("%v: %s", bad, out)
		}
	}

	class := r.command("", "class", "add", "--title", "Biology")
	former := r.command("", "token", "--class", class, "--role", "viewer", "--name", "Ani")
	kid := strings.Fields(r.command("", "key", "rotate"))[0]
	latter := r.command("", "token", "--class", class, "--role", "viewer", "--name", "Budi")
	for _, token := range []string{former, latter} {
		enter(t, r.url, class, token, nil)
	}
	_, body := r.api("", "/.well-known/jwks.json")
	var set struct{ Keys []struct{ Kid string } }
	if err := json.Unmarshal([]byte(body), &set); err != nil || len(set.Keys) != 2 || set.Keys[0].Kid != kid {
		t.Errorf("%v %s", err, body)
	}
	if err := r.finish(); err != nil {
		t.Error(err)
	}
}

func TestKeyOptions(t *testing.T) {
	secret := strings.Repeat("s", 32)
	for _, bad := range [][]string{{"--jwt-secret", "moodle"}, {"--jwt-secret", "moodle=short"}, {"--jwt-secret", "kelas=" + secret},
		{"--jwt-secret", "a=" + secret, "--jwt-secret", "a=" + secret}, {"--frame-ancestors", "*"}, {"--frame-ancestors", "lms.example.org"},
		{"--api-rate", "0"}, {"--api-origin", "https://x/y"}, {"--signing-key-age", "1m"}} {
		if _, err := runCommand(t, "", append([]string{"config"}, bad...)...); err == nil || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), bad[0]) {
			t.Errorf("%v: %v", bad[0], err)
		}
	}
	out, err := runCommand(t, "", "config", "--jwt-secret", "moodle="+secret, "--frame-ancestors", "https://lms.example.org", "--signing-key-age", "0s")
	if err != nil || strings.Contains(out, secret) || !strings.Contains(out, "https://lms.example.org") {
		t.Errorf("%v\n%s", err, out)
	}
	f := serveFlags{SigningKeyAge: 0, JWTSecret: []string{"moodle=" + secret + "=="}}
	if c, err := f.signer(); err != nil || c.MaxAge != -1 || c.Shared["moodle"] != secret+"==" {
		t.Errorf("%+v %v", c, err)
	}
	f.SigningKeyAge = 24 * time.Hour
	if c, err := f.signer(); err != nil || c.MaxAge != 24*time.Hour {
		t.Errorf("%+v %v", c, err)
	}
}
