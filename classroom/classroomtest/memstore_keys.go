package classroomtest

import (
	"cmp"
	"context"
	"slices"
	"time"

	"kelas/classroom"
)

func stampAPIKey(k classroom.APIKey) classroom.APIKey {
	k.CreatedAt, k.LastUsedAt = stamp(k.CreatedAt), stamp(k.LastUsedAt)
	k.ExpiresAt, k.RevokedAt = stamp(k.ExpiresAt), stamp(k.RevokedAt)
	k.Scopes = slices.Clone(k.Scopes)
	return k
}

// replace is compare-and-set in one of the maps.
func replace[K comparable, V any](ctx context.Context, m *MemStore, of map[K]V, key K, v V, rev func(*V) *int64) (V, error) {
	var none V
	if err := m.enter(ctx); err != nil {
		return none, err
	}
	defer m.mu.Unlock()
	old, ok := of[key]
	switch {
	case !ok:
		return none, classroom.ErrNotFound
	case *rev(&old) != *rev(&v):
		return none, classroom.ErrConflict
	}
	*rev(&v)++
	of[key] = v
	return v, nil
}

func (m *MemStore) PutAPIKey(ctx context.Context, k classroom.APIKey) error {
	return put(ctx, m, m.apiKeys, k.ID, stampAPIKey(k))
}

func (m *MemStore) UpdateAPIKey(ctx context.Context, k classroom.APIKey) (classroom.APIKey, error) {
	return replace(ctx, m, m.apiKeys, k.ID, stampAPIKey(k), func(k *classroom.APIKey) *int64 { return &k.Rev })
}

func (m *MemStore) APIKey(ctx context.Context, id string) (classroom.APIKey, error) {
	return get(ctx, m, m.apiKeys, id)
}

func (m *MemStore) APIKeys(ctx context.Context) ([]classroom.APIKey, error) {
	return list(ctx, m, m.apiKeys, func(classroom.APIKey) bool { return true }, func(a, b classroom.APIKey) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
	})
}

func (m *MemStore) TouchAPIKey(ctx context.Context, id string, at time.Time) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if k, ok := m.apiKeys[id]; ok && k.LastUsedAt.Before(stamp(at)) {
		k.LastUsedAt = stamp(at)
		m.apiKeys[id] = k
	}
	return nil
}

func stampIdempotent(r classroom.Idempotent) classroom.Idempotent {
	r.CreatedAt, r.ExpiresAt = stamp(r.CreatedAt), stamp(r.ExpiresAt)
	r.Body = append([]byte{}, r.Body...)
	return r
}

func (m *MemStore) PutIdempotent(ctx context.Context, r classroom.Idempotent) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	r = stampIdempotent(r)
	if old, ok := m.idempotent[r.Key]; ok && old.ExpiresAt.After(r.CreatedAt) {
		return classroom.ErrExists
	}
	m.idempotent[r.Key] = r
	return nil
}

func (m *MemStore) UpdateIdempotent(ctx context.Context, r classroom.Idempotent) (classroom.Idempotent, error) {
	return replace(ctx, m, m.idempotent, r.Key, stampIdempotent(r), func(r *classroom.Idempotent) *int64 { return &r.Rev })
}

func (m *MemStore) Idempotent(ctx context.Context, key string) (classroom.Idempotent, error) {
	return get(ctx, m, m.idempotent, key)
}

func (m *MemStore) DeleteIdempotent(ctx context.Context, key string) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	delete(m.idempotent, key)
	return nil
}

func (m *MemStore) UseToken(ctx context.Context, id string, expires time.Time) error {
	return put(ctx, m, m.tokenUses, id, stamp(expires))
}

func (m *MemStore) PutSigningKey(ctx context.Context, k classroom.SigningKey) error {
	k.CreatedAt, k.Seed = stamp(k.CreatedAt), append([]byte{}, k.Seed...)
	return put(ctx, m, m.signingKeys, k.ID, k)
}

func (m *MemStore) SigningKeys(ctx context.Context) ([]classroom.SigningKey, error) {
	return list(ctx, m, m.signingKeys, func(classroom.SigningKey) bool { return true }, func(a, b classroom.SigningKey) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
}

func (m *MemStore) DeleteSigningKey(ctx context.Context, id string) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	delete(m.signingKeys, id)
	return nil
}

func (m *MemStore) LessonsPage(ctx context.Context, q classroom.LessonQuery) ([]classroom.Lesson, error) {
	all, err := list(ctx, m, m.lessons, func(l classroom.Lesson) bool {
		return (q.OwnerID == "" || l.OwnerID == q.OwnerID) && (q.BeforeAt.IsZero() ||
			cmp.Or(l.CreatedAt.Compare(stamp(q.BeforeAt)), cmp.Compare(l.ID, q.BeforeID)) < 0)
	}, newestFirst)
	return all[:min(len(all), q.Limit)], err
}

func (m *MemStore) DeleteLesson(ctx context.Context, id string) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if _, ok := m.lessons[id]; !ok {
		return classroom.ErrNotFound
	}
	delete(m.lessons, id)
	delete(m.chat, id)
	for at := range m.participants {
		if at.class == id {
			delete(m.participants, at)
		}
	}
	for key, a := range m.stays {
		if a.ClassID == id {
			delete(m.stays, key)
		}
	}
	return nil
}

func (m *MemStore) DeleteUser(ctx context.Context, id string) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if _, ok := m.users[id]; !ok {
		return classroom.ErrNotFound
	}
	delete(m.users, id)
	for key, l := range m.logins {
		if l.UserID == id {
			delete(m.logins, key)
		}
	}
	return nil
}
