package auth

import (
	"context"
	"crypto/hmac"
	"encoding/hex"
	"errors"
	"fmt"
)

const settingSetup = "setup-code"

func isExists(err error) bool { return errors.Is(err, ErrExists) }

// NewSetupCode returns a code for the set-up link while there is no account,
// and "" once there is one. Only its hash is stored, so a code made earlier
// cannot be shown again; it stops working.
func (a *Accounts) NewSetupCode(ctx context.Context) (string, error) {
	n, err := a.store.CountAccounts(ctx)
	if err != nil || n > 0 {
		return "", err
	}
	if err := a.store.DeleteSetting(ctx, settingSetup); err != nil && !errors.Is(err, ErrNotFound) {
		return "", fmt.Errorf("set-up code: %w", err)
	}
	code := randomToken()
	want := []byte(tokenID(code))
	got, err := a.store.PutSettingOnce(ctx, settingSetup, want)
	if err != nil {
		return "", fmt.Errorf("set-up code: %w", err)
	}
	if !hmac.Equal(got, want) {
		return "", fmt.Errorf("set-up code: %w", ErrConflict) // two servers start on one store
	}
	return code, nil
}

// CheckSetupCode returns ErrSetupClosed unless code would be accepted now.
func (a *Accounts) CheckSetupCode(ctx context.Context, code string) error {
	if len(code) != tokenSize {
		return ErrSetupClosed
	}
	want, err := a.store.Setting(ctx, settingSetup)
	if errors.Is(err, ErrNotFound) {
		return ErrSetupClosed
	}
	if err != nil {
		return fmt.Errorf("set-up code: %w", err)
	}
	if _, err := hex.DecodeString(string(want)); err != nil || !hmac.Equal(want, []byte(tokenID(code))) {
		return ErrSetupClosed
	}
	n, err := a.store.CountAccounts(ctx)
	if err != nil {
		return fmt.Errorf("set-up code: %w", err)
	}
	if n > 0 {
		return ErrSetupClosed
	}
	return nil
}

// Setup makes the first administrator and logs it in. The code is spent by
// deleting it, which only one of two racers can; everything that a person can
// get wrong is checked before.
func (a *Accounts) Setup(ctx context.Context, code string, n NewAccount, r LoginRequest) (LoggedIn, error) {
	if err := a.CheckSetupCode(ctx, code); err != nil {
		return LoggedIn{}, err
	}
	n.Role = AccountAdmin
	acct, err := a.check(n)
	if err != nil {
		return LoggedIn{}, err
	}
	if acct.PasswordHash, err = a.hash(ctx, n.Password); err != nil {
		return LoggedIn{}, err
	}
	if err := a.store.DeleteSetting(ctx, settingSetup); err != nil {
		if errors.Is(err, ErrNotFound) {
			return LoggedIn{}, ErrSetupClosed
		}
		return LoggedIn{}, fmt.Errorf("set-up: %w", err)
	}
	if err := a.put(ctx, acct); err != nil {
		// Nobody was made: the link must work again.
		if _, perr := a.store.PutSettingOnce(context.WithoutCancel(ctx), settingSetup, []byte(tokenID(code))); perr != nil {
			err = errors.Join(err, perr)
		}
		return LoggedIn{}, err
	}
	return a.open(ctx, acct, r, a.cfg.Now())
}
