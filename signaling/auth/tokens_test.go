package auth

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

func (h *house) join(t testing.TB, c JoinClaims) string {
	t.Helper()
	if c.ClassID == "" {
		c.ClassID = "bio"
	}
	if c.Role == "" {
		c.Role = RoleViewer
	}
	if c.Expires.IsZero() {
		c.Expires = h.clock.Now().Add(time.Hour)
	}
	token, err := h.signer.Join(c)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestJoinTokens(t *testing.T) {
	h := newHouse(t, Config{})
	now := h.clock.Now()
	token := h.join(t, JoinClaims{Role: RoleModerator, Name: "Pak Joko"})
	c, err := h.signer.VerifyJoin(token, now)
	if err != nil || c.ClassID != "bio" || c.Role != RoleModerator || c.Name != "Pak Joko" || c.ID == "" || !c.Expires.Equal(now.Add(time.Hour)) {
		t.Fatal(c, err)
	}
	if _, err := h.signer.VerifyJoin(token, now.Add(time.Hour)); !errors.Is(err, ErrTokenExpired) {
		t.Fatal(err)
	}
	early := h.join(t, JoinClaims{NotBefore: now.Add(10 * time.Minute)})
	if _, err := h.signer.VerifyJoin(early, now); !errors.Is(err, ErrTokenNotYet) {
		t.Fatal(err)
	}
	if _, err := h.signer.VerifyJoin(early, now.Add(9*time.Minute)); err != nil {
		t.Fatal("the leeway is not given:", err)
	}
	for _, bad := range []JoinClaims{{ClassID: "a/b", Role: RoleViewer, Expires: now}, {ClassID: "a", Role: "king", Expires: now}, {ClassID: "a", Role: RoleViewer}, {ClassID: "a", Role: RoleViewer, Expires: now, Name: "\x00"}} {
		if _, err := h.signer.Join(bad); err == nil {
			t.Errorf("%+v was signed", bad)
		}
	}
}

func TestForgedTokens(t *testing.T) {
	h := newHouse(t, Config{})
	other := newHouse(t, Config{})
	now := h.clock.Now()
	good := h.join(t, JoinClaims{})
	parts := strings.Split(good, ".")
	b64 := base64.RawURLEncoding
	payload := `{"iss":"kelas","aud":"join","jti":"x","exp":99999999999,"class":"bio","role":"presenter"}`
	seat, err := h.signer.Seat("bio", Seat{Identity: Identity{Key: "guest:1", Name: "x", Role: RoleViewer}, Expires: now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	// HS256 with the public key as its secret: the classic confusion of keys.
	hs, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(h.signer.public)}, (&jose.SignerOptions{}).WithHeader("kid", h.signer.kid))
	if err != nil {
		t.Fatal(err)
	}
	jws, err := hs.Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	confused, _ := jws.CompactSerialize()
	// The right algorithm with an attacker's key, named in the header.
	_, mine, _ := ed25519.GenerateKey(nil)
	own, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: mine}, (&jose.SignerOptions{EmbedJWK: true}).WithHeader("kid", h.signer.kid))
	if err != nil {
		t.Fatal(err)
	}
	if jws, err = own.Sign([]byte(payload)); err != nil {
		t.Fatal(err)
	}
	embedded, _ := jws.CompactSerialize()
	for name, token := range map[string]string{
		"empty": "", "no token": "hello", "another server's": other.join(t, JoinClaims{}),
		"changed payload":  parts[0] + "." + b64.EncodeToString([]byte(payload)) + "." + parts[2],
		"alg none":         b64.EncodeToString([]byte(`{"alg":"none"}`)) + "." + b64.EncodeToString([]byte(payload)) + ".",
		"key confusion":    confused,
		"key in header":    embedded,
		"seat as a token":  seat,
		"cut signature":    good[:len(good)-4],
		"json form":        `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"very long":        strings.Repeat("a", 5000),
		"detached payload": parts[0] + ".." + parts[2],
	} {
		if c, err := h.signer.VerifyJoin(token, now); !errors.Is(err, ErrTokenForged) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	if _, err := h.signer.VerifySeat(good, "bio", now); !errors.Is(err, ErrTokenForged) {
		t.Errorf("a join token is taken for a seat: %v", err)
	}
}

func request(cookies ...*http.Cookie) *http.Request {
	r := httptest.NewRequest("GET", "/c/bio", nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return r
}

func TestWhoIsWho(t *testing.T) {
	h := newHouse(t, Config{})
	for name, role := range map[string]string{"sari": AccountTeacher, "joko": AccountTeacher, "budi": AccountStudent, "root1": AccountAdmin} {
		h.add(t, name, role)
	}
	login := func(name string) *http.Cookie {
		return &http.Cookie{Name: CookieLogin, Value: h.enter(t, name).Token}
	}
	invite := h.join(t, JoinClaims{ID: "inv"})
	coInvite := h.join(t, JoinClaims{ID: "co", Role: RoleModerator})
	person := h.join(t, JoinClaims{ID: "p1", Name: "Dewi", Role: RoleModerator})
	foreign := h.join(t, JoinClaims{ClassID: "math", Name: "Dewi"})
	guestSeat, err := h.gate.Seat(request(), "bio", invite, "Rina")
	if err != nil {
		t.Fatal(err)
	}
	signed, err := h.signer.Seat("bio", guestSeat)
	if err != nil {
		t.Fatal(err)
	}
	seat := &http.Cookie{Name: SeatCookie("bio"), Value: signed}
	accountSeat, err := h.gate.Seat(request(login("joko")), "bio", coInvite, "")
	if err != nil {
		t.Fatal(err)
	}
	signed, err = h.signer.Seat("bio", accountSeat)
	if err != nil {
		t.Fatal(err)
	}
	jokoSeat := &http.Cookie{Name: SeatCookie("bio"), Value: signed}

	for _, c := range []struct {
		what        string
		r           *http.Request
		token, name string
		key, as     string // key's beginning, name
		role        string
		err         error
	}{
		{what: "nobody", r: request(), err: ErrNoIdentity},
		{what: "owner", r: request(login("sari")), key: "user:", as: "SARI", role: RolePresenter},
		{what: "admin", r: request(login("root1")), key: "user:", as: "ROOT1", role: RoleModerator},
		{what: "another teacher", r: request(login("joko")), key: "user:", as: "JOKO", role: RoleViewer},
		{what: "student", r: request(login("budi")), key: "user:", as: "BUDI", role: RoleViewer},
		{what: "personal token", r: request(), token: person, name: "Somebody else", key: "token:p1", as: "Dewi", role: RoleModerator},
		{what: "personal token beats log-in", r: request(login("sari")), token: person, key: "token:p1", as: "Dewi", role: RoleModerator},
		{what: "token of another class", r: request(login("sari")), token: foreign, err: ErrTokenOtherClass},
		{what: "forged token, though logged in", r: request(login("sari")), token: "x", err: ErrTokenForged},
		{what: "invitation without a name", r: request(), token: invite, err: ErrNameNeeded},
		{what: "invitation with a bad name", r: request(), token: invite, name: "\x00", err: ErrNameInvalid},
		{what: "invitation", r: request(), token: invite, name: " Rina ", key: "guest:", as: "Rina", role: RoleViewer},
		{what: "invitation again, same browser", r: request(seat), token: invite, name: "Other", key: guestSeat.Identity.Key, as: "Rina", role: RoleViewer},
		{what: "another invitation, same browser", r: request(seat), token: coInvite, name: "Rina", key: "guest:", as: "Rina", role: RoleModerator},
		{what: "invitation with a log-in", r: request(login("joko")), token: coInvite, key: "user:", as: "JOKO", role: RoleModerator},
		{what: "owner opens the students' link", r: request(login("sari")), token: invite, key: "user:", as: "SARI", role: RolePresenter},
		{what: "seat", r: request(seat), key: guestSeat.Identity.Key, as: "Rina", role: RoleViewer},
		{what: "seat beats log-in", r: request(seat, login("sari")), key: guestSeat.Identity.Key, as: "Rina", role: RoleViewer},
		{what: "seat as a token", r: request(), token: seat.Value, key: guestSeat.Identity.Key, as: "Rina", role: RoleViewer},
		{what: "account's seat with its log-in", r: request(jokoSeat, login("joko")), key: "user:", as: "JOKO", role: RoleModerator},
		{what: "account's seat, logged out", r: request(jokoSeat), err: ErrNoIdentity},
		{what: "account's seat, somebody else", r: request(jokoSeat, login("budi")), key: "user:", as: "BUDI", role: RoleViewer},
		{what: "damaged seat", r: request(&http.Cookie{Name: SeatCookie("bio"), Value: "x"}, login("budi")), key: "user:", as: "BUDI", role: RoleViewer},
	} {
		id, err := h.gate.Identify(c.r, "bio", c.token, c.name)
		if !errors.Is(err, c.err) || err == nil && (!strings.HasPrefix(id.Key, c.key) || id.Name != c.as || id.Role != c.role) {
			t.Errorf("%s: %+v, %v", c.what, id, err)
		}
	}
	if _, err := h.gate.Identify(request(seat), "math", "", ""); !errors.Is(err, ErrNoIdentity) {
		t.Error("a seat opens another class:", err)
	}
	h.clock.advance(13 * time.Hour)
	if _, err := h.gate.Identify(request(seat), "bio", "", ""); !errors.Is(err, ErrNoIdentity) {
		t.Error("a seat outlives its time:", err)
	}
	if _, err := h.gate.Identify(request(), "bio", seat.Value, ""); !errors.Is(err, ErrTokenExpired) {
		t.Error(err)
	}
}

func FuzzTokens(f *testing.F) {
	h := newHouse(f, Config{})
	now := h.clock.Now()
	f.Add(h.join(f, JoinClaims{Name: "Dewi"}))
	f.Add(h.join(f, JoinClaims{}))
	f.Add("a.b.c")
	f.Add(`{"payload":"","signatures":[]}`)
	issued := map[string]bool{h.join(f, JoinClaims{ID: "same"}): true}
	f.Fuzz(func(t *testing.T, token string) {
		if c, err := h.signer.VerifyJoin(token, now); err == nil {
			// Only what this very key signed may pass; its parts are checked.
			if c.ClassID != "bio" || !validClassRole(c.Role) || c.ID == "" {
				t.Fatalf("%q passes as %+v", token, c)
			}
		} else if !errors.Is(err, ErrTokenForged) && !errors.Is(err, ErrTokenExpired) && !errors.Is(err, ErrTokenNotYet) {
			t.Fatal(err)
		}
		if _, err := h.signer.VerifySeat(token, "bio", now); err == nil && !issued[token] {
			t.Fatalf("%q passes as a seat", token)
		}
	})
}
