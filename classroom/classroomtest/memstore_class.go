package classroomtest

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"kelas/classroom"
)

var errMixed = errors.New("the entries are of more than one class")

func (m *MemStore) PutLesson(ctx context.Context, l classroom.Lesson) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if _, ok := m.lessons[l.ID]; ok || m.externalTakenLocked(l) {
		return classroom.ErrExists
	}
	m.lessons[l.ID] = stampLesson(l)
	return nil
}

func (m *MemStore) externalTakenLocked(l classroom.Lesson) bool {
	if l.External == "" || !l.EndedAt.IsZero() {
		return false
	}
	for _, o := range m.lessons {
		if o.ID != l.ID && o.External == l.External && o.EndedAt.IsZero() {
			return true
		}
	}
	return false
}

func stampLesson(l classroom.Lesson) classroom.Lesson {
	l.CreatedAt, l.StartsAt, l.EndedAt = stamp(l.CreatedAt), stamp(l.StartsAt), stamp(l.EndedAt)
	return l
}

func (m *MemStore) UpdateLesson(ctx context.Context, l classroom.Lesson) (classroom.Lesson, error) {
	if err := m.enter(ctx); err != nil {
		return classroom.Lesson{}, err
	}
	defer m.mu.Unlock()
	old, ok := m.lessons[l.ID]
	switch {
	case !ok:
		return classroom.Lesson{}, classroom.ErrNotFound
	case old.Rev != l.Rev:
		return classroom.Lesson{}, classroom.ErrConflict
	case m.externalTakenLocked(l):
		return classroom.Lesson{}, classroom.ErrExists
	}
	l = stampLesson(l)
	l.Rev++
	m.lessons[l.ID] = l
	return l, nil
}

func (m *MemStore) Lesson(ctx context.Context, id string) (classroom.Lesson, error) {
	return get(ctx, m, m.lessons, id)
}

func (m *MemStore) LessonByExternal(ctx context.Context, external string) (classroom.Lesson, error) {
	named, err := list(ctx, m, m.lessons,
		func(l classroom.Lesson) bool { return external != "" && l.External == external }, newestFirst)
	if err != nil {
		return classroom.Lesson{}, err
	}
	for _, l := range named {
		if l.EndedAt.IsZero() {
			return l, nil
		}
	}
	if len(named) > 0 {
		return named[0], nil
	}
	return classroom.Lesson{}, classroom.ErrNotFound
}

func (m *MemStore) OpenLessons(ctx context.Context) ([]classroom.Lesson, error) {
	return list(ctx, m, m.lessons,
		func(l classroom.Lesson) bool { return l.External != "" && l.EndedAt.IsZero() }, newestFirst)
}

func (m *MemStore) UnsettledLessons(ctx context.Context) ([]classroom.Lesson, error) {
	return list(ctx, m, m.lessons, func(l classroom.Lesson) bool { return l.Unsettled }, newestFirst)
}

func newestFirst(a, b classroom.Lesson) int {
	return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
}

func (m *MemStore) Lessons(ctx context.Context, ownerID string) ([]classroom.Lesson, error) {
	return list(ctx, m, m.lessons,
		func(l classroom.Lesson) bool { return ownerID == "" || l.OwnerID == ownerID }, newestFirst)
}

func (m *MemStore) PutParticipant(ctx context.Context, p classroom.Participant) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	for at, o := range m.participants {
		if o.ID == p.ID || at.class == p.ClassID && o.Key == p.Key {
			return classroom.ErrExists
		}
	}
	m.participants[pair{p.ClassID, p.ID}] = stampParticipant(p)
	return nil
}

func stampParticipant(p classroom.Participant) classroom.Participant {
	p.FirstSeen, p.LastSeen = stamp(p.FirstSeen), stamp(p.LastSeen)
	return p
}

func (m *MemStore) UpdateParticipant(ctx context.Context, p classroom.Participant) (classroom.Participant, error) {
	if err := m.enter(ctx); err != nil {
		return classroom.Participant{}, err
	}
	defer m.mu.Unlock()
	old, ok := m.participants[pair{p.ClassID, p.ID}]
	switch {
	case !ok:
		return classroom.Participant{}, classroom.ErrNotFound
	case old.Rev != p.Rev:
		return classroom.Participant{}, classroom.ErrConflict
	}
	p = stampParticipant(p)
	p.Rev++
	m.participants[pair{p.ClassID, p.ID}] = p
	return p, nil
}

func (m *MemStore) Participant(ctx context.Context, classID, id string) (classroom.Participant, error) {
	return get(ctx, m, m.participants, pair{classID, id})
}

func (m *MemStore) ParticipantByKey(ctx context.Context, classID, key string) (classroom.Participant, error) {
	all, err := m.Participants(ctx, classID)
	if err != nil {
		return classroom.Participant{}, err
	}
	for _, p := range all {
		if p.Key == key {
			return p, nil
		}
	}
	return classroom.Participant{}, classroom.ErrNotFound
}

func (m *MemStore) Participants(ctx context.Context, classID string) ([]classroom.Participant, error) {
	return list(ctx, m, m.participants,
		func(p classroom.Participant) bool { return p.ClassID == classID },
		func(a, b classroom.Participant) int { return cmp.Compare(a.ID, b.ID) })
}

func (m *MemStore) LessonsJoinedBy(ctx context.Context, userID string) ([]classroom.Lesson, error) {
	if err := m.enter(ctx); err != nil {
		return nil, err
	}
	joined := make(map[string]bool)
	for at, p := range m.participants {
		if userID != "" && p.UserID == userID {
			joined[at.class] = true
		}
	}
	m.mu.Unlock()
	return list(ctx, m, m.lessons, func(l classroom.Lesson) bool { return joined[l.ID] }, newestFirst)
}

// same reports whether stored is e to the letter, but for a text that a
// deletion has removed since.
func same(stored, e classroom.ChatEntry) bool {
	if stored.Deleted {
		e.Text, e.Deleted = "", true
	}
	return stored == e
}

func (m *MemStore) AppendChat(ctx context.Context, entries []classroom.ChatEntry) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if len(entries) == 0 {
		return nil
	}
	class := entries[0].ClassID
	log := slices.Clone(m.chat[class]) // all or nothing
	for _, e := range entries {
		if e.ClassID != class {
			return errMixed
		}
		e.At = stamp(e.At)
		i, found := slices.BinarySearchFunc(log, e.Seq, bySeq)
		if found {
			if !same(log[i], e) {
				return classroom.ErrExists
			}
			continue
		}
		if e.ClientID != "" && slices.ContainsFunc(log, func(o classroom.ChatEntry) bool {
			return o.FromID == e.FromID && o.ClientID == e.ClientID
		}) {
			return classroom.ErrExists
		}
		log = slices.Insert(log, i, e)
		if e.Kind == classroom.ChatDeletion {
			if t, ok := slices.BinarySearchFunc(log, e.Target, bySeq); ok {
				log[t].Text, log[t].Deleted = "", true
			}
		}
	}
	m.chat[class] = log
	return nil
}

func bySeq(e classroom.ChatEntry, seq int64) int { return cmp.Compare(e.Seq, seq) }

func (m *MemStore) Chat(ctx context.Context, q classroom.ChatQuery) ([]classroom.ChatEntry, error) {
	if err := m.enter(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	var all []classroom.ChatEntry
	for _, e := range m.chat[q.ClassID] {
		if e.VisibleTo(q.For) && e.Seq > q.After && (q.Before == 0 || e.Seq < q.Before) {
			all = append(all, e)
		}
	}
	if q.Limit > 0 && len(all) > q.Limit {
		if q.Last {
			return all[len(all)-q.Limit:], nil
		}
		return all[:q.Limit], nil
	}
	return all, nil
}

func (m *MemStore) ChatEntry(ctx context.Context, classID string, seq int64) (classroom.ChatEntry, error) {
	if err := m.enter(ctx); err != nil {
		return classroom.ChatEntry{}, err
	}
	defer m.mu.Unlock()
	i, ok := slices.BinarySearchFunc(m.chat[classID], seq, bySeq)
	if !ok {
		return classroom.ChatEntry{}, classroom.ErrNotFound
	}
	return m.chat[classID][i], nil
}

func (m *MemStore) ChatByClientID(ctx context.Context, classID, fromID, clientID string) (classroom.ChatEntry, error) {
	if err := m.enter(ctx); err != nil {
		return classroom.ChatEntry{}, err
	}
	defer m.mu.Unlock()
	for _, e := range m.chat[classID] {
		if clientID != "" && e.FromID == fromID && e.ClientID == clientID {
			return e, nil
		}
	}
	return classroom.ChatEntry{}, classroom.ErrNotFound
}

func (m *MemStore) LastChatSeq(ctx context.Context, classID string) (int64, error) {
	if err := m.enter(ctx); err != nil {
		return 0, err
	}
	defer m.mu.Unlock()
	log := m.chat[classID]
	if len(log) == 0 {
		return 0, nil
	}
	return log[len(log)-1].Seq, nil
}

func (m *MemStore) PutFile(ctx context.Context, f classroom.FileInfo) error {
	f.CreatedAt = stamp(f.CreatedAt)
	return put(ctx, m, m.files, f.ID, f)
}

func (m *MemStore) File(ctx context.Context, classID, id string) (classroom.FileInfo, error) {
	f, err := get(ctx, m, m.files, id)
	if err == nil && f.ClassID != classID {
		return classroom.FileInfo{}, classroom.ErrNotFound
	}
	return f, err
}

func (m *MemStore) Files(ctx context.Context, classID string) ([]classroom.FileInfo, error) {
	return list(ctx, m, m.files, func(f classroom.FileInfo) bool { return f.ClassID == classID },
		func(a, b classroom.FileInfo) int {
			return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
		})
}

func (m *MemStore) DeleteFile(ctx context.Context, classID, id string) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if f, ok := m.files[id]; !ok || f.ClassID != classID {
		return classroom.ErrNotFound
	}
	delete(m.files, id)
	return nil
}

func (m *MemStore) FilesWithHash(ctx context.Context, hash string) (int, error) {
	all, err := list(ctx, m, m.files, func(f classroom.FileInfo) bool { return f.Hash == hash },
		func(a, b classroom.FileInfo) int { return 0 })
	return len(all), err
}

func (m *MemStore) PutUpload(ctx context.Context, u classroom.Upload) error {
	u.CreatedAt, u.ExpiresAt = stamp(u.CreatedAt), stamp(u.ExpiresAt)
	return put(ctx, m, m.uploads, u.ID, u)
}

func (m *MemStore) Upload(ctx context.Context, id string) (classroom.Upload, error) {
	return get(ctx, m, m.uploads, id)
}

func (m *MemStore) Uploads(ctx context.Context, classID string) ([]classroom.Upload, error) {
	return list(ctx, m, m.uploads,
		func(u classroom.Upload) bool { return classID == "" || u.ClassID == classID },
		func(a, b classroom.Upload) int { return cmp.Compare(a.ID, b.ID) })
}

func (m *MemStore) DeleteUpload(ctx context.Context, id string) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	delete(m.uploads, id)
	return nil
}

func (m *MemStore) PutAttendance(ctx context.Context, a classroom.Attendance) error {
	a.JoinedAt, a.LastSeen, a.LeftAt = stamp(a.JoinedAt), stamp(a.LastSeen), stamp(a.LeftAt)
	return put(ctx, m, m.stays, a.ID, a)
}

func (m *MemStore) TouchAttendance(ctx context.Context, ids []string, seen time.Time) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	for _, id := range ids {
		if a, ok := m.stays[id]; ok && a.LeftAt.IsZero() {
			a.LastSeen = stamp(seen)
			m.stays[id] = a
		}
	}
	return nil
}

func (m *MemStore) EndAttendance(ctx context.Context, id string, left time.Time) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	a, ok := m.stays[id]
	if !ok {
		return classroom.ErrNotFound
	}
	if a.LeftAt.IsZero() {
		a.LeftAt = stamp(left)
		m.stays[id] = a
	}
	return nil
}

func (m *MemStore) Attendance(ctx context.Context, classID string) ([]classroom.Attendance, error) {
	return list(ctx, m, m.stays, func(a classroom.Attendance) bool { return a.ClassID == classID },
		func(a, b classroom.Attendance) int {
			return cmp.Or(a.JoinedAt.Compare(b.JoinedAt), cmp.Compare(a.ID, b.ID))
		})
}

func (m *MemStore) EndOpenAttendance(ctx context.Context) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	for id, a := range m.stays {
		if a.LeftAt.IsZero() {
			a.LeftAt = a.LastSeen
			m.stays[id] = a
		}
	}
	return nil
}

var _ classroom.Store = (*MemStore)(nil)
