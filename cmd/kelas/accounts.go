package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"kelas/classroom"
	"kelas/classroom/store"
	"kelas/signaling"
	"kelas/signaling/auth"
)

// The commands below work on the store itself, beside a running server: the
// embedded database takes several processes, and the signing key lies in it.

// withStore opens the store that the flags name for the length of do.
func withStore(r *runner, do func(context.Context, classroom.Store, *signaling.Auth) error) error {
	log := slog.New(slog.NewTextHandler(r.io.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	db, err := store.Open(r.ctx, store.Config{DataDir: r.cli.DataDir, MongoURI: r.cli.MongoDBURI}, log)
	if err != nil {
		return fmt.Errorf("opening the database: %w", err)
	}
	who, err := signaling.NewAuth(r.ctx, auth.Config{Signer: auth.SignerConfig{MaxAge: -1}}, db) // the server rotates
	if err == nil {
		err = do(r.ctx, db, who)
	}
	return errors.Join(err, db.Close())
}

func (c *userAddCommand) Run(r *runner) error {
	password, err := readPassword(r.io, c.PasswordStdin)
	if err != nil {
		return err
	}
	return withStore(r, func(ctx context.Context, _ classroom.Store, who *signaling.Auth) error {
		a, err := who.Accounts.Create(ctx, auth.NewAccount{Name: c.Name, DisplayName: c.DisplayName, Role: c.Role, Password: password})
		if errors.Is(err, auth.ErrExists) {
			return fmt.Errorf("there is an account named %q already", c.Name)
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(r.io.out, "%s may log in as %s\n", a.Name, a.Role)
		return err
	})
}

func (c *classAddCommand) Run(r *runner) error {
	return withStore(r, func(ctx context.Context, db classroom.Store, who *signaling.Auth) error {
		owner := ""
		if c.Owner != "" {
			a, err := who.Accounts.ByName(ctx, c.Owner)
			if errors.Is(err, auth.ErrNotFound) {
				return fmt.Errorf("--owner: there is no account named %q", c.Owner)
			}
			if err != nil {
				return err
			}
			if a.Role == auth.AccountStudent {
				return fmt.Errorf("--owner: %q is a student's account", c.Owner)
			}
			owner = a.ID
		}
		lesson, err := classroom.NewLesson(c.Title, owner, time.Now())
		if err != nil {
			return fmt.Errorf("--title: %w", err)
		}
		if err := db.PutLesson(ctx, lesson); err != nil {
			return fmt.Errorf("storing the class: %w", err)
		}
		_, err = fmt.Fprintln(r.io.out, lesson.ID)
		return err
	})
}

func (c *tokenCommand) Run(r *runner) error {
	if c.TTL < time.Second || c.TTL > 366*24*time.Hour {
		return errors.New("--ttl must be between 1s and 8784h")
	}
	if r.cli.MongoDBURI == "" {
		// Opening would make an empty database in a mistyped folder.
		if _, err := os.Stat(filepath.Join(r.cli.DataDir, store.DatabaseFile)); err != nil {
			return fmt.Errorf("--data-dir: there is no database in %q: %w", r.cli.DataDir, err)
		}
	}
	return withStore(r, func(ctx context.Context, db classroom.Store, who *signaling.Auth) error {
		lesson, err := db.Lesson(ctx, c.Class)
		if errors.Is(err, classroom.ErrNotFound) {
			return fmt.Errorf("--class: there is no class %q", c.Class)
		} else if err != nil {
			return err
		}
		token, err := c.sign(who.Signer, lesson)
		if err != nil {
			return err
		}
		if c.Link {
			token = strings.TrimRight(c.URL, "/") + "/c/" + c.Class + "?token=" + token
		}
		_, err = fmt.Fprintln(r.io.out, token)
		return err
	})
}

func (c *tokenCommand) sign(s *auth.Signer, lesson classroom.Lesson) (string, error) {
	expires := time.Now().Add(c.TTL)
	if !c.Encoder {
		return s.Join(auth.JoinClaims{ClassID: c.Class, Role: c.Role, Name: c.Name, ExternalID: c.ExternalID, Once: c.Once, Expires: expires})
	}
	switch {
	case c.Role != auth.RolePresenter || c.Name != "" || c.ExternalID != "" || c.Once || c.Link:
		return "", errors.New("--encoder goes with --role presenter alone: the encoder is the owner of the class")
	case lesson.OwnerID == "":
		return "", errors.New("--encoder: the class has no owner; give the encoder the presenter's join token")
	}
	return s.Encoder(c.Class, lesson.OwnerID, expires)
}
