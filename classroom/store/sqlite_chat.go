package store

import (
	"context"
	"math"
	"slices"

	"kelas/classroom"
)

const (
	chatColumns = `class_id, seq, kind, from_id, from_name, from_role, to_id, to_name, text, client_id, at, target, deleted`

	// Only a second entry at the same number is passed over: a second one of
	// the same sender and client id must fail.
	sqlPutChat = `INSERT INTO chat (` + chatColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (class_id, seq) DO NOTHING`
	sqlBlankChat    = `UPDATE chat SET text = '', deleted = 1 WHERE class_id = ? AND seq = ?`
	sqlChatEntry    = `SELECT ` + chatColumns + ` FROM chat WHERE class_id = ? AND seq = ?`
	sqlChatByClient = `SELECT ` + chatColumns + ` FROM chat
		WHERE class_id = ? AND from_id = ? AND client_id = ? AND client_id <> ''`
	sqlChat = `SELECT ` + chatColumns + ` FROM chat WHERE class_id = ? AND seq > ? AND seq < ?
		AND (to_id = '' OR to_id = ? OR from_id = ?) `
	sqlChatFirst   = sqlChat + `ORDER BY seq LIMIT ?`
	sqlChatLast    = sqlChat + `ORDER BY seq DESC LIMIT ?`
	sqlLastChatSeq = `SELECT coalesce(max(seq), 0) FROM chat WHERE class_id = ?`
)

func scanChat(row scanner) (e classroom.ChatEntry, err error) {
	var at int64
	err = row.Scan(&e.ClassID, &e.Seq, &e.Kind, &e.FromID, &e.FromName, &e.FromRole, &e.ToID, &e.ToName,
		&e.Text, &e.ClientID, &at, &e.Target, &e.Deleted)
	e.At = fromMillis(at)
	return e, err
}

func (s *sqliteStore) AppendChat(ctx context.Context, entries []classroom.ChatEntry) error {
	if len(entries) == 0 {
		return nil
	}
	if _, err := oneClass(entries); err != nil {
		return fail(ctx, "append chat", err, classifySQLite)
	}
	return s.transaction(ctx, "append chat", func(tx *sqliteTx) error {
		for _, e := range entries {
			if err := appendOne(tx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

func appendOne(tx *sqliteTx, e classroom.ChatEntry) error {
	n, err := tx.exec(sqlPutChat, e.ClassID, e.Seq, e.Kind, e.FromID, e.FromName, e.FromRole, e.ToID, e.ToName,
		e.Text, e.ClientID, millis(e.At), e.Target, e.Deleted)
	if err != nil {
		return err
	}
	if n == 0 {
		stored, err := scanChat(tx.row(sqlChatEntry, e.ClassID, e.Seq))
		if err != nil {
			return err
		}
		if !sameEntry(stored, e) {
			return classroom.ErrExists
		}
	}
	if e.Kind == classroom.ChatDeletion {
		_, err = tx.exec(sqlBlankChat, e.ClassID, e.Target)
	}
	return err
}

func (s *sqliteStore) Chat(ctx context.Context, q classroom.ChatQuery) ([]classroom.ChatEntry, error) {
	before, limit := q.Before, q.Limit
	if before == 0 {
		before = math.MaxInt64
	}
	if limit <= 0 {
		limit = -1 // no bound
	}
	query := sqlChatFirst
	if q.Last {
		query = sqlChatLast
	}
	entries, err := queryAll(ctx, s, "read chat", scanChat, query, q.ClassID, q.After, before, q.For, q.For, limit)
	if q.Last {
		slices.Reverse(entries)
	}
	return entries, err
}

func (s *sqliteStore) ChatEntry(ctx context.Context, classID string, seq int64) (classroom.ChatEntry, error) {
	return queryOne(ctx, s.read, s, "read chat entry", scanChat, sqlChatEntry, classID, seq)
}

func (s *sqliteStore) ChatByClientID(ctx context.Context, classID, fromID, clientID string) (classroom.ChatEntry, error) {
	return queryOne(ctx, s.read, s, "read chat by client id", scanChat, sqlChatByClient, classID, fromID, clientID)
}

func (s *sqliteStore) LastChatSeq(ctx context.Context, classID string) (int64, error) {
	return queryOne(ctx, s.read, s, "read last chat number", scanInt, sqlLastChatSeq, classID)
}
