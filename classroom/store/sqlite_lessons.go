package store

import (
	"context"
	"errors"
	"time"

	"kelas/classroom"
)

const (
	lessonColumns = `id, title, owner_id, created_at, starts_at, locked, ended_at, rev, external, settings, unsettled`

	sqlPutLesson = `INSERT INTO lessons (` + lessonColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	sqlSetLesson = `UPDATE lessons SET title = ?, owner_id = ?, created_at = ?, starts_at = ?, locked = ?,
		ended_at = ?, external = ?, settings = ?, unsettled = ?, rev = rev + 1 WHERE id = ? AND rev = ?`
	sqlHasLesson     = `SELECT 1 FROM lessons WHERE id = ?`
	sqlLesson        = `SELECT ` + lessonColumns + ` FROM lessons WHERE id = ?`
	sqlLessons       = `SELECT ` + lessonColumns + ` FROM lessons ORDER BY created_at DESC, id DESC`
	sqlLessonsOf     = `SELECT ` + lessonColumns + ` FROM lessons WHERE owner_id = ? ORDER BY created_at DESC, id DESC`
	sqlLessonsJoined = `SELECT ` + lessonColumns + ` FROM lessons
		WHERE id IN (SELECT class_id FROM participants WHERE user_id = ? AND user_id <> '')
		ORDER BY created_at DESC, id DESC`
	sqlLessonOpen = `SELECT ` + lessonColumns + ` FROM lessons WHERE external = ? AND external <> '' AND ended_at = 0`
	sqlLessonLast = `SELECT ` + lessonColumns + ` FROM lessons WHERE external = ? AND external <> ''
		ORDER BY created_at DESC, id DESC LIMIT 1`
	sqlLessonsOpen = `SELECT ` + lessonColumns + ` FROM lessons WHERE ended_at = 0 AND external <> ''
		ORDER BY created_at DESC, id DESC`
	sqlLessonsUnsettled = `SELECT ` + lessonColumns + ` FROM lessons WHERE unsettled = 1 ORDER BY created_at DESC, id DESC`

	participantColumns = `id, class_id, key, user_id, name, role, base, removed, first_seen, last_seen, rev`

	sqlPutParticipant = `INSERT INTO participants (` + participantColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	sqlSetParticipant = `UPDATE participants SET key = ?, user_id = ?, name = ?, role = ?, base = ?, removed = ?,
		first_seen = ?, last_seen = ?, rev = rev + 1 WHERE id = ? AND class_id = ? AND rev = ?`
	sqlHasParticipant   = `SELECT 1 FROM participants WHERE id = ? AND class_id = ?`
	sqlParticipant      = `SELECT ` + participantColumns + ` FROM participants WHERE id = ? AND class_id = ?`
	sqlParticipantByKey = `SELECT ` + participantColumns + ` FROM participants WHERE class_id = ? AND key = ?`
	sqlParticipants     = `SELECT ` + participantColumns + ` FROM participants WHERE class_id = ? ORDER BY first_seen, id`

	attendanceColumns = `id, class_id, participant_id, name, role, joined_at, last_seen, left_at`

	sqlPutAttendance   = `INSERT INTO attendance (` + attendanceColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
	sqlTouchAttendance = `UPDATE attendance SET last_seen = ? WHERE id = ? AND left_at = 0 AND last_seen < ?`
	sqlEndAttendance   = `UPDATE attendance SET left_at = ? WHERE id = ? AND left_at = 0`
	sqlHasAttendance   = `SELECT 1 FROM attendance WHERE id = ?`
	sqlAttendance      = `SELECT ` + attendanceColumns + ` FROM attendance WHERE class_id = ? ORDER BY joined_at, id`
	sqlEndOpen         = `UPDATE attendance SET left_at = max(last_seen, joined_at) WHERE left_at = 0`
)

func scanLesson(row scanner) (l classroom.Lesson, err error) {
	var created, starts, ended int64
	var settings string
	err = row.Scan(&l.ID, &l.Title, &l.OwnerID, &created, &starts, &l.Locked, &ended, &l.Rev, &l.External, &settings, &l.Unsettled)
	if err != nil {
		return l, err
	}
	l.CreatedAt, l.StartsAt, l.EndedAt = fromMillis(created), fromMillis(starts), fromMillis(ended)
	l.Settings, err = settingsFrom(settings)
	return l, err
}

func (s *sqliteStore) PutLesson(ctx context.Context, l classroom.Lesson) error {
	settings, err := settingsText(l.Settings)
	if err != nil {
		return err
	}
	_, err = s.exec(ctx, "put lesson", sqlPutLesson, l.ID, l.Title, l.OwnerID, millis(l.CreatedAt),
		millis(l.StartsAt), l.Locked, millis(l.EndedAt), l.Rev, l.External, settings, l.Unsettled)
	return err
}

func (s *sqliteStore) UpdateLesson(ctx context.Context, l classroom.Lesson) (classroom.Lesson, error) {
	settings, err := settingsText(l.Settings)
	if err != nil {
		return classroom.Lesson{}, err
	}
	n, err := s.exec(ctx, "update lesson", sqlSetLesson, l.Title, l.OwnerID, millis(l.CreatedAt),
		millis(l.StartsAt), l.Locked, millis(l.EndedAt), l.External, settings, l.Unsettled, l.ID, l.Rev)
	if err == nil {
		err = s.updated(ctx, "update lesson", n, sqlHasLesson, l.ID)
	}
	if err != nil {
		return classroom.Lesson{}, err
	}
	l.CreatedAt, l.StartsAt, l.EndedAt = storedTime(l.CreatedAt), storedTime(l.StartsAt), storedTime(l.EndedAt)
	l.Rev++
	return l, nil
}

func (s *sqliteStore) Lesson(ctx context.Context, id string) (classroom.Lesson, error) {
	return queryOne(ctx, s.read, s, "read lesson", scanLesson, sqlLesson, id)
}

func (s *sqliteStore) Lessons(ctx context.Context, ownerID string) ([]classroom.Lesson, error) {
	if ownerID == "" {
		return queryAll(ctx, s, "list lessons", scanLesson, sqlLessons)
	}
	return queryAll(ctx, s, "list lessons", scanLesson, sqlLessonsOf, ownerID)
}

func (s *sqliteStore) LessonsJoinedBy(ctx context.Context, userID string) ([]classroom.Lesson, error) {
	return queryAll(ctx, s, "list joined lessons", scanLesson, sqlLessonsJoined, userID)
}

func (s *sqliteStore) LessonByExternal(ctx context.Context, external string) (classroom.Lesson, error) {
	const op = "read lesson by external name"
	l, err := queryOne(ctx, s.read, s, op, scanLesson, sqlLessonOpen, external)
	if errors.Is(err, classroom.ErrNotFound) {
		l, err = queryOne(ctx, s.read, s, op, scanLesson, sqlLessonLast, external)
	}
	return l, err
}

func (s *sqliteStore) OpenLessons(ctx context.Context) ([]classroom.Lesson, error) {
	return queryAll(ctx, s, "list open lessons", scanLesson, sqlLessonsOpen)
}

func (s *sqliteStore) UnsettledLessons(ctx context.Context) ([]classroom.Lesson, error) {
	return queryAll(ctx, s, "list unsettled lessons", scanLesson, sqlLessonsUnsettled)
}

func scanParticipant(row scanner) (p classroom.Participant, err error) {
	var first, last int64
	err = row.Scan(&p.ID, &p.ClassID, &p.Key, &p.UserID, &p.Name, &p.Role, &p.Base, &p.Removed, &first, &last, &p.Rev)
	p.FirstSeen, p.LastSeen = fromMillis(first), fromMillis(last)
	return p, err
}

func (s *sqliteStore) PutParticipant(ctx context.Context, p classroom.Participant) error {
	_, err := s.exec(ctx, "put participant", sqlPutParticipant, p.ID, p.ClassID, p.Key, p.UserID, p.Name,
		p.Role, p.Base, p.Removed, millis(p.FirstSeen), millis(p.LastSeen), p.Rev)
	return err
}

func (s *sqliteStore) UpdateParticipant(ctx context.Context, p classroom.Participant) (classroom.Participant, error) {
	n, err := s.exec(ctx, "update participant", sqlSetParticipant, p.Key, p.UserID, p.Name, p.Role, p.Base, p.Removed,
		millis(p.FirstSeen), millis(p.LastSeen), p.ID, p.ClassID, p.Rev)
	if err == nil {
		err = s.updated(ctx, "update participant", n, sqlHasParticipant, p.ID, p.ClassID)
	}
	if err != nil {
		return classroom.Participant{}, err
	}
	p.FirstSeen, p.LastSeen = storedTime(p.FirstSeen), storedTime(p.LastSeen)
	p.Rev++
	return p, nil
}

func (s *sqliteStore) Participant(ctx context.Context, classID, id string) (classroom.Participant, error) {
	return queryOne(ctx, s.read, s, "read participant", scanParticipant, sqlParticipant, id, classID)
}

func (s *sqliteStore) ParticipantByKey(ctx context.Context, classID, key string) (classroom.Participant, error) {
	return queryOne(ctx, s.read, s, "read participant by key", scanParticipant, sqlParticipantByKey, classID, key)
}

func (s *sqliteStore) Participants(ctx context.Context, classID string) ([]classroom.Participant, error) {
	return queryAll(ctx, s, "list participants", scanParticipant, sqlParticipants, classID)
}

func scanAttendance(row scanner) (a classroom.Attendance, err error) {
	var joined, seen, left int64
	err = row.Scan(&a.ID, &a.ClassID, &a.ParticipantID, &a.Name, &a.Role, &joined, &seen, &left)
	a.JoinedAt, a.LastSeen, a.LeftAt = fromMillis(joined), fromMillis(seen), fromMillis(left)
	return a, err
}

func (s *sqliteStore) PutAttendance(ctx context.Context, a classroom.Attendance) error {
	_, err := s.exec(ctx, "put attendance", sqlPutAttendance, a.ID, a.ClassID, a.ParticipantID, a.Name, a.Role,
		millis(a.JoinedAt), millis(a.LastSeen), millis(a.LeftAt))
	return err
}

func (s *sqliteStore) TouchAttendance(ctx context.Context, ids []string, seen time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	at := millis(seen)
	// One transaction, so that a class of five hundred costs one sync.
	return s.transaction(ctx, "touch attendance", func(tx *sqliteTx) error {
		for _, id := range ids {
			if _, err := tx.exec(sqlTouchAttendance, at, id, at); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *sqliteStore) EndAttendance(ctx context.Context, id string, left time.Time) error {
	n, err := s.exec(ctx, "end attendance", sqlEndAttendance, millis(left), id)
	if err != nil || n > 0 {
		return err
	}
	// Ended before is fine: the first end stands.
	_, err = queryOne(ctx, s.write, s, "end attendance", scanInt, sqlHasAttendance, id)
	return err
}

func (s *sqliteStore) Attendance(ctx context.Context, classID string) ([]classroom.Attendance, error) {
	return queryAll(ctx, s, "list attendance", scanAttendance, sqlAttendance, classID)
}

func (s *sqliteStore) EndOpenAttendance(ctx context.Context) error {
	_, err := s.exec(ctx, "end open attendance", sqlEndOpen)
	return err
}
