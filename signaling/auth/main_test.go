package auth

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a time that only the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// memory is a Store for tests, with the semantics that Store asks for.
type memory struct {
	mu       sync.Mutex
	accounts map[string]Account
	logins   map[string]Login
	settings map[string]string
	keys     []StoredKey
	looks    int // how often they were read
	apiKeys  map[string]APIKey
	used     map[string]bool
}

func newMemory() *memory {
	return &memory{accounts: map[string]Account{}, logins: map[string]Login{}, settings: map[string]string{},
		apiKeys: map[string]APIKey{}, used: map[string]bool{}}
}

func (m *memory) PutAccount(_ context.Context, a Account) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range m.accounts {
		if strings.EqualFold(a.Name, b.Name) {
			return ErrExists
		}
	}
	m.accounts[a.ID] = a
	return nil
}

func (m *memory) UpdateAccount(_ context.Context, a Account) (Account, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.accounts[a.ID].Rev != a.Rev {
		return a, ErrConflict
	}
	a.Rev++
	m.accounts[a.ID] = a
	return a, nil
}

func (m *memory) Account(_ context.Context, id string) (Account, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a, ok := m.accounts[id]; ok {
		return a, nil
	}
	return Account{}, ErrNotFound
}

func (m *memory) AccountByName(_ context.Context, name string) (Account, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range m.accounts {
		if strings.EqualFold(a.Name, name) {
			return a, nil
		}
	}
	return Account{}, ErrNotFound
}

func (m *memory) Accounts(context.Context) ([]Account, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Account
	for _, a := range m.accounts {
		out = append(out, a)
	}
	return out, nil
}

func (m *memory) CountAccounts(context.Context) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.accounts), nil
}

func (m *memory) PutLogin(_ context.Context, l Login) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.logins[l.ID] = l
	return nil
}

func (m *memory) Login(_ context.Context, id string) (Login, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l, ok := m.logins[id]; ok {
		return l, nil
	}
	return Login{}, ErrNotFound
}

func (m *memory) Logins(_ context.Context, accountID string) ([]Login, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Login
	for _, l := range m.logins {
		if l.AccountID == accountID {
			out = append(out, l)
		}
	}
	return out, nil
}

func (m *memory) DeleteLogin(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.logins, id)
	return nil
}

func (m *memory) DeleteLoginsOf(_ context.Context, accountID, exceptID string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, l := range m.logins {
		if l.AccountID == accountID && id != exceptID {
			delete(m.logins, id)
		}
	}
	return nil
}

func (m *memory) Setting(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if v, ok := m.settings[key]; ok {
		return []byte(v), nil
	}
	return nil, ErrNotFound
}

func (m *memory) PutSettingOnce(_ context.Context, key string, value []byte) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.settings[key]; !ok {
		m.settings[key] = string(value)
	}
	return []byte(m.settings[key]), nil
}

func (m *memory) DeleteSetting(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.settings[key]; !ok {
		return ErrNotFound
	}
	delete(m.settings, key)
	return nil
}

func (m *memory) DeleteAccount(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.accounts[id]; !ok {
		return ErrNotFound
	}
	delete(m.accounts, id)
	maps.DeleteFunc(m.logins, func(_ string, l Login) bool { return l.AccountID == id })
	return nil
}

func (m *memory) PutSigningKey(_ context.Context, k StoredKey) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, o := range m.keys {
		if o.ID == k.ID {
			return ErrExists
		}
	}
	m.keys = append(m.keys, k)
	slices.SortFunc(m.keys, func(a, b StoredKey) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return nil
}

func (m *memory) SigningKeys(context.Context) ([]StoredKey, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.looks++
	return slices.Clone(m.keys), nil
}

func (m *memory) DeleteSigningKey(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keys = slices.DeleteFunc(m.keys, func(k StoredKey) bool { return k.ID == id })
	return nil
}

func (m *memory) PutAPIKey(_ context.Context, k APIKey) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.apiKeys[k.ID] = k
	return nil
}

func (m *memory) UpdateAPIKey(_ context.Context, k APIKey) (APIKey, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.apiKeys[k.ID].Rev != k.Rev {
		return APIKey{}, ErrConflict
	}
	k.Rev++
	m.apiKeys[k.ID] = k
	return k, nil
}

func (m *memory) APIKey(_ context.Context, id string) (APIKey, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if k, ok := m.apiKeys[id]; ok {
		return k, nil
	}
	return APIKey{}, ErrNotFound
}

func (m *memory) APIKeys(context.Context) ([]APIKey, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.apiKeys)), nil
}

func (m *memory) TouchAPIKey(_ context.Context, id string, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.apiKeys[id]
	k.LastUsedAt = at
	m.apiKeys[id] = k
	return nil
}

func (m *memory) UseToken(_ context.Context, id string, _ time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.used[id] {
		return ErrExists
	}
	m.used[id] = true
	return nil
}

// house is accounts, signer and gate on one memory store.
type house struct {
	*Accounts
	store  *memory
	clock  *clock
	signer *Signer
	gate   *Gate
}

func newHouse(t testing.TB, cfg Config) *house {
	t.Helper()
	h := &house{store: newMemory(), clock: newClock()}
	key, err := SigningKey(t.Context(), h.store)
	if err != nil {
		t.Fatal(err)
	}
	if h.signer, err = NewSigner(key); err != nil {
		t.Fatal(err)
	}
	cfg.Now = h.clock.Now
	if h.Accounts, err = NewAccounts(cfg, h.store, h.signer); err != nil {
		t.Fatal(err)
	}
	h.gate = NewGate(h.Accounts, h.signer, func(_ context.Context, classID string) (string, error) {
		if classID == "bio" {
			if a, err := h.store.AccountByName(t.Context(), "sari"); err == nil {
				return a.ID, nil
			}
		}
		return "", nil
	})
	return h
}

const goodPassword = "hujan di bulan juni"

func (h *house) add(t testing.TB, name, role string) Account {
	t.Helper()
	a, err := h.Create(t.Context(), NewAccount{Name: name, DisplayName: strings.ToUpper(name), Role: role, Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (h *house) enter(t testing.TB, name string) LoggedIn {
	t.Helper()
	in, err := h.Accounts.Login(t.Context(), LoginRequest{Name: name, Password: goodPassword, Addr: "192.0.2.1"})
	if err != nil {
		t.Fatal(err)
	}
	return in
}
