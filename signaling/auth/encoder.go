package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// audienceEncoder: a token for the door of encoders and players alone.
const audienceEncoder = "encoder"

// Encoder signs a token with which an encoder is the account that it names,
// without being logged in: the encoder is the same participant as the
// account's own page then. No other door takes it.
func (s *Signer) Encoder(classID, accountID string, expires time.Time) (string, error) {
	if !ValidClassID(classID) || accountID == "" || expires.IsZero() {
		return "", errors.New("encoder token: it needs a class, an account and an expiry")
	}
	return s.sign(claims{Issuer: issuer, Audience: audienceEncoder, ID: randomID(), Expires: seconds(expires.Unix()),
		Class: classID, Role: RolePresenter, UserID: accountID})
}

// IdentifyEncoder is Identify for the door of encoders and players: it also
// takes an Encoder token, while its account is there and not disabled.
func (g *Gate) IdentifyEncoder(r *http.Request, classID, token, name string) (Identity, error) {
	c, err := g.signer.verify(token, audienceEncoder, g.now())
	switch {
	case errors.Is(err, ErrTokenForged):
		return g.Identify(r, classID, token, name)
	case err != nil:
		return Identity{}, err
	case c.Class != classID:
		return Identity{}, ErrTokenOtherClass
	}
	acct, err := g.accounts.ByID(r.Context(), c.UserID)
	if errors.Is(err, ErrNotFound) || err == nil && acct.Disabled {
		return Identity{}, ErrNoIdentity
	}
	if err != nil {
		return Identity{}, err
	}
	return g.asAccount(r.Context(), acct, classID)
}

// asAccount is who an account is in a class.
func (g *Gate) asAccount(ctx context.Context, acct Account, classID string) (Identity, error) {
	owner, err := g.owner(ctx, classID)
	if err != nil {
		return Identity{}, fmt.Errorf("owner of the class: %w", err)
	}
	id := Identity{Key: "user:" + acct.ID, UserID: acct.ID, Name: acct.DisplayName, Role: RoleViewer}
	switch {
	case owner == acct.ID:
		id.Role = RolePresenter
	case acct.Role == AccountAdmin:
		id.Role = RoleModerator
	}
	return id, nil
}
