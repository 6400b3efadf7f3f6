package signaling

import (
	"context"
	"errors"
	"fmt"

	"kelas/classroom"
	"kelas/signaling/auth"
)

// Auth is everything that says who somebody is, on one store.
type Auth struct {
	Accounts *auth.Accounts
	Signer   *auth.Signer
	Gate     *auth.Gate
	Keys     *auth.APIKeys
}

// NewAuth reads the signing keys of the store (the first is made on first use) and composes
// the rest. The command line uses it beside a running server.
func NewAuth(ctx context.Context, cfg auth.Config, store classroom.Store) (*Auth, error) {
	s := accountStore{store}
	if cfg.Signer.Now == nil {
		cfg.Signer.Now = cfg.Now
	}
	signer, err := auth.OpenSigner(ctx, cfg.Signer, s)
	if err != nil {
		return nil, err
	}
	accounts, err := auth.NewAccounts(cfg, s, signer)
	if err != nil {
		return nil, err
	}
	owner := func(ctx context.Context, classID string) (string, error) {
		l, err := store.Lesson(ctx, classID)
		if errors.Is(err, classroom.ErrNotFound) {
			return "", classroom.ErrClassNotFound
		}
		return l.OwnerID, err
	}
	return &Auth{Accounts: accounts, Signer: signer, Gate: auth.NewGate(accounts, signer, owner),
		Keys: auth.NewAPIKeys(s, cfg.Now)}, nil
}

// accountStore is classroom.Store in auth's words.
type accountStore struct{ s classroom.Store }

var _ auth.Store = accountStore{}

// translate wraps a store's error with auth's; both can be asked for.
func translate(err error) error {
	switch {
	case errors.Is(err, classroom.ErrNotFound):
		return fmt.Errorf("%w: %w", auth.ErrNotFound, err)
	case errors.Is(err, classroom.ErrExists):
		return fmt.Errorf("%w: %w", auth.ErrExists, err)
	case errors.Is(err, classroom.ErrConflict):
		return fmt.Errorf("%w: %w", auth.ErrConflict, err)
	}
	return err
}

func toAccount(u classroom.User) auth.Account {
	return auth.Account{ID: u.ID, Name: u.Name, DisplayName: u.DisplayName, Role: string(u.Role),
		PasswordHash: u.PasswordHash, Language: u.Language, Disabled: u.Disabled, CreatedAt: u.CreatedAt, Rev: u.Rev}
}

func fromAccount(a auth.Account) classroom.User {
	return classroom.User{ID: a.ID, Name: a.Name, DisplayName: a.DisplayName, Role: classroom.AccountRole(a.Role),
		PasswordHash: a.PasswordHash, Language: a.Language, Disabled: a.Disabled, CreatedAt: a.CreatedAt, Rev: a.Rev}
}

func toLogin(l classroom.LoginSession) auth.Login {
	return auth.Login{ID: l.ID, AccountID: l.UserID, CreatedAt: l.CreatedAt, ExpiresAt: l.ExpiresAt,
		UserAgent: l.UserAgent, Addr: l.Addr}
}

func (a accountStore) PutAccount(ctx context.Context, acct auth.Account) error {
	return translate(a.s.PutUser(ctx, fromAccount(acct)))
}

func (a accountStore) UpdateAccount(ctx context.Context, acct auth.Account) (auth.Account, error) {
	u, err := a.s.UpdateUser(ctx, fromAccount(acct))
	return toAccount(u), translate(err)
}

func (a accountStore) Account(ctx context.Context, id string) (auth.Account, error) {
	u, err := a.s.User(ctx, id)
	return toAccount(u), translate(err)
}

func (a accountStore) AccountByName(ctx context.Context, name string) (auth.Account, error) {
	u, err := a.s.UserByName(ctx, name)
	return toAccount(u), translate(err)
}

func (a accountStore) Accounts(ctx context.Context) ([]auth.Account, error) {
	users, err := a.s.Users(ctx)
	if err != nil {
		return nil, translate(err)
	}
	accounts := make([]auth.Account, len(users))
	for i, u := range users {
		accounts[i] = toAccount(u)
	}
	return accounts, nil
}

func (a accountStore) CountAccounts(ctx context.Context) (int, error) {
	n, err := a.s.CountUsers(ctx)
	return n, translate(err)
}

func (a accountStore) PutLogin(ctx context.Context, l auth.Login) error {
	return translate(a.s.PutLoginSession(ctx, classroom.LoginSession{ID: l.ID, UserID: l.AccountID,
		CreatedAt: l.CreatedAt, ExpiresAt: l.ExpiresAt, UserAgent: l.UserAgent, Addr: l.Addr}))
}

func (a accountStore) Login(ctx context.Context, id string) (auth.Login, error) {
	l, err := a.s.LoginSession(ctx, id)
	return toLogin(l), translate(err)
}

func (a accountStore) Logins(ctx context.Context, accountID string) ([]auth.Login, error) {
	sessions, err := a.s.LoginSessions(ctx, accountID)
	if err != nil {
		return nil, translate(err)
	}
	logins := make([]auth.Login, len(sessions))
	for i, s := range sessions {
		logins[i] = toLogin(s)
	}
	return logins, nil
}

func (a accountStore) DeleteLogin(ctx context.Context, id string) error {
	return translate(a.s.DeleteLoginSession(ctx, id))
}

func (a accountStore) DeleteLoginsOf(ctx context.Context, accountID, exceptID string) error {
	return translate(a.s.DeleteLoginSessionsOf(ctx, accountID, exceptID))
}

func (a accountStore) Setting(ctx context.Context, key string) ([]byte, error) {
	v, err := a.s.Setting(ctx, key)
	return v, translate(err)
}

func (a accountStore) PutSettingOnce(ctx context.Context, key string, value []byte) ([]byte, error) {
	v, err := a.s.PutSettingOnce(ctx, key, value)
	return v, translate(err)
}

func (a accountStore) DeleteSetting(ctx context.Context, key string) error {
	return translate(a.s.DeleteSetting(ctx, key))
}
