package classroomtest

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"kelas/classroom"
)

var errClosed = errors.New("the store is closed")

type pair struct{ class, id string }

// MemStore is a Store in memory.
type MemStore struct {
	mu           sync.Mutex
	closed       bool
	users        map[string]classroom.User
	logins       map[string]classroom.LoginSession
	lessons      map[string]classroom.Lesson
	participants map[pair]classroom.Participant
	chat         map[string][]classroom.ChatEntry // by class, rising
	files        map[string]classroom.FileInfo
	uploads      map[string]classroom.Upload
	stays        map[string]classroom.Attendance
	settings     map[string][]byte
	webhooks     map[string]classroom.Webhook
	deliveries   map[string]classroom.Delivery
	marks        map[string]classroom.LessonMark
	apiKeys      map[string]classroom.APIKey
	idempotent   map[string]classroom.Idempotent
	tokenUses    map[string]time.Time
	signingKeys  map[string]classroom.SigningKey
}

// NewMemStore returns an empty one.
func NewMemStore() *MemStore {
	return &MemStore{
		users:        make(map[string]classroom.User),
		logins:       make(map[string]classroom.LoginSession),
		lessons:      make(map[string]classroom.Lesson),
		participants: make(map[pair]classroom.Participant),
		chat:         make(map[string][]classroom.ChatEntry),
		files:        make(map[string]classroom.FileInfo),
		uploads:      make(map[string]classroom.Upload),
		stays:        make(map[string]classroom.Attendance),
		settings:     make(map[string][]byte),
		webhooks:     make(map[string]classroom.Webhook),
		deliveries:   make(map[string]classroom.Delivery),
		marks:        make(map[string]classroom.LessonMark),
		apiKeys:      make(map[string]classroom.APIKey),
		idempotent:   make(map[string]classroom.Idempotent),
		tokenUses:    make(map[string]time.Time),
		signingKeys:  make(map[string]classroom.SigningKey),
	}
}

// enter begins an operation; the caller unlocks when it returned nil.
func (m *MemStore) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return errClosed
	}
	return nil
}

// stamp cuts a time to what both engines keep.
func stamp(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Millisecond)
}

func get[K comparable, V any](ctx context.Context, m *MemStore, of map[K]V, key K) (V, error) {
	var none V
	if err := m.enter(ctx); err != nil {
		return none, err
	}
	defer m.mu.Unlock()
	v, ok := of[key]
	if !ok {
		return none, classroom.ErrNotFound
	}
	return v, nil
}

func put[K comparable, V any](ctx context.Context, m *MemStore, of map[K]V, key K, v V) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if _, ok := of[key]; ok {
		return classroom.ErrExists
	}
	of[key] = v
	return nil
}

func list[K comparable, V any](ctx context.Context, m *MemStore, of map[K]V, keep func(V) bool, order func(a, b V) int) ([]V, error) {
	if err := m.enter(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	var all []V
	for _, v := range of {
		if keep(v) {
			all = append(all, v)
		}
	}
	slices.SortFunc(all, order)
	return all, nil
}

func fold(name string) string { return strings.ToLower(strings.ToUpper(name)) }

func (m *MemStore) nameTakenLocked(u classroom.User) bool {
	for _, o := range m.users {
		if o.ID != u.ID && fold(o.Name) == fold(u.Name) {
			return true
		}
	}
	return false
}

// PutUser is part of classroom.Store, as are all methods below.
func (m *MemStore) PutUser(ctx context.Context, u classroom.User) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if _, ok := m.users[u.ID]; ok || m.nameTakenLocked(u) {
		return classroom.ErrExists
	}
	u.CreatedAt = stamp(u.CreatedAt)
	m.users[u.ID] = u
	return nil
}

func (m *MemStore) UpdateUser(ctx context.Context, u classroom.User) (classroom.User, error) {
	if err := m.enter(ctx); err != nil {
		return classroom.User{}, err
	}
	defer m.mu.Unlock()
	old, ok := m.users[u.ID]
	switch {
	case !ok:
		return classroom.User{}, classroom.ErrNotFound
	case old.Rev != u.Rev:
		return classroom.User{}, classroom.ErrConflict
	case m.nameTakenLocked(u):
		return classroom.User{}, classroom.ErrExists
	}
	u.Rev++
	u.CreatedAt = stamp(u.CreatedAt)
	m.users[u.ID] = u
	return u, nil
}

func (m *MemStore) User(ctx context.Context, id string) (classroom.User, error) {
	return get(ctx, m, m.users, id)
}

func (m *MemStore) UserByName(ctx context.Context, name string) (classroom.User, error) {
	all, err := list(ctx, m, m.users,
		func(u classroom.User) bool { return fold(u.Name) == fold(name) },
		func(a, b classroom.User) int { return 0 })
	if err == nil && len(all) == 0 {
		err = classroom.ErrNotFound
	}
	if err != nil {
		return classroom.User{}, err
	}
	return all[0], nil
}

func (m *MemStore) Users(ctx context.Context) ([]classroom.User, error) {
	return list(ctx, m, m.users, func(classroom.User) bool { return true },
		func(a, b classroom.User) int { return cmp.Compare(fold(a.Name), fold(b.Name)) })
}

func (m *MemStore) CountUsers(ctx context.Context) (int, error) {
	all, err := m.Users(ctx)
	return len(all), err
}

func (m *MemStore) PutLoginSession(ctx context.Context, s classroom.LoginSession) error {
	s.CreatedAt, s.ExpiresAt = stamp(s.CreatedAt), stamp(s.ExpiresAt)
	return put(ctx, m, m.logins, s.ID, s)
}

func (m *MemStore) LoginSession(ctx context.Context, id string) (classroom.LoginSession, error) {
	s, err := get(ctx, m, m.logins, id)
	if err == nil && !s.ExpiresAt.After(time.Now()) {
		return classroom.LoginSession{}, classroom.ErrNotFound
	}
	return s, err
}

func (m *MemStore) LoginSessions(ctx context.Context, userID string) ([]classroom.LoginSession, error) {
	return list(ctx, m, m.logins, func(s classroom.LoginSession) bool { return s.UserID == userID },
		func(a, b classroom.LoginSession) int { return b.CreatedAt.Compare(a.CreatedAt) })
}

func (m *MemStore) DeleteLoginSession(ctx context.Context, id string) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	delete(m.logins, id)
	return nil
}

func (m *MemStore) DeleteLoginSessionsOf(ctx context.Context, userID, exceptID string) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	for id, s := range m.logins {
		if s.UserID == userID && id != exceptID {
			delete(m.logins, id)
		}
	}
	return nil
}

func (m *MemStore) Setting(ctx context.Context, key string) ([]byte, error) {
	v, err := get(ctx, m, m.settings, key)
	return slices.Clone(v), err
}

func (m *MemStore) PutSettingOnce(ctx context.Context, key string, value []byte) ([]byte, error) {
	if err := m.enter(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	if _, ok := m.settings[key]; !ok {
		m.settings[key] = slices.Clone(value)
	}
	return slices.Clone(m.settings[key]), nil
}

func (m *MemStore) DeleteSetting(ctx context.Context, key string) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if _, ok := m.settings[key]; !ok {
		return classroom.ErrNotFound
	}
	delete(m.settings, key)
	return nil
}

func (m *MemStore) Sweep(ctx context.Context, now time.Time) (int, error) {
	if err := m.enter(ctx); err != nil {
		return 0, err
	}
	defer m.mu.Unlock()
	n := 0
	for id, s := range m.logins {
		if !s.ExpiresAt.After(now) {
			delete(m.logins, id)
			n++
		}
	}
	for key, r := range m.idempotent {
		if !r.ExpiresAt.After(now) {
			delete(m.idempotent, key)
			n++
		}
	}
	for id, expires := range m.tokenUses {
		if !expires.After(now) {
			delete(m.tokenUses, id)
			n++
		}
	}
	return n, nil
}

func (m *MemStore) Ping(ctx context.Context) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	m.mu.Unlock()
	return nil
}

func (m *MemStore) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}
