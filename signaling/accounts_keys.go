package signaling

import (
	"context"
	"time"

	"kelas/classroom"
	"kelas/signaling/auth"
)

// The rest of accountStore: keys of programs and of the server itself.

func (a accountStore) DeleteAccount(ctx context.Context, id string) error {
	return translate(a.s.DeleteUser(ctx, id))
}

func (a accountStore) PutAPIKey(ctx context.Context, k auth.APIKey) error {
	return translate(a.s.PutAPIKey(ctx, classroom.APIKey(k)))
}

func (a accountStore) UpdateAPIKey(ctx context.Context, k auth.APIKey) (auth.APIKey, error) {
	updated, err := a.s.UpdateAPIKey(ctx, classroom.APIKey(k))
	return auth.APIKey(updated), translate(err)
}

func (a accountStore) APIKey(ctx context.Context, id string) (auth.APIKey, error) {
	k, err := a.s.APIKey(ctx, id)
	return auth.APIKey(k), translate(err)
}

func (a accountStore) APIKeys(ctx context.Context) ([]auth.APIKey, error) {
	stored, err := a.s.APIKeys(ctx)
	if err != nil {
		return nil, translate(err)
	}
	keys := make([]auth.APIKey, len(stored))
	for i, k := range stored {
		keys[i] = auth.APIKey(k)
	}
	return keys, nil
}

func (a accountStore) TouchAPIKey(ctx context.Context, id string, at time.Time) error {
	return translate(a.s.TouchAPIKey(ctx, id, at))
}

func (a accountStore) UseToken(ctx context.Context, id string, expires time.Time) error {
	return translate(a.s.UseToken(ctx, id, expires))
}

func (a accountStore) PutSigningKey(ctx context.Context, k auth.StoredKey) error {
	return translate(a.s.PutSigningKey(ctx, classroom.SigningKey(k)))
}

func (a accountStore) SigningKeys(ctx context.Context) ([]auth.StoredKey, error) {
	stored, err := a.s.SigningKeys(ctx)
	if err != nil {
		return nil, translate(err)
	}
	keys := make([]auth.StoredKey, len(stored))
	for i, k := range stored {
		keys[i] = auth.StoredKey(k)
	}
	return keys, nil
}

func (a accountStore) DeleteSigningKey(ctx context.Context, id string) error {
	return translate(a.s.DeleteSigningKey(ctx, id))
}
