package store

import (
	"context"
	"time"

	"kelas/classroom"
)

const (
	userColumns = `id, name, display_name, role, password_hash, language, disabled, created_at, rev`

	sqlPutUser = `INSERT INTO users (` + userColumns + `, name_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	sqlSetUser = `UPDATE users SET name = ?, name_key = ?, display_name = ?, role = ?, password_hash = ?,
		language = ?, disabled = ?, created_at = ?, rev = rev + 1 WHERE id = ? AND rev = ?`
	sqlHasUser    = `SELECT 1 FROM users WHERE id = ?`
	sqlUser       = `SELECT ` + userColumns + ` FROM users WHERE id = ?`
	sqlUserByName = `SELECT ` + userColumns + ` FROM users WHERE name_key = ?`
	sqlUsers      = `SELECT ` + userColumns + ` FROM users ORDER BY name_key`
	sqlCountUsers = `SELECT count(*) FROM users`

	loginColumns = `id, user_id, created_at, expires_at, user_agent, addr`

	sqlPutLogin      = `INSERT INTO login_sessions (` + loginColumns + `) VALUES (?, ?, ?, ?, ?, ?)`
	sqlLogin         = `SELECT ` + loginColumns + ` FROM login_sessions WHERE id = ? AND expires_at > ?`
	sqlLogins        = `SELECT ` + loginColumns + ` FROM login_sessions WHERE user_id = ? AND expires_at > ? ORDER BY created_at DESC, id DESC`
	sqlDeleteLogin   = `DELETE FROM login_sessions WHERE id = ?`
	sqlDeleteLogins  = `DELETE FROM login_sessions WHERE user_id = ? AND id <> ?`
	sqlExpiredLogins = `DELETE FROM login_sessions WHERE expires_at <= ?`

	sqlSetting        = `SELECT value FROM settings WHERE key = ?`
	sqlPutSettingOnce = `INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING`
	sqlDeleteSetting  = `DELETE FROM settings WHERE key = ?`
)

func scanUser(row scanner) (u classroom.User, err error) {
	var created int64
	err = row.Scan(&u.ID, &u.Name, &u.DisplayName, &u.Role, &u.PasswordHash, &u.Language, &u.Disabled, &created, &u.Rev)
	u.CreatedAt = fromMillis(created)
	return u, err
}

func (s *sqliteStore) PutUser(ctx context.Context, u classroom.User) error {
	_, err := s.exec(ctx, "put user", sqlPutUser, u.ID, u.Name, u.DisplayName, u.Role, u.PasswordHash,
		u.Language, u.Disabled, millis(u.CreatedAt), u.Rev, nameKey(u.Name))
	return err
}

func (s *sqliteStore) UpdateUser(ctx context.Context, u classroom.User) (classroom.User, error) {
	n, err := s.exec(ctx, "update user", sqlSetUser, u.Name, nameKey(u.Name), u.DisplayName, u.Role,
		u.PasswordHash, u.Language, u.Disabled, millis(u.CreatedAt), u.ID, u.Rev)
	if err == nil {
		err = s.updated(ctx, "update user", n, sqlHasUser, u.ID)
	}
	if err != nil {
		return classroom.User{}, err
	}
	u.CreatedAt = storedTime(u.CreatedAt)
	u.Rev++
	return u, nil
}

func (s *sqliteStore) User(ctx context.Context, id string) (classroom.User, error) {
	return queryOne(ctx, s.read, s, "read user", scanUser, sqlUser, id)
}

func (s *sqliteStore) UserByName(ctx context.Context, name string) (classroom.User, error) {
	return queryOne(ctx, s.read, s, "read user by name", scanUser, sqlUserByName, nameKey(name))
}

func (s *sqliteStore) Users(ctx context.Context) ([]classroom.User, error) {
	return queryAll(ctx, s, "list users", scanUser, sqlUsers)
}

func (s *sqliteStore) CountUsers(ctx context.Context) (int, error) {
	n, err := queryOne(ctx, s.read, s, "count users", scanInt, sqlCountUsers)
	return int(n), err
}

func scanLogin(row scanner) (l classroom.LoginSession, err error) {
	var created, expires int64
	err = row.Scan(&l.ID, &l.UserID, &created, &expires, &l.UserAgent, &l.Addr)
	l.CreatedAt, l.ExpiresAt = fromMillis(created), fromMillis(expires)
	return l, err
}

func (s *sqliteStore) PutLoginSession(ctx context.Context, l classroom.LoginSession) error {
	_, err := s.exec(ctx, "put login", sqlPutLogin, l.ID, l.UserID, millis(l.CreatedAt), millis(l.ExpiresAt),
		l.UserAgent, l.Addr)
	return err
}

func (s *sqliteStore) LoginSession(ctx context.Context, id string) (classroom.LoginSession, error) {
	return queryOne(ctx, s.read, s, "read login", scanLogin, sqlLogin, id, millis(s.now()))
}

func (s *sqliteStore) LoginSessions(ctx context.Context, userID string) ([]classroom.LoginSession, error) {
	return queryAll(ctx, s, "list logins", scanLogin, sqlLogins, userID, millis(s.now()))
}

func (s *sqliteStore) DeleteLoginSession(ctx context.Context, id string) error {
	_, err := s.exec(ctx, "delete login", sqlDeleteLogin, id)
	return err
}

func (s *sqliteStore) DeleteLoginSessionsOf(ctx context.Context, userID, exceptID string) error {
	_, err := s.exec(ctx, "delete logins", sqlDeleteLogins, userID, exceptID)
	return err
}

func (s *sqliteStore) Sweep(ctx context.Context, now time.Time) (int, error) {
	total := 0
	for _, expired := range []string{sqlExpiredLogins, sqlExpiredIdempotent, sqlExpiredTokenUses} {
		n, err := s.exec(ctx, "sweep", expired, millis(now))
		if err != nil {
			return total, err
		}
		total += int(n)
	}
	return total, nil
}

func scanBytes(row scanner) (b []byte, err error) { return b, row.Scan(&b) }

func (s *sqliteStore) Setting(ctx context.Context, key string) ([]byte, error) {
	return queryOne(ctx, s.read, s, "read setting", scanBytes, sqlSetting, key)
}

func (s *sqliteStore) PutSettingOnce(ctx context.Context, key string, value []byte) (stored []byte, err error) {
	if value == nil {
		value = []byte{} // nil would be NULL
	}
	err = s.transaction(ctx, "put setting", func(tx *sqliteTx) error {
		if _, err := tx.exec(sqlPutSettingOnce, key, value); err != nil {
			return err
		}
		stored, err = scanBytes(tx.row(sqlSetting, key))
		return err
	})
	if err != nil {
		return nil, err
	}
	return stored, nil
}

func (s *sqliteStore) DeleteSetting(ctx context.Context, key string) error {
	n, err := s.exec(ctx, "delete setting", sqlDeleteSetting, key)
	if err == nil && n == 0 {
		err = fail(ctx, "delete setting", classroom.ErrNotFound, classifySQLite)
	}
	return err
}
