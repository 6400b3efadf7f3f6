package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"kelas/classroom"
	"kelas/signaling"
	"kelas/signaling/auth"
)

func (c *keyAddCommand) Run(r *runner) error {
	return withStore(r, func(ctx context.Context, _ classroom.Store, who *signaling.Auth) error {
		n := auth.NewAPIKey{Name: c.Name, Scopes: c.Scope}
		if c.Expires < 0 {
			return errors.New("--expires lies in the past")
		}
		if c.Expires > 0 {
			n.Expires = time.Now().Add(c.Expires)
		}
		if c.Owner != "" {
			a, err := who.Accounts.ByName(ctx, c.Owner)
			if errors.Is(err, auth.ErrNotFound) {
				return fmt.Errorf("--owner: there is no account named %q", c.Owner)
			}
			if err != nil {
				return err
			}
			n.OwnerID = a.ID
		}
		k, secret, err := who.Keys.Create(ctx, n)
		if errors.Is(err, auth.ErrScopeInvalid) {
			var known []string
			for _, s := range auth.Scopes {
				known = append(known, s.Name)
			}
			return fmt.Errorf("--scope: %w; there are %s", err, strings.Join(known, ", "))
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(r.io.err, "Key %s (%s) may %s. It is shown this once:\n", k.ID, k.Name, strings.Join(k.Scopes, ", "))
		_, err = fmt.Fprintln(r.io.out, secret)
		return err
	})
}

func (keyListCommand) Run(r *runner) error {
	return withStore(r, func(ctx context.Context, _ classroom.Store, who *signaling.Auth) error {
		keys, err := who.Keys.List(ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(r.io.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tNAME\tSTATE\tLAST USED\tSCOPES")
		for _, k := range keys {
			used := "never"
			if !k.LastUsedAt.IsZero() {
				used = k.LastUsedAt.Format("2006-01-02 15:04")
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", k.ID, k.Name, k.State(time.Now()), used, strings.Join(k.Scopes, ","))
		}
		return w.Flush()
	})
}

func (c *keyRevokeCommand) Run(r *runner) error {
	return withStore(r, func(ctx context.Context, _ classroom.Store, who *signaling.Auth) error {
		k, err := who.Keys.Revoke(ctx, c.ID)
		if errors.Is(err, auth.ErrNotFound) {
			return fmt.Errorf("there is no API key %q", c.ID)
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(r.io.out, "%s (%s) is revoked\n", k.ID, k.Name)
		return err
	})
}

func (c *rotateCommand) Run(r *runner) error {
	return withStore(r, func(ctx context.Context, _ classroom.Store, who *signaling.Auth) error {
		kid, err := who.Signer.Rotate(ctx, c.DropFormer)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(r.io.out, "%s signs from now on; a running server follows within half a minute\n", kid)
		return err
	})
}
