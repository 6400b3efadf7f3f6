package auth

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const sharedSecret = "0123456789abcdef0123456789abcdef"

// open puts a signer of rotating keys into the house.
func (h *house) open(t testing.TB, cfg SignerConfig) *Signer {
	t.Helper()
	cfg.Now = h.clock.Now
	s, err := OpenSigner(t.Context(), cfg, h.store)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (h *house) with(t testing.TB, cfg SignerConfig) *house {
	t.Helper()
	h.signer = h.open(t, cfg)
	h.gate = NewGate(h.Accounts, h.signer, h.gate.owner)
	return h
}

func TestRotation(t *testing.T) {
	h := newHouse(t, Config{})
	before := h.join(t, JoinClaims{Name: "Dewi", Expires: h.clock.Now().Add(300 * 24 * time.Hour)}) // signed by the one first key
	a, b := h.open(t, SignerConfig{MaxAge: -1}), h.open(t, SignerConfig{MaxAge: -1})
	kid, err := a.Rotate(t.Context(), false) // in the very moment in which b has read the keys
	if err != nil || kid == a.kid {
		t.Fatal(kid, err)
	}
	now := h.clock.Now()
	after, err := a.Join(JoinClaims{ClassID: "bio", Role: RoleViewer, Expires: now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if parsed, err := jose.ParseSignedCompact(after, []jose.SignatureAlgorithm{jose.EdDSA}); err != nil || parsed.Signatures[0].Protected.KeyID != kid {
		t.Fatal("the new key does not sign:", err)
	}
	for who, s := range map[string]*Signer{"who rotated": a, "another process": b} {
		for what, token := range map[string]string{"former": before, "new": after} {
			if _, err := s.VerifyJoin(token, now); err != nil {
				t.Errorf("%s refuses the %s key's token: %v", who, what, err)
			}
		}
	}
	if kids(t, a) != 2 || kids(t, b) != 2 {
		t.Errorf("the key set has %d and %d keys", kids(t, a), kids(t, b))
	}
	// The former key goes when nothing that it signed can be valid.
	h.clock.advance(keepKey + time.Second)
	if _, err := b.VerifyJoin(before, now); !errors.Is(err, ErrTokenForged) {
		t.Error("a key verifies for ever:", err)
	}
	// Dropping it takes its tokens with it, in other processes too.
	now = h.clock.Now()
	doomed, err := a.Join(JoinClaims{ClassID: "bio", Role: RoleViewer, Expires: now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Rotate(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	h.clock.advance(ringAge + time.Second)
	for who, s := range map[string]*Signer{"who dropped": a, "another process": b} {
		if _, err := s.VerifyJoin(doomed, h.clock.Now()); !errors.Is(err, ErrTokenForged) {
			t.Errorf("%s takes a dropped key's token: %v", who, err)
		}
	}
}

// A flood of made-up kids costs the store little, and hides a real key from
// nobody for long.
func TestUnknownKeysAreLookedForNowAndThen(t *testing.T) {
	h := newHouse(t, Config{})
	a, b := h.open(t, SignerConfig{MaxAge: -1}), h.open(t, SignerConfig{MaxAge: -1})
	before := h.store.looks
	for range 1000 {
		b.keysFor(randomID())
	}
	if n := h.store.looks - before; n != ringLooks {
		t.Errorf("%d looks into the store", n)
	}
	if _, err := a.Rotate(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	token, err := a.Join(JoinClaims{ClassID: "bio", Role: RoleViewer, Expires: h.clock.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	h.clock.advance(ringHaste)
	var wg sync.WaitGroup
	for range 8 { // whoever waits for the one look is let in too
		wg.Go(func() {
			if _, err := b.VerifyJoin(token, h.clock.Now()); err != nil && !errors.Is(err, ErrTokenForged) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if _, err := b.VerifyJoin(token, h.clock.Now()); err != nil {
		t.Error(err)
	}
}

func kids(t *testing.T, s *Signer) int {
	t.Helper()
	raw, err := s.JWKS()
	if err != nil {
		t.Fatal(err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(raw, &set); err != nil {
		t.Fatal(err)
	}
	for _, k := range set.Keys {
		if !k.IsPublic() || !k.Valid() || k.KeyID == "" || k.Use != "sig" || k.Algorithm != "EdDSA" {
			t.Errorf("key %+v", k)
		}
	}
	if strings.Contains(string(raw), `"d"`) {
		t.Error("the set has a private part")
	}
	return len(set.Keys)
}

func TestRotationByAgeAndRaces(t *testing.T) {
	h := newHouse(t, Config{})
	s := h.open(t, SignerConfig{MaxAge: 24 * time.Hour})
	first := s.keysFor("").current.kid
	h.clock.advance(25 * time.Hour)
	if got := s.keysFor("").current.kid; got == first {
		t.Error("the key is older than allowed and signs")
	}
	// Many that rotate and sign at once: every token holds.
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			o := h.open(t, SignerConfig{MaxAge: -1})
			if _, err := o.Rotate(t.Context(), false); err != nil {
				t.Error(err)
			}
			token, err := o.Join(JoinClaims{ClassID: "bio", Role: RoleViewer, Expires: h.clock.Now().Add(time.Hour)})
			if err != nil {
				t.Error(err)
			}
			if _, err := o.VerifyJoin(token, h.clock.Now()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	h.clock.advance(ringAge)
	if n := kids(t, s); n < 9 {
		t.Errorf("%d keys after 9 rotations", n)
	}
}

// shared signs as another system does.
func shared(t testing.TB, alg jose.SignatureAlgorithm, key any, kid string, payload map[string]any) string {
	t.Helper()
	opts := &jose.SignerOptions{}
	if kid != "" {
		opts = opts.WithHeader("kid", kid)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, opts)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(payload)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := s.Sign(raw)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestSharedSecrets(t *testing.T) {
	h := newHouse(t, Config{}).with(t, SignerConfig{Shared: map[string]string{"moodle": sharedSecret, "canvas": strings.ToUpper(sharedSecret)}})
	now := h.clock.Now()
	claims := func(changes map[string]any) map[string]any {
		m := map[string]any{"iss": "moodle", "aud": "join", "exp": float64(now.Unix()) + 60.5, "class": "bio", "role": "viewer", "name": "Dewi", "sub": "42"}
		for k, v := range changes {
			if m[k] = v; v == nil {
				delete(m, k)
			}
		}
		return m
	}
	for what, token := range map[string]string{
		"by iss":           shared(t, jose.HS256, []byte(sharedSecret), "", claims(nil)),
		"by kid":           shared(t, jose.HS256, []byte(sharedSecret), "moodle", claims(nil)),
		"list of audience": shared(t, jose.HS256, []byte(sharedSecret), "", claims(map[string]any{"aud": []string{"other", "join"}})),
	} {
		id, err := h.gate.Identify(request(), "bio", token, "")
		if err != nil || id != (Identity{Key: "ext:moodle:42", Name: "Dewi", Role: RoleViewer}) {
			t.Errorf("%s: %+v %v", what, id, err)
		}
	}
	// Without a sub the token's number, or the token itself, is the person.
	named := shared(t, jose.HS256, []byte(sharedSecret), "", claims(map[string]any{"sub": nil, "jti": "7"}))
	if id, err := h.gate.Identify(request(), "bio", named, ""); err != nil || id.Key != "token:moodle:7" {
		t.Errorf("%+v %v", id, err)
	}
	for what, c := range map[string]struct {
		token string
		err   error
	}{
		"wrong secret":         {shared(t, jose.HS256, []byte(strings.Repeat("x", 32)), "", claims(nil)), ErrTokenForged},
		"unknown issuer":       {shared(t, jose.HS256, []byte(sharedSecret), "", claims(map[string]any{"iss": "sakai"})), ErrTokenForged},
		"no issuer":            {shared(t, jose.HS256, []byte(sharedSecret), "", claims(map[string]any{"iss": nil})), ErrTokenForged},
		"issuer is the server": {shared(t, jose.HS256, []byte(sharedSecret), "moodle", claims(map[string]any{"iss": "kelas"})), ErrTokenForged},
		"kid of another":       {shared(t, jose.HS256, []byte(sharedSecret), "canvas", claims(nil)), ErrTokenForged},
		"issuer of another":    {shared(t, jose.HS256, []byte(sharedSecret), "moodle", claims(map[string]any{"iss": "canvas"})), ErrTokenForged},
		"HS512":                {shared(t, jose.HS512, []byte(sharedSecret+sharedSecret), "moodle", claims(nil)), ErrTokenForged},
		"HS256 with a public key and our kid": {shared(t, jose.HS256, []byte(h.signer.public), h.signer.kid,
			claims(map[string]any{"iss": "kelas", "jti": "x"})), ErrTokenForged},
		"a seat":       {shared(t, jose.HS256, []byte(sharedSecret), "", claims(map[string]any{"aud": "seat", "key": "user:1", "jti": "1"})), ErrTokenForged},
		"no audience":  {shared(t, jose.HS256, []byte(sharedSecret), "", claims(map[string]any{"aud": nil})), ErrTokenForged},
		"no expiry":    {shared(t, jose.HS256, []byte(sharedSecret), "", claims(map[string]any{"exp": nil})), ErrTokenExpired},
		"expired":      {shared(t, jose.HS256, []byte(sharedSecret), "", claims(map[string]any{"exp": now.Unix()})), ErrTokenExpired},
		"not yet":      {shared(t, jose.HS256, []byte(sharedSecret), "", claims(map[string]any{"nbf": now.Unix() + 300})), ErrTokenNotYet},
		"other class":  {shared(t, jose.HS256, []byte(sharedSecret), "", claims(map[string]any{"class": "math"})), ErrTokenOtherClass},
		"bad role":     {shared(t, jose.HS256, []byte(sharedSecret), "", claims(map[string]any{"role": "admin"})), ErrTokenForged},
		"bad name":     {shared(t, jose.HS256, []byte(sharedSecret), "", claims(map[string]any{"name": "a\u202eb"})), ErrTokenForged},
		"bad sub":      {shared(t, jose.HS256, []byte(sharedSecret), "", claims(map[string]any{"sub": "a b"})), ErrTokenForged},
		"dates of old": {shared(t, jose.HS256, []byte(sharedSecret), "", claims(map[string]any{"exp": "tomorrow"})), ErrTokenForged},
	} {
		if id, err := h.gate.Identify(request(), "bio", c.token, ""); !errors.Is(err, c.err) {
			t.Errorf("%s: %+v %v", what, id, err)
		}
	}
	for name, secret := range map[string]string{"short": "x", "kelas": sharedSecret, "a:b": sharedSecret, "": sharedSecret} {
		err := SignerConfig{Shared: map[string]string{name: secret}}.Validate()
		if err == nil || strings.Contains(err.Error(), sharedSecret) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// A token without a jti is used once however its letters are written.
func TestOneTimeTokenWrittenOtherwise(t *testing.T) {
	h := newHouse(t, Config{}).with(t, SignerConfig{Shared: map[string]string{"moodle": sharedSecret}})
	token := shared(t, jose.HS256, []byte(sharedSecret), "", map[string]any{"iss": "moodle", "aud": "join",
		"exp": h.clock.Now().Unix() + 60, "class": "bio", "role": "viewer", "name": "Dewi", "once": true})
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(letters, token[len(token)-1])
	came := map[string]int{}
	for _, written := range []string{token, token + "\n", token[:len(token)-1] + letters[last^1:last^1+1], token[:len(token)-1] + letters[last^3:last^3+1]} {
		switch id, err := h.gate.Identify(request(), "bio", written, ""); {
		case err == nil:
			came[id.Key]++
		case !errors.Is(err, ErrTokenUsed) && !errors.Is(err, ErrTokenForged):
			t.Error(err)
		}
	}
	if len(came) != 1 {
		t.Errorf("one token let in %v", came)
	}
}

func TestExternalPersonIsOnePerson(t *testing.T) {
	h := newHouse(t, Config{})
	first := h.join(t, JoinClaims{Name: "Dewi", ExternalID: "u-42"})
	second := h.join(t, JoinClaims{Name: "Dewi S.", ExternalID: "u-42", Role: RoleModerator})
	nameless := h.join(t, JoinClaims{ExternalID: "u-42"})
	if _, err := h.gate.Identify(request(), "bio", nameless, ""); !errors.Is(err, ErrNameNeeded) {
		t.Error(err)
	}
	for _, c := range []struct{ token, name, as string }{{first, "", "Dewi"}, {second, "", "Dewi S."}, {nameless, " D ", "D"}} {
		if id, err := h.gate.Identify(request(), "bio", c.token, c.name); err != nil || id.Key != "ext:kelas:u-42" || id.Name != c.as {
			t.Errorf("%+v %v", id, err)
		}
	}
	if _, err := h.signer.Join(JoinClaims{ClassID: "bio", Role: RoleViewer, Expires: h.clock.Now(), ExternalID: strings.Repeat("x", 129)}); err == nil {
		t.Error("a long id was signed")
	}
}

func TestOneTimeTokens(t *testing.T) {
	h := newHouse(t, Config{})
	for what, c := range map[string]JoinClaims{
		"person": {Name: "Dewi"}, "person of another system": {Name: "Dewi", ExternalID: "42"}, "invitation": {},
	} {
		c.Once = true
		token := h.join(t, c)
		var in, out atomic.Int32
		var winner atomic.Pointer[Seat]
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				switch seat, err := h.gate.Seat(request(), "bio", token, "Rina"); {
				case err == nil:
					in.Add(1)
					winner.Store(&seat)
				case errors.Is(err, ErrTokenUsed):
					out.Add(1)
				default:
					t.Errorf("%s: %v", what, err)
				}
			})
		}
		wg.Wait()
		if in.Load() != 1 || out.Load() != 7 {
			t.Fatalf("%s: %d came in, %d were told", what, in.Load(), out.Load())
		}
		// The browser that came in may open the link again; others may not.
		signed, err := h.signer.Seat("bio", *winner.Load())
		if err != nil {
			t.Fatal(err)
		}
		again := request(&http.Cookie{Name: SeatCookie("bio"), Value: signed})
		if seat, err := h.gate.Seat(again, "bio", token, ""); err != nil || seat.Identity != winner.Load().Identity {
			t.Errorf("%s again: %+v %v", what, seat, err)
		}
		other, err := h.gate.Seat(request(), "bio", h.join(t, JoinClaims{Name: "Budi"}), "")
		if err != nil {
			t.Fatal(err)
		}
		if signed, err = h.signer.Seat("bio", other); err != nil {
			t.Fatal(err)
		}
		if _, err := h.gate.Seat(request(&http.Cookie{Name: SeatCookie("bio"), Value: signed}), "bio", token, "x"); !errors.Is(err, ErrTokenUsed) {
			t.Errorf("%s with another's seat: %v", what, err)
		}
		// A client without cookies is given the seat to come back with.
		if seat, err := h.gate.SeatOf("bio", token, winner.Load().Identity); err != nil || seat == "" {
			t.Errorf("%s: no seat to come back with: %v", what, err)
		}
	}
	// What is wrong does not spend the token.
	token := h.join(t, JoinClaims{Once: true})
	for _, name := range []string{"", "\x00"} {
		if _, err := h.gate.Seat(request(), "bio", token, name); err == nil {
			t.Error("came in without a name")
		}
	}
	if _, err := h.gate.Seat(request(), "math", token, "Rina"); !errors.Is(err, ErrTokenOtherClass) {
		t.Error(err)
	}
	if _, err := h.gate.Seat(request(), "bio", token, "Rina"); err != nil {
		t.Error("a mistake spent the token:", err)
	}
}

func TestAPIKeys(t *testing.T) {
	h := newHouse(t, Config{})
	keys := NewAPIKeys(h.store, h.clock.Now)
	owner := h.add(t, "kepala", AccountAdmin)
	make := func(n NewAPIKey) (APIKey, string) {
		t.Helper()
		k, secret, err := keys.Create(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		return k, secret
	}
	k, secret := make(NewAPIKey{Name: " Moodle ", Scopes: []string{"lessons:read", "bots:join", "lessons:read"}, OwnerID: owner.ID, Expires: h.clock.Now().Add(time.Hour)})
	if k.Name != "Moodle" || len(k.Scopes) != 2 || !IsAPIKey(secret) || strings.Contains(k.Hash, secret) {
		t.Fatalf("%+v", k)
	}
	if got, err := keys.Check(t.Context(), secret); err != nil || got.ID != k.ID || !got.Has("lessons:read") || got.Has("lessons:write") {
		t.Fatal(got, err)
	}
	if got, _ := keys.ByID(t.Context(), k.ID); !got.LastUsedAt.Equal(h.clock.Now()) {
		t.Error("its use is not noted")
	}
	if id, err := h.gate.Identify(request(), "bio", secret, ""); err != nil || id != (Identity{Key: "bot:" + k.ID, Name: "Moodle", Role: RoleViewer}) {
		t.Error(id, err)
	}
	_, reader := make(NewAPIKey{Name: "Reader", Scopes: []string{"chat:read"}})
	if _, err := h.gate.Identify(request(), "bio", reader, ""); !errors.Is(err, ErrScopeMissing) {
		t.Error(err)
	}
	revoked, rs := make(NewAPIKey{Name: "Revoked", Scopes: []string{"bots:join"}})
	for range 2 {
		if _, err := keys.Revoke(t.Context(), revoked.ID); err != nil {
			t.Fatal(err)
		}
	}
	other := newHouse(t, Config{})
	_, foreign, err := NewAPIKeys(other.store, h.clock.Now).Create(t.Context(), NewAPIKey{Name: "x", Scopes: []string{"bots:join"}})
	if err != nil {
		t.Fatal(err)
	}
	bad := map[string]string{"revoked": rs, "another server's": foreign, "empty": "", "id only": secret[:22],
		"changed": secret[:len(secret)-1] + "_", "other secret of the same id": secret[:23] + foreign[23:], "lower case": strings.ToLower(secret)}
	check := func() {
		t.Helper()
		for what, s := range bad {
			if _, err := keys.Check(t.Context(), s); !errors.Is(err, ErrKeyInvalid) {
				t.Errorf("%s: %v", what, err)
			}
			if _, err := h.gate.Identify(request(), "bio", s, ""); err == nil {
				t.Errorf("%s joins a class", what)
			}
		}
	}
	check()
	h.clock.advance(time.Hour)
	_, ofOwner := make(NewAPIKey{Name: "x", Scopes: []string{"bots:join"}, OwnerID: owner.ID})
	if _, err := keys.Check(t.Context(), ofOwner); err != nil {
		t.Fatal(err)
	}
	if _, err := h.SetDisabled(t.Context(), Account{ID: "other"}, owner.ID, true); err != nil {
		t.Fatal(err)
	}
	bad = map[string]string{"expired": secret, "of a closed account": ofOwner}
	check()
	for what, n := range map[string]NewAPIKey{"no scope": {Name: "x"}, "unknown scope": {Name: "x", Scopes: []string{"all"}},
		"no name": {Scopes: []string{"chat:read"}}, "past": {Name: "x", Scopes: []string{"chat:read"}, Expires: h.clock.Now()}} {
		if _, _, err := keys.Create(t.Context(), n); err == nil {
			t.Errorf("%s: a key was made", what)
		}
	}
}

// What a key was given to come in with ends with the key.
func TestSeatOfAProgramEndsWithItsKey(t *testing.T) {
	h := newHouse(t, Config{})
	keys := NewAPIKeys(h.store, h.clock.Now)
	owner := h.add(t, "kepala", AccountAdmin)
	h.add(t, "wakil", AccountAdmin) // one administrator always remains
	as := func(role string) error {
		acct, err := h.ByID(t.Context(), owner.ID)
		if err == nil {
			_, err = h.Change(t.Context(), acct, AccountChange{Role: &role})
		}
		return err
	}
	for what, end := range map[string]func(APIKey) error{
		"revoked": func(k APIKey) error { _, err := keys.Revoke(t.Context(), k.ID); return err },
		"expired": func(APIKey) error { h.clock.advance(time.Minute); return nil },
		"of a closed account": func(APIKey) error {
			_, err := h.SetDisabled(t.Context(), Account{ID: "other"}, owner.ID, true)
			return err
		},
		"of an administrator no longer": func(APIKey) error { return as(AccountTeacher) },
	} {
		if _, err := h.SetDisabled(t.Context(), Account{ID: "other"}, owner.ID, false); err != nil {
			t.Fatal(err)
		}
		if err := as(AccountAdmin); err != nil {
			t.Fatal(err)
		}
		k, _, err := keys.Create(t.Context(), NewAPIKey{Name: "Bot", Scopes: []string{"bots:join"}, OwnerID: owner.ID, Expires: h.clock.Now().Add(time.Minute)})
		if err != nil {
			t.Fatal(err)
		}
		id, err := k.Bot()
		if err != nil {
			t.Fatal(err)
		}
		seat, err := h.signer.Seat("bio", Seat{Identity: id, Expires: h.clock.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := h.gate.Identify(request(), "bio", seat, ""); err != nil || got != id {
			t.Fatalf("%s: before: %+v %v", what, got, err)
		}
		if err := end(k); err != nil {
			t.Fatal(err)
		}
		if _, err := h.gate.Identify(request(), "bio", seat, ""); !errors.Is(err, ErrKeyInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// FuzzShared: whatever is put together without the secret comes in nowhere.
func FuzzShared(f *testing.F) {
	h := newHouse(f, Config{}).with(f, SignerConfig{Shared: map[string]string{"moodle": sharedSecret}})
	f.Add(`{"alg":"HS256"}`, `{"iss":"moodle","aud":"join","exp":99999999999,"class":"bio","role":"viewer"}`, []byte("x"))
	f.Add(`{"alg":"none","kid":"moodle"}`, `{"iss":"moodle","aud":["join"],"exp":1e300,"class":"bio","role":"presenter"}`, []byte(""))
	f.Add(`{"alg":"EdDSA","kid":"moodle","crit":["x"]}`, `{"aud":{}}`, []byte("y"))
	f.Fuzz(func(t *testing.T, header, payload string, signature []byte) {
		token := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + "." + base64.RawURLEncoding.EncodeToString(signature)
		if id, err := h.gate.Identify(request(), "bio", token, "x"); err == nil {
			t.Fatalf("%s %s came in as %+v", header, payload, id)
		}
		var c claims
		if json.Unmarshal([]byte(payload), &c) == nil && c.Expires != 0 {
			_ = c.Expires.time().String()
		}
		_, _ = readClaims([]byte(payload), "moodle", audienceJoin, h.clock.Now())
		if IsAPIKey(payload) {
			if _, err := NewAPIKeys(h.store, h.clock.Now).Check(t.Context(), payload); err == nil {
				t.Fatal("a made-up key is taken")
			}
		}
	})
}
