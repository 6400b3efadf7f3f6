package classroomtest

import (
	"context"
	"sync"
	"time"

	"kelas/classroom"
)

// FaultyStore is a Store between a class and a real one that can be made to
// fail or be slow in everything a class does with it. Logins and settings
// pass through.
type FaultyStore struct {
	classroom.Store

	mu      sync.Mutex
	err     error
	delay   time.Duration
	unclear bool
	refuse  func(classroom.ChatEntry) error
	calls   map[string]int
}

// NewFaultyStore wraps next, healthy at first.
func NewFaultyStore(next classroom.Store) *FaultyStore {
	return &FaultyStore{Store: next, calls: make(map[string]int)}
}

// Fail makes every operation return err; nil heals the store.
func (f *FaultyStore) Fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// Slow makes every operation take at least d, or until its context ends.
func (f *FaultyStore) Slow(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.delay = d
}

// Unclear makes writes of chat, attendance and participants happen and yet
// be reported as failed, as when the answer is lost on its way.
func (f *FaultyStore) Unclear(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.unclear = on
}

// Refuse asks f about every chat entry that is appended; an error refuses
// the whole batch. nil refuses none.
func (f *FaultyStore) Refuse(refuse func(classroom.ChatEntry) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refuse = refuse
}

// Calls returns how often an operation was tried.
func (f *FaultyStore) Calls(op string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[op]
}

func (f *FaultyStore) before(ctx context.Context, op string) error {
	f.mu.Lock()
	f.calls[op]++
	delay := f.delay
	f.mu.Unlock()
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// after loses the answer of a write that was done.
func (f *FaultyStore) after(err error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil && f.unclear {
		return classroom.ErrStoreUnavailable
	}
	return err
}

func (f *FaultyStore) PutLesson(ctx context.Context, l classroom.Lesson) error {
	if err := f.before(ctx, "PutLesson"); err != nil {
		return err
	}
	return f.Store.PutLesson(ctx, l)
}

func (f *FaultyStore) UpdateLesson(ctx context.Context, l classroom.Lesson) (classroom.Lesson, error) {
	if err := f.before(ctx, "UpdateLesson"); err != nil {
		return classroom.Lesson{}, err
	}
	return f.Store.UpdateLesson(ctx, l)
}

func (f *FaultyStore) Lesson(ctx context.Context, id string) (classroom.Lesson, error) {
	if err := f.before(ctx, "Lesson"); err != nil {
		return classroom.Lesson{}, err
	}
	return f.Store.Lesson(ctx, id)
}

func (f *FaultyStore) LessonByExternal(ctx context.Context, external string) (classroom.Lesson, error) {
	if err := f.before(ctx, "LessonByExternal"); err != nil {
		return classroom.Lesson{}, err
	}
	return f.Store.LessonByExternal(ctx, external)
}

func (f *FaultyStore) OpenLessons(ctx context.Context) ([]classroom.Lesson, error) {
	if err := f.before(ctx, "OpenLessons"); err != nil {
		return nil, err
	}
	return f.Store.OpenLessons(ctx)
}

func (f *FaultyStore) UnsettledLessons(ctx context.Context) ([]classroom.Lesson, error) {
	if err := f.before(ctx, "UnsettledLessons"); err != nil {
		return nil, err
	}
	return f.Store.UnsettledLessons(ctx)
}

func (f *FaultyStore) PutParticipant(ctx context.Context, p classroom.Participant) error {
	if err := f.before(ctx, "PutParticipant"); err != nil {
		return err
	}
	return f.Store.PutParticipant(ctx, p)
}

func (f *FaultyStore) UpdateParticipant(ctx context.Context, p classroom.Participant) (classroom.Participant, error) {
	if err := f.before(ctx, "UpdateParticipant"); err != nil {
		return classroom.Participant{}, err
	}
	p, err := f.Store.UpdateParticipant(ctx, p)
	return p, f.after(err)
}

func (f *FaultyStore) Participant(ctx context.Context, classID, id string) (classroom.Participant, error) {
	if err := f.before(ctx, "Participant"); err != nil {
		return classroom.Participant{}, err
	}
	return f.Store.Participant(ctx, classID, id)
}

func (f *FaultyStore) ParticipantByKey(ctx context.Context, classID, key string) (classroom.Participant, error) {
	if err := f.before(ctx, "ParticipantByKey"); err != nil {
		return classroom.Participant{}, err
	}
	return f.Store.ParticipantByKey(ctx, classID, key)
}

func (f *FaultyStore) AppendChat(ctx context.Context, entries []classroom.ChatEntry) error {
	if err := f.before(ctx, "AppendChat"); err != nil {
		return err
	}
	f.mu.Lock()
	refuse := f.refuse
	f.mu.Unlock()
	for _, e := range entries {
		if refuse == nil {
			break
		}
		if err := refuse(e); err != nil {
			return err
		}
	}
	return f.after(f.Store.AppendChat(ctx, entries))
}

func (f *FaultyStore) Chat(ctx context.Context, q classroom.ChatQuery) ([]classroom.ChatEntry, error) {
	if err := f.before(ctx, "Chat"); err != nil {
		return nil, err
	}
	return f.Store.Chat(ctx, q)
}

func (f *FaultyStore) ChatEntry(ctx context.Context, classID string, seq int64) (classroom.ChatEntry, error) {
	if err := f.before(ctx, "ChatEntry"); err != nil {
		return classroom.ChatEntry{}, err
	}
	return f.Store.ChatEntry(ctx, classID, seq)
}

func (f *FaultyStore) ChatByClientID(ctx context.Context, classID, fromID, clientID string) (classroom.ChatEntry, error) {
	if err := f.before(ctx, "ChatByClientID"); err != nil {
		return classroom.ChatEntry{}, err
	}
	return f.Store.ChatByClientID(ctx, classID, fromID, clientID)
}

func (f *FaultyStore) LastChatSeq(ctx context.Context, classID string) (int64, error) {
	if err := f.before(ctx, "LastChatSeq"); err != nil {
		return 0, err
	}
	return f.Store.LastChatSeq(ctx, classID)
}

func (f *FaultyStore) PutAttendance(ctx context.Context, a classroom.Attendance) error {
	if err := f.before(ctx, "PutAttendance"); err != nil {
		return err
	}
	return f.after(f.Store.PutAttendance(ctx, a))
}

func (f *FaultyStore) TouchAttendance(ctx context.Context, ids []string, seen time.Time) error {
	if err := f.before(ctx, "TouchAttendance"); err != nil {
		return err
	}
	return f.Store.TouchAttendance(ctx, ids, seen)
}

func (f *FaultyStore) EndAttendance(ctx context.Context, id string, left time.Time) error {
	if err := f.before(ctx, "EndAttendance"); err != nil {
		return err
	}
	return f.after(f.Store.EndAttendance(ctx, id, left))
}

func (f *FaultyStore) EndOpenAttendance(ctx context.Context) error {
	if err := f.before(ctx, "EndOpenAttendance"); err != nil {
		return err
	}
	return f.Store.EndOpenAttendance(ctx)
}

func (f *FaultyStore) Attendance(ctx context.Context, classID string) ([]classroom.Attendance, error) {
	if err := f.before(ctx, "Attendance"); err != nil {
		return nil, err
	}
	return f.Store.Attendance(ctx, classID)
}

func (f *FaultyStore) Ping(ctx context.Context) error {
	if err := f.before(ctx, "Ping"); err != nil {
		return err
	}
	return f.Store.Ping(ctx)
}

func (f *FaultyStore) PutLessonMark(ctx context.Context, m classroom.LessonMark) error {
	if err := f.before(ctx, "PutLessonMark"); err != nil {
		return err
	}
	return f.after(f.Store.PutLessonMark(ctx, m))
}

func (f *FaultyStore) DeleteLessonMark(ctx context.Context, classID string) error {
	if err := f.before(ctx, "DeleteLessonMark"); err != nil {
		return err
	}
	return f.after(f.Store.DeleteLessonMark(ctx, classID))
}
