package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Config of accounts. The zero value works.
type Config struct {
	LoginTTL     time.Duration // how long a log-in lasts; 14 days
	SeatTTL      time.Duration // how long a guest's seat lasts; 12 hours
	HashParallel int           // password hashes at once, 19 MiB each; 2
	HashWaiting  int           // log-ins that may wait for their turn; 64
	// Failed attempts: so many at once, then one in each interval.
	AccountBurst    int           // 8
	AccountInterval time.Duration // 1 minute
	AddressBurst    int           // 60: a school has one address
	AddressInterval time.Duration // 5 seconds
	Languages       []string      // what Account.Language may be; "id", "en"
	Signer          SignerConfig  // of the keys that tokens are signed with
	Now             func() time.Time
}

func (c Config) withDefaults() Config {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	num := func(n *int, v int) {
		if *n == 0 {
			*n = v
		}
	}
	def(&c.LoginTTL, 14*24*time.Hour)
	def(&c.SeatTTL, 12*time.Hour)
	num(&c.HashParallel, 2)
	num(&c.HashWaiting, 64)
	num(&c.AccountBurst, 8)
	def(&c.AccountInterval, time.Minute)
	num(&c.AddressBurst, 60)
	def(&c.AddressInterval, 5*time.Second)
	if c.Languages == nil {
		c.Languages = []string{"id", "en"}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Validate names the field that cannot work.
func (c Config) Validate() error {
	for name, v := range map[string]int64{
		"LoginTTL": int64(c.LoginTTL), "SeatTTL": int64(c.SeatTTL),
		"HashParallel": int64(c.HashParallel), "HashWaiting": int64(c.HashWaiting),
		"AccountBurst": int64(c.AccountBurst), "AccountInterval": int64(c.AccountInterval),
		"AddressBurst": int64(c.AddressBurst), "AddressInterval": int64(c.AddressInterval),
	} {
		if v < 0 {
			return fmt.Errorf("auth config: %s is negative", name)
		}
	}
	return c.Signer.Validate()
}

// limiterKeys bounds each limiter's memory to a few megabytes.
const limiterKeys = 50000

// Accounts logs people in and out and keeps their accounts.
type Accounts struct {
	cfg     Config
	store   Store
	signer  *Signer
	hashing chan struct{} // HashParallel running
	waiting chan struct{} // HashParallel+HashWaiting admitted
	dummy   string        // hash of nobody's password, for names that do not exist

	byAccount *limiter
	byDevice  *limiter
	byAddress *limiter
}

// NewAccounts needs the signer for the cookies of known browsers.
func NewAccounts(cfg Config, store Store, signer *Signer) (*Accounts, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	dummy, err := HashPassword(randomID())
	if err != nil {
		return nil, err
	}
	return &Accounts{
		cfg: cfg, store: store, signer: signer, dummy: dummy,
		hashing:   make(chan struct{}, cfg.HashParallel),
		waiting:   make(chan struct{}, cfg.HashParallel+cfg.HashWaiting),
		byAccount: newLimiter(cfg.AccountBurst, cfg.AccountInterval, limiterKeys),
		byDevice:  newLimiter(cfg.AccountBurst, cfg.AccountInterval, limiterKeys),
		byAddress: newLimiter(cfg.AddressBurst, cfg.AddressInterval, limiterKeys),
	}, nil
}

// LoginRequest is one attempt.
type LoginRequest struct {
	Name, Password string
	Addr           string // the client's address, without port
	UserAgent      string
	Device         string // cookie of a browser that logged in before, or ""
}

// LoggedIn is what a log-in leaves in the browser.
type LoggedIn struct {
	Account Account
	Token   string // cookie CookieLogin
	Device  string // cookie CookieDevice
	Expires time.Time
}

// Login fails with ErrCredentials whether the name or the password was
// wrong or the account is disabled, with *TooManyError, or with ErrBusy.
//
// The limits: an attempt is counted for the address and for the account
// before the password is looked at, so that attempts sent at once do not
// slip through, and handed back when it was right. A browser that logged in
// to this account before is counted by itself: a stranger who keeps an
// account's counter full does not keep its owner out.
func (a *Accounts) Login(ctx context.Context, r LoginRequest) (LoggedIn, error) {
	now := a.cfg.Now()
	name, err := CleanName(r.Name)
	if err != nil || len(r.Password) > passwordMax {
		name, r.Password = "\x00", "" // costs the same as any other wrong name
	}
	acct, err := a.store.AccountByName(ctx, name)
	known := err == nil
	if err != nil && !errors.Is(err, ErrNotFound) {
		return LoggedIn{}, fmt.Errorf("log in: %w", err)
	}
	giveBack, err := a.count(strings.ToLower(name), acct.ID, r, now)
	if err != nil {
		return LoggedIn{}, err
	}
	phc := a.dummy
	if known {
		phc = acct.PasswordHash
	}
	ok, rehash, err := a.verify(ctx, phc, r.Password)
	if err != nil {
		giveBack()
		return LoggedIn{}, err
	}
	if !ok || !known || acct.Disabled {
		return LoggedIn{}, ErrCredentials
	}
	giveBack()
	if rehash {
		acct = a.rehash(ctx, acct, r.Password)
	}
	return a.open(ctx, acct, r, now)
}

// count takes one attempt from the address and from the browser or account.
func (a *Accounts) count(name, accountID string, r LoginRequest, now time.Time) (giveBack func(), err error) {
	addr := limitAddr(r.Addr)
	if wait := a.byAddress.take(addr, now); wait > 0 {
		return nil, &TooManyError{Wait: wait}
	}
	limit, key := a.byAccount, name
	if accountID != "" && a.signer.knowsDevice(r.Device, accountID) {
		limit, key = a.byDevice, r.Device
	}
	if wait := limit.take(key, now); wait > 0 {
		a.byAddress.giveBack(addr, now)
		return nil, &TooManyError{Wait: wait}
	}
	return func() {
		a.byAddress.giveBack(addr, now)
		limit.giveBack(key, now)
	}, nil
}

// limitAddr counts an IPv6 customer as one: a /64 is handed to one household.
func limitAddr(addr string) string {
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return addr
	}
	if ip = ip.Unmap(); ip.Is6() {
		if p, err := ip.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return ip.String()
}

// open stores a log-in session.
func (a *Accounts) open(ctx context.Context, acct Account, r LoginRequest, now time.Time) (LoggedIn, error) {
	token := randomToken()
	l := Login{ID: tokenID(token), AccountID: acct.ID, CreatedAt: now, ExpiresAt: now.Add(a.cfg.LoginTTL),
		UserAgent: cut(strings.ToValidUTF8(r.UserAgent, "?"), 256), Addr: cut(r.Addr, 64)}
	if err := a.store.PutLogin(ctx, l); err != nil {
		return LoggedIn{}, fmt.Errorf("log in: %w", err)
	}
	return LoggedIn{Account: acct, Token: token, Device: a.signer.newDevice(acct.ID), Expires: l.ExpiresAt}, nil
}

// rehash brings an old hash to today's parameters. It is a courtesy; when
// the account changed meanwhile the next log-in tries again.
func (a *Accounts) rehash(ctx context.Context, acct Account, pw string) Account {
	phc, err := a.hash(ctx, pw)
	if err != nil {
		return acct
	}
	next := acct
	next.PasswordHash = phc
	if next, err = a.store.UpdateAccount(ctx, next); err != nil {
		return acct
	}
	return next
}

// Session returns the account and log-in of a cookie's token, or ErrNotLoggedIn.
func (a *Accounts) Session(ctx context.Context, token string) (Account, Login, error) {
	if len(token) != tokenSize {
		return Account{}, Login{}, ErrNotLoggedIn
	}
	l, err := a.store.Login(ctx, tokenID(token))
	if errors.Is(err, ErrNotFound) || err == nil && !a.cfg.Now().Before(l.ExpiresAt) {
		return Account{}, Login{}, ErrNotLoggedIn
	}
	if err != nil {
		return Account{}, Login{}, fmt.Errorf("session: %w", err)
	}
	acct, err := a.store.Account(ctx, l.AccountID)
	if errors.Is(err, ErrNotFound) || err == nil && acct.Disabled {
		return Account{}, Login{}, ErrNotLoggedIn
	}
	if err != nil {
		return Account{}, Login{}, fmt.Errorf("session: %w", err)
	}
	return acct, l, nil
}

// Logins lists where an account is logged in.
func (a *Accounts) Logins(ctx context.Context, accountID string) ([]Login, error) {
	return a.store.Logins(ctx, accountID)
}

// Logout ends one log-in by its cookie's token.
func (a *Accounts) Logout(ctx context.Context, token string) error {
	if len(token) != tokenSize {
		return nil
	}
	return a.store.DeleteLogin(ctx, tokenID(token))
}

// LogoutEverywhere ends all log-ins of an account.
func (a *Accounts) LogoutEverywhere(ctx context.Context, accountID string) error {
	return a.store.DeleteLoginsOf(ctx, accountID, "")
}

// ChangePassword needs the old password and ends all other log-ins. The old
// password is limited like a log-in: a stolen cookie is no way to guess.
func (a *Accounts) ChangePassword(ctx context.Context, acct Account, keepLoginID, old, pw string) error {
	now := a.cfg.Now()
	if err := CheckPassword(pw, acct.Name); err != nil {
		return err
	}
	key := "change " + acct.ID
	if wait := a.byAccount.take(key, now); wait > 0 {
		return &TooManyError{Wait: wait}
	}
	ok, _, err := a.verify(ctx, acct.PasswordHash, old)
	if err != nil {
		return err
	}
	if !ok {
		return ErrCredentials
	}
	a.byAccount.forget(key)
	phc, err := a.hash(ctx, pw)
	if err != nil {
		return err
	}
	acct.PasswordHash = phc
	if _, err := a.store.UpdateAccount(ctx, acct); err != nil {
		return fmt.Errorf("change password: %w", err)
	}
	return a.store.DeleteLoginsOf(ctx, acct.ID, keepLoginID)
}

func (a *Accounts) verify(ctx context.Context, phc, pw string) (ok, rehash bool, err error) {
	done, err := a.turn(ctx)
	if err != nil {
		return false, false, err
	}
	defer done()
	return VerifyPassword(phc, pw)
}

func (a *Accounts) hash(ctx context.Context, pw string) (string, error) {
	done, err := a.turn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	return HashPassword(pw)
}

// turn waits for one of the few places where a hash may be computed.
func (a *Accounts) turn(ctx context.Context) (done func(), err error) {
	select {
	case a.waiting <- struct{}{}:
	default:
		return nil, ErrBusy
	}
	select {
	case a.hashing <- struct{}{}:
		return func() { <-a.hashing; <-a.waiting }, nil
	case <-ctx.Done():
		<-a.waiting
		return nil, ctx.Err()
	}
}

// tokenSize is the length of a cookie's token: 32 random bytes.
const tokenSize = 43

func randomToken() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// tokenID is what the store knows of a token: who reads the database cannot
// log in with what stands there.
func tokenID(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// cut shortens s to at most n bytes at a character's edge.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
