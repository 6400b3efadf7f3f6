package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"kelas/pipeline/pipelinetest"
)

// TestEncoderDoor: the running server lets an encoder in by the owner's
// encoder token, and nobody by a token that is forged, expired or of another
// class.
func TestEncoderDoor(t *testing.T) {
	r := run(t, t.TempDir())
	r.command(goodPassword+"\n", "user", "add", "--role", "teacher", "--password-stdin", "ibu.sari")
	class := r.command("", "class", "add", "--title", "Biologi 8B", "--owner", "ibu.sari")
	other := r.command("", "class", "add", "--title", "Fisika", "--owner", "ibu.sari")
	ani := enter(t, r.url, class, r.command("", "token", "--class", class, "--role", "viewer", "--name", "Ani"), nil)
	token := r.command("", "token", "--class", class, "--role", "presenter", "--encoder")

	c := noRedirect(t, nil)
	offer := pipelinetest.NewPresenter(t, pipelinetest.Options{Places: []pipelinetest.Place{pipelinetest.Mic, pipelinetest.Camera}}).Offer()
	post := func(token string) (int, string) {
		t.Helper()
		req, err := http.NewRequest("POST", r.url+"/whip/"+class, strings.NewReader(offer))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/sdp")
		req.Header.Set("Authorization", "Bearer "+token)
		answer, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		return answer.StatusCode, answer.Header.Get("Location")
	}
	for name, bad := range map[string]struct {
		token  string
		status int
	}{
		"forged":        {token[:len(token)-6] + "AAAAAA", 401},
		"of another":    {r.command("", "token", "--class", other, "--role", "presenter", "--encoder"), 403},
		"join, another": {r.command("", "token", "--class", other, "--role", "presenter", "--name", "X"), 403},
		"a viewer's":    {r.command("", "token", "--class", class, "--role", "viewer", "--name", "X"), 403},
	} {
		if status, _ := post(bad.token); status != bad.status {
			t.Errorf("%s: %d, want %d", name, status, bad.status)
		}
	}
	status, location := post(token)
	if status != http.StatusCreated {
		t.Fatalf("the owner's encoder: %d", status)
	}
	if joined := string(ani.event("participantJoined")); !strings.Contains(joined, "presenter") {
		t.Fatalf("the class hears %s", joined)
	}
	secret := location[strings.LastIndexByte(location, '/')+1:]
	if log := r.log.String(); strings.Contains(log, secret) || strings.Contains(log, token) {
		t.Fatal("the secret address or the token is in the log")
	}
	if err := r.finish(); err != nil {
		t.Errorf("stopping: %v", err)
	}
}
