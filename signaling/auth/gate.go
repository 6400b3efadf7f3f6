package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// The cookies. A seat's is SeatCookie(classID).
const (
	CookieLogin   = "kelas_login"
	CookieBrowser = "kelas_browser"
	CookieDevice  = "kelas_device"
	seatPrefix    = "kelas_seat_"
)

// SeatCookie is the name of the cookie that holds a browser's seat in a class.
func SeatCookie(classID string) string { return seatPrefix + classID }

// Identity is a person at a class's door.
type Identity struct {
	// Key names the person in the class, the same over every return:
	// "user:ID" for an account, "token:JTI" for a personal token ("once:JTI"
	// when it opens one browser only), "ext:ISSUER:ID" for a person whom
	// another system knows, "guest:RANDOM" for a guest's browser, "bot:ID" for
	// a program with an API key.
	Key    string
	UserID string // "" without an account
	Name   string
	Role   string // RolePresenter, RoleModerator or RoleViewer
	Guest  bool   // the class's rules for guests are for it
}

// OwnerOf returns the account that owns a class, "" when nobody does; its
// errors are passed on.
type OwnerOf func(ctx context.Context, classID string) (accountID string, err error)

// Gate turns requests into identities.
type Gate struct {
	accounts *Accounts
	signer   *Signer
	owner    OwnerOf
	keys     *APIKeys
}

// NewGate composes the three.
func NewGate(accounts *Accounts, signer *Signer, owner OwnerOf) *Gate {
	return &Gate{accounts: accounts, signer: signer, owner: owner, keys: NewAPIKeys(accounts.store, accounts.cfg.Now)}
}

// Identify says who r is in a class. A token that is given (a join token, a
// seat for clients without cookies, or an API key) decides alone; then the
// seat cookie; then the log-in. name is only for guests with an invitation.
//
// Errors: ErrTokenForged, ErrTokenExpired, ErrTokenNotYet, ErrTokenOtherClass,
// ErrTokenUsed, ErrKeyInvalid, ErrScopeMissing, ErrNameNeeded, ErrNameInvalid,
// ErrNoIdentity, and what the store says.
func (g *Gate) Identify(r *http.Request, classID, token, name string) (Identity, error) {
	seat, err := g.Seat(r, classID, token, name)
	return seat.Identity, err
}

// Seat is Identify with what belongs in the seat cookie. Expires is zero when
// the log-in alone says who it is and no cookie is needed.
func (g *Gate) Seat(r *http.Request, classID, token, name string) (Seat, error) {
	if !ValidClassID(classID) {
		return Seat{}, ErrNoIdentity
	}
	if token != "" {
		return g.byToken(r, classID, token, name)
	}
	seat, err := g.bySeatCookie(r, classID)
	if err == nil || !errors.Is(err, ErrNoIdentity) {
		return seat, err
	}
	id, err := g.byLogin(r, classID)
	if errors.Is(err, ErrNotLoggedIn) {
		return Seat{}, ErrNoIdentity
	}
	return Seat{Identity: id}, err
}

// SeatOf signs the seat of a guest for a client that keeps no cookies: with it
// as its token it is the same guest again, while the invitation would make a
// new one each time and a one-time token would not open again. It is "" for
// everybody else, who needs none, and for who gave a seat as its token: one that
// made another each time would never end.
func (g *Gate) SeatOf(classID, token string, id Identity) (string, error) {
	if _, err := g.signer.VerifySeat(token, classID, g.now()); err == nil {
		return "", nil
	}
	if !strings.HasPrefix(id.Key, guestKey) && !strings.HasPrefix(id.Key, onceKey) && !strings.HasPrefix(id.Key, externalKey) {
		return "", nil
	}
	return g.signer.Seat(classID, Seat{Identity: id, Expires: g.now().Add(g.accounts.cfg.SeatTTL)})
}

// The beginnings of keys: who came by an invitation for many, by a one-time
// token, from another system, and programs.
const (
	guestKey    = "guest:"
	onceKey     = "once:"
	externalKey = "ext:"
	botKey      = "bot:"
)

func (g *Gate) now() time.Time { return g.accounts.cfg.Now() }

func (g *Gate) byToken(r *http.Request, classID, token, name string) (Seat, error) {
	if IsAPIKey(token) {
		return g.byAPIKey(r.Context(), token)
	}
	now := g.now()
	c, err := g.signer.VerifyJoin(token, now)
	if errors.Is(err, ErrTokenForged) {
		if seat, serr := g.signer.VerifySeat(token, classID, now); !errors.Is(serr, ErrTokenForged) {
			if serr != nil {
				return Seat{}, serr
			}
			return g.checkSeat(r, seat)
		}
	}
	if err != nil {
		return Seat{}, err
	}
	if c.ClassID != classID {
		return Seat{}, ErrTokenOtherClass
	}
	seat, err := g.seatFor(r, classID, c, name, now)
	if err == nil && c.Once {
		return g.useOnce(r, classID, c, seat)
	}
	return seat, err
}

// seatFor is who a join token seats: a person whom it names or another system
// knows, or whoever follows an invitation.
func (g *Gate) seatFor(r *http.Request, classID string, c JoinClaims, name string, now time.Time) (Seat, error) {
	if c.Name == "" && c.ExternalID == "" {
		return g.byInvitation(r, classID, c, name, now)
	}
	id := Identity{Key: c.personKey(), Name: c.Name, Role: c.Role}
	if id.Name == "" {
		if name == "" {
			return Seat{}, ErrNameNeeded
		}
		var err error
		if id.Name, err = CleanName(name); err != nil {
			return Seat{}, err
		}
	}
	return Seat{Identity: id, Invite: c.number(), Expires: later(c.Expires, now.Add(g.accounts.cfg.SeatTTL))}, nil
}

// personKey is the key of the one person that a token is for.
func (c JoinClaims) personKey() string {
	switch {
	case c.ExternalID != "":
		return externalKey + c.Issuer + ":" + c.ExternalID
	case c.Once:
		return onceKey + c.number()
	}
	return "token:" + c.number()
}

// number tells one token from all others, of whatever system.
func (c JoinClaims) number() string {
	if c.Issuer == issuer {
		return c.ID
	}
	return c.Issuer + ":" + c.ID
}

// useOnce spends a one-time token, or finds the browser that spent it: its
// seat says so.
func (g *Gate) useOnce(r *http.Request, classID string, c JoinClaims, seat Seat) (Seat, error) {
	if old, err := g.bySeatCookie(r, classID); err == nil && old.Invite == c.number() {
		return old, nil
	}
	err := g.accounts.store.UseToken(r.Context(), c.number(), c.Expires.Add(leeway))
	if isExists(err) {
		return Seat{}, ErrTokenUsed
	}
	if err != nil {
		return Seat{}, fmt.Errorf("one-time token: %w", err)
	}
	return seat, nil
}

// byAPIKey: a program comes as itself; its scope says with whose rights.
func (g *Gate) byAPIKey(ctx context.Context, secret string) (Seat, error) {
	k, err := g.keys.Check(ctx, secret)
	if err != nil {
		return Seat{}, err
	}
	id, err := k.Bot()
	return Seat{Identity: id}, err
}

// BotKey is the key of Identity for the program with an API key of this id.
func BotKey(id string) string { return botKey + id }

// Bot is who a key is in a class, or ErrScopeMissing.
func (k APIKey) Bot() (Identity, error) {
	id := Identity{Key: BotKey(k.ID), Name: k.Name, Role: RoleViewer}
	switch {
	case k.Has("bots:moderate"):
		id.Role = RoleModerator
	case !k.Has("bots:join"):
		return Identity{}, ErrScopeMissing
	}
	return id, nil
}

// byInvitation seats an account as itself, a guest that comes again as the
// guest it was, and anybody else as a new guest.
func (g *Gate) byInvitation(r *http.Request, classID string, c JoinClaims, name string, now time.Time) (Seat, error) {
	expires := now.Add(g.accounts.cfg.SeatTTL)
	id, err := g.byLogin(r, classID)
	if err == nil {
		id.Role = stronger(id.Role, c.Role)
		return Seat{Identity: id, Invite: c.number(), Expires: expires}, nil
	}
	if !errors.Is(err, ErrNotLoggedIn) {
		return Seat{}, err
	}
	if old, err := g.bySeatCookie(r, classID); err == nil && old.Invite == c.number() {
		old.Expires = expires
		return old, nil
	}
	if name == "" {
		return Seat{}, ErrNameNeeded
	}
	if name, err = CleanName(name); err != nil {
		return Seat{}, err
	}
	return Seat{Identity: Identity{Key: guestKey + randomID(), Name: name, Role: c.Role},
		Invite: c.number(), Expires: expires}, nil
}

func (g *Gate) bySeatCookie(r *http.Request, classID string) (Seat, error) {
	cookie, err := r.Cookie(SeatCookie(classID))
	if err != nil {
		return Seat{}, ErrNoIdentity
	}
	seat, err := g.signer.VerifySeat(cookie.Value, classID, g.now())
	if err != nil {
		return Seat{}, ErrNoIdentity // an old cookie is like none
	}
	return g.checkSeat(r, seat)
}

// checkSeat: an account's seat holds only while that account is logged in, and
// a program's only while its key does.
func (g *Gate) checkSeat(r *http.Request, seat Seat) (Seat, error) {
	if id, ok := strings.CutPrefix(seat.Identity.Key, botKey); ok {
		if err := g.keys.holds(r.Context(), id); err != nil {
			return Seat{}, err
		}
	}
	if seat.Identity.UserID == "" {
		return seat, nil
	}
	acct, err := g.account(r)
	if errors.Is(err, ErrNotLoggedIn) || err == nil && acct.ID != seat.Identity.UserID {
		return Seat{}, ErrNoIdentity
	}
	return seat, err
}

func (g *Gate) byLogin(r *http.Request, classID string) (Identity, error) {
	acct, err := g.account(r)
	if err != nil {
		return Identity{}, err
	}
	return g.asAccount(r.Context(), acct, classID)
}

func (g *Gate) account(r *http.Request) (Account, error) {
	cookie, err := r.Cookie(CookieLogin)
	if err != nil {
		return Account{}, ErrNotLoggedIn
	}
	acct, _, err := g.accounts.Session(r.Context(), cookie.Value)
	return acct, err
}

func stronger(a, b string) string {
	rank := map[string]int{RoleViewer: 1, RoleModerator: 2, RolePresenter: 3}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
