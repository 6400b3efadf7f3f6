package auth

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// NewAccount describes an account to be made. DisplayName defaults to Name.
type NewAccount struct {
	Name, DisplayName, Role, Password, Language string
}

// Create makes an account.
func (a *Accounts) Create(ctx context.Context, n NewAccount) (Account, error) {
	acct, err := a.check(n)
	if err != nil {
		return Account{}, err
	}
	// Before the costly part; PutAccount decides.
	if _, err := a.store.AccountByName(ctx, acct.Name); err == nil {
		return Account{}, ErrNameTaken
	}
	if acct.PasswordHash, err = a.hash(ctx, n.Password); err != nil {
		return Account{}, err
	}
	return acct, a.put(ctx, acct)
}

func (a *Accounts) put(ctx context.Context, acct Account) error {
	err := a.store.PutAccount(ctx, acct)
	if isExists(err) {
		return ErrNameTaken
	}
	if err != nil {
		return fmt.Errorf("create account: %w", err)
	}
	return nil
}

// check returns the account without its password hash.
func (a *Accounts) check(n NewAccount) (Account, error) {
	name, err := CleanName(n.Name)
	if err != nil {
		return Account{}, err
	}
	display := name
	if strings.TrimSpace(n.DisplayName) != "" {
		if display, err = CleanName(n.DisplayName); err != nil {
			return Account{}, err
		}
	}
	if !validAccountRole(n.Role) {
		return Account{}, ErrRoleInvalid
	}
	if n.Language != "" && !slices.Contains(a.cfg.Languages, n.Language) {
		return Account{}, ErrLanguageInvalid
	}
	if err := CheckPassword(n.Password, name); err != nil {
		return Account{}, err
	}
	return Account{ID: randomID(), Name: name, DisplayName: display, Role: n.Role,
		Language: n.Language, CreatedAt: a.cfg.Now()}, nil
}

// List returns all accounts by name.
func (a *Accounts) List(ctx context.Context) ([]Account, error) { return a.store.Accounts(ctx) }

// ByName returns one account.
func (a *Accounts) ByName(ctx context.Context, name string) (Account, error) {
	return a.store.AccountByName(ctx, name)
}

// ByID returns one account.
func (a *Accounts) ByID(ctx context.Context, id string) (Account, error) {
	return a.store.Account(ctx, id)
}

// ResetPassword gives an account a new password, ends its log-ins and
// returns the password, which is shown once.
func (a *Accounts) ResetPassword(ctx context.Context, id string) (Account, string, error) {
	acct, err := a.store.Account(ctx, id)
	if err != nil {
		return Account{}, "", err
	}
	pw := GeneratePassword()
	if acct.PasswordHash, err = a.hash(ctx, pw); err != nil {
		return Account{}, "", err
	}
	if acct, err = a.store.UpdateAccount(ctx, acct); err != nil {
		return Account{}, "", fmt.Errorf("reset password: %w", err)
	}
	a.byAccount.forget(strings.ToLower(acct.Name))
	return acct, pw, a.store.DeleteLoginsOf(ctx, id, "")
}

// SetDisabled closes or opens an account; closing ends its log-ins. by is
// the administrator, who cannot close the own account: one always remains.
func (a *Accounts) SetDisabled(ctx context.Context, by Account, id string, disabled bool) (Account, error) {
	if by.ID == id {
		return Account{}, ErrSelf
	}
	acct, err := a.store.Account(ctx, id)
	if err != nil {
		return Account{}, err
	}
	acct.Disabled = disabled
	if acct, err = a.store.UpdateAccount(ctx, acct); err != nil {
		return Account{}, fmt.Errorf("disable account: %w", err)
	}
	if !disabled {
		return acct, nil
	}
	return acct, a.store.DeleteLoginsOf(ctx, id, "")
}

// AccountChange says what to change of an account; nil leaves it as it is.
type AccountChange struct {
	DisplayName, Role, Language, Password *string
	Disabled                              *bool
}

// Change changes an account that is still as the caller read it; ErrConflict
// when it is not. A new password and closing end its log-ins.
func (a *Accounts) Change(ctx context.Context, acct Account, c AccountChange) (Account, error) {
	was, closes := acct, c.Password != nil
	if c.DisplayName != nil {
		var err error
		if acct.DisplayName, err = CleanName(*c.DisplayName); err != nil {
			return Account{}, err
		}
	}
	if c.Role != nil {
		if acct.Role = *c.Role; !validAccountRole(acct.Role) {
			return Account{}, ErrRoleInvalid
		}
	}
	if c.Language != nil {
		if acct.Language = *c.Language; !slices.Contains(a.cfg.Languages, acct.Language) {
			return Account{}, ErrLanguageInvalid
		}
	}
	if c.Disabled != nil {
		acct.Disabled = *c.Disabled
		closes = closes || acct.Disabled
	}
	if acct.Role != AccountAdmin || acct.Disabled {
		if err := a.spare(ctx, was); err != nil {
			return Account{}, err
		}
	}
	if c.Password != nil {
		if err := CheckPassword(*c.Password, acct.Name); err != nil {
			return Account{}, err
		}
		var err error
		if acct.PasswordHash, err = a.hash(ctx, *c.Password); err != nil {
			return Account{}, err
		}
	}
	acct, err := a.store.UpdateAccount(ctx, acct)
	if err != nil {
		return Account{}, fmt.Errorf("change account: %w", err)
	}
	if c.Password != nil {
		a.byAccount.forget(strings.ToLower(acct.Name))
	}
	if closes {
		return acct, a.store.DeleteLoginsOf(ctx, acct.ID, "")
	}
	return acct, nil
}

// Delete removes an account with its log-ins; keys that it made end with it.
func (a *Accounts) Delete(ctx context.Context, acct Account) error {
	if err := a.spare(ctx, acct); err != nil {
		return err
	}
	return a.store.DeleteAccount(ctx, acct.ID)
}

// spare refuses to take the last administrator who can log in.
func (a *Accounts) spare(ctx context.Context, acct Account) error {
	if acct.Role != AccountAdmin || acct.Disabled {
		return nil
	}
	all, err := a.store.Accounts(ctx)
	if err != nil {
		return err
	}
	for _, o := range all {
		if o.ID != acct.ID && o.Role == AccountAdmin && !o.Disabled {
			return nil
		}
	}
	return ErrLastAdmin
}

// SetLanguage keeps an account's choice.
func (a *Accounts) SetLanguage(ctx context.Context, acct Account, language string) error {
	if !slices.Contains(a.cfg.Languages, language) {
		return ErrLanguageInvalid
	}
	acct.Language = language
	_, err := a.store.UpdateAccount(ctx, acct)
	return err
}

// GeneratePassword returns a password that can be read out in a classroom:
// six syllables and a number, about 50 bits.
func GeneratePassword() string {
	const consonants, vowels = "bdfghjkmnprstvz", "aeiou"
	pick := func(from string) byte { return from[randomInt(len(from))] }
	var b strings.Builder
	for word := range 3 {
		if word > 0 {
			b.WriteByte('-')
		}
		for range 2 {
			b.WriteByte(pick(consonants))
			b.WriteByte(pick(vowels))
		}
	}
	fmt.Fprintf(&b, "-%04d", randomInt(10000))
	return b.String()
}

func randomInt(n int) int {
	v, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		panic(err) // crypto/rand does not fail since Go 1.24
	}
	return int(v.Int64())
}
