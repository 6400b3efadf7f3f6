package classroom

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// NewLesson makes a lesson that is still to be stored. ownerID may be "".
func NewLesson(title, ownerID string, at time.Time) (Lesson, error) {
	title, err := CleanTitle(title)
	if err != nil {
		return Lesson{}, err
	}
	return Lesson{ID: randomID(), Title: title, OwnerID: ownerID, CreatedAt: at.UTC().Truncate(time.Millisecond)}, nil
}

// planned is a planned time as a Store keeps it.
func planned(at time.Time) time.Time {
	if at.IsZero() {
		return time.Time{}
	}
	return at.UTC().Truncate(time.Millisecond)
}

// EditLesson gives a lesson another title and planned time (zero for none);
// who is in the class sees the new title at once.
func (r *Registry) EditLesson(ctx context.Context, id, title string, startsAt time.Time) error {
	title, err := CleanTitle(title)
	if err != nil {
		return err
	}
	change := func(l *Lesson) { l.Title, l.StartsAt = title, planned(startsAt) }
	if c := r.loaded(id); c != nil {
		return c.changeLesson(ctx, change)
	}
	_, err = r.changeLesson(ctx, id, change)
	return err
}

// CreateLesson stores a new lesson. ownerID may be "".
func (r *Registry) CreateLesson(ctx context.Context, title, ownerID string) (Lesson, error) {
	return r.PlanLesson(ctx, title, ownerID, time.Time{})
}

// PlanLesson stores a new lesson that is to begin at startsAt; zero for no plan.
func (r *Registry) PlanLesson(ctx context.Context, title, ownerID string, startsAt time.Time) (Lesson, error) {
	l, err := NewLesson(title, ownerID, r.now())
	if err != nil {
		return Lesson{}, err
	}
	l.ID, l.StartsAt = r.newID(), planned(startsAt)
	if err := r.store.PutLesson(ctx, l); err != nil {
		return Lesson{}, fmt.Errorf("storing the lesson: %w", err)
	}
	return l, nil
}

// Lesson returns a stored lesson; ErrClassNotFound when there is none.
func (r *Registry) Lesson(ctx context.Context, id string) (Lesson, error) {
	l, err := r.store.Lesson(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return Lesson{}, ErrClassNotFound
	}
	if err != nil {
		return Lesson{}, fmt.Errorf("reading the lesson: %w", storeError(err))
	}
	return l, nil
}

// Lessons lists an owner's lessons, newest first; "" lists all.
func (r *Registry) Lessons(ctx context.Context, ownerID string) ([]Lesson, error) {
	return r.store.Lessons(ctx, ownerID)
}

// LessonsJoinedBy lists the lessons in which a user took part, newest first.
func (r *Registry) LessonsJoinedBy(ctx context.Context, userID string) ([]Lesson, error) {
	return r.store.LessonsJoinedBy(ctx, userID)
}

// Live says what goes on in a class; false when nobody is in it.
func (r *Registry) Live(classID string) (ClassSummary, bool) {
	r.mu.Lock()
	p := r.classes[classID]
	r.mu.Unlock()
	if p == nil {
		return ClassSummary{}, false
	}
	select {
	case <-p.ready:
	default:
		return ClassSummary{}, false // being loaded: nobody is in yet
	}
	if p.class == nil {
		return ClassSummary{}, false
	}
	return p.class.summary()
}

// Participant returns the participant with an identity's key.
// ErrRemoved when a moderator removed it, ErrNoSuchParticipant when it never joined.
func (r *Registry) Participant(ctx context.Context, classID, key string) (Participant, error) {
	p, err := r.participant(ctx, classID, key)
	if err == nil && p.Removed {
		return Participant{}, ErrRemoved
	}
	return p, err
}

func (r *Registry) participant(ctx context.Context, classID, key string) (Participant, error) {
	if c := r.loaded(classID); c != nil {
		if p, ok := c.knownByKey(key); ok {
			return p, nil
		}
	}
	p, err := r.store.ParticipantByKey(ctx, classID, key)
	if errors.Is(err, ErrNotFound) {
		return Participant{}, ErrNoSuchParticipant
	}
	if err != nil {
		return Participant{}, fmt.Errorf("reading the participant: %w", storeError(err))
	}
	return p, nil
}

// Attendance lists the stays of a class by their beginning.
func (r *Registry) Attendance(ctx context.Context, classID string) ([]Attendance, error) {
	if err := r.endOldStays(ctx); err != nil {
		return nil, err
	}
	return r.store.Attendance(ctx, classID)
}

// Chat returns a page of the stored chat log as q.For sees it, whether or
// not the class is loaded.
func (r *Registry) Chat(ctx context.Context, q ChatQuery) ([]ChatEntry, error) {
	return r.store.Chat(ctx, q)
}

// FileAdded tells the class of a new file; whoever finishes an upload calls it.
func (r *Registry) FileAdded(classID string, f FileInfo) {
	if c := r.loadedFor(classID); c != nil {
		c.fileAdded(f)
	}
}

// FileRemoved tells the class that a file is gone.
func (r *Registry) FileRemoved(classID, fileID string) {
	if c := r.loadedFor(classID); c != nil {
		c.fileRemoved(fileID)
	}
}

// loadedFor is the class for something that happened to it from outside; nil
// when nobody is in it and nobody outside wants to hear of it.
func (r *Registry) loadedFor(classID string) *Class {
	if c := r.loaded(classID); c != nil || !r.wanted(classID) {
		return c
	}
	c, err := r.class(context.Background(), classID) // bounded by StoreTimeout
	if err != nil {
		r.log.Warn("what happened to a class could not be told", "class", classID, "err", err)
		return nil
	}
	return c
}
