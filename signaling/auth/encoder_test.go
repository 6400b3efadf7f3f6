package auth

import (
	"errors"
	"net/http/httptest"
	"testing"
	"time"
)

func TestEncoderTokens(t *testing.T) {
	h := newHouse(t, Config{})
	sari, budi := h.add(t, "sari", AccountTeacher), h.add(t, "budi", AccountTeacher)
	now := h.clock.Now()
	make := func(class, account string) string {
		t.Helper()
		token, err := h.signer.Encoder(class, account, now.Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	r := httptest.NewRequest("POST", "/whip/bio", nil)
	ask := func(token string) (Identity, error) { return h.gate.IdentifyEncoder(r, "bio", token, "Encoder") }

	token := make("bio", sari.ID)
	if id, err := ask(token); err != nil || id.Key != "user:"+sari.ID || id.Role != RolePresenter || id.Name != sari.DisplayName {
		t.Fatalf("the owner's encoder: %+v %v", id, err)
	}
	// No other door takes it, and a seat or join token is none.
	if _, err := h.gate.Identify(r, "bio", token, "Encoder"); !errors.Is(err, ErrTokenForged) {
		t.Fatalf("at the class's door: %v", err)
	}
	if id, err := ask(make("bio", budi.ID)); err != nil || id.Role != RoleViewer {
		t.Fatalf("of somebody who does not own the class: %+v %v", id, err)
	}
	if id, err := ask(h.join(t, JoinClaims{Role: RolePresenter, Name: "Pak Adi"})); err != nil || id.Name != "Pak Adi" {
		t.Fatalf("a join token: %+v %v", id, err)
	}
	for name, c := range map[string]struct {
		token string
		want  error
	}{
		"of another class":      {make("math", sari.ID), ErrTokenOtherClass},
		"of nobody":             {make("bio", "nobody"), ErrNoIdentity},
		"changed":               {token[:len(token)-4] + "AAAA", ErrTokenForged},
		"join, another class":   {h.join(t, JoinClaims{ClassID: "math", Name: "x"}), ErrTokenOtherClass},
		"nothing like a token":  {"nonsense", ErrTokenForged},
		"an invitation's guest": {"", ErrNoIdentity},
	} {
		if _, err := ask(c.token); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := h.SetDisabled(t.Context(), budi, sari.ID, true); err != nil {
		t.Fatal(err)
	}
	if _, err := ask(token); !errors.Is(err, ErrNoIdentity) {
		t.Fatalf("a disabled account's encoder: %v", err)
	}
	h.clock.advance(2 * time.Hour)
	if _, err := ask(token); !errors.Is(err, ErrTokenExpired) {
		t.Fatalf("an expired one: %v", err)
	}
	for _, bad := range [][2]string{{"a/b", "x"}, {"bio", ""}} {
		if _, err := h.signer.Encoder(bad[0], bad[1], now); err == nil {
			t.Errorf("%v was signed", bad)
		}
	}
}
