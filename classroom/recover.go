package classroom

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Recover tells the observers what a crash kept from them, and loads the
// classes whose lessons were on, so that those end when nobody comes back. A
// server calls it once, before the first participant may come.
func (r *Registry) Recover(ctx context.Context) error {
	marks, err := r.store.LessonMarks(ctx)
	if err != nil {
		return fmt.Errorf("reading which lessons were on: %w", storeError(err))
	}
	if len(marks) == 0 {
		return nil
	}
	// Who was in at the crash: their going is told last, since it is known
	// only up to a heartbeat and would seem to come before what they said.
	cut := make(map[string]bool)
	for _, m := range marks {
		stays, err := r.store.Attendance(ctx, m.ClassID)
		if err != nil {
			return fmt.Errorf("reading the stays of class %s: %w", m.ClassID, storeError(err))
		}
		for _, s := range stays {
			cut[s.ID] = s.LeftAt.IsZero()
		}
	}
	if err := r.endOldStays(ctx); err != nil {
		return err
	}
	for _, m := range marks {
		if err := r.recoverLesson(ctx, m, cut); err != nil {
			return fmt.Errorf("going on with class %s: %w", m.ClassID, err)
		}
	}
	return nil
}

func (r *Registry) recoverLesson(ctx context.Context, m LessonMark, cut map[string]bool) error {
	lesson, err := r.Lesson(ctx, m.ClassID)
	if errors.Is(err, ErrClassNotFound) {
		return r.store.DeleteLessonMark(ctx, m.ClassID)
	}
	if err != nil {
		return err
	}
	list, err := r.untold(ctx, m, cut)
	if err != nil {
		return err
	}
	over := m.Since.IsZero() || !lesson.EndedAt.IsZero()
	if over && !m.Since.IsZero() {
		list = append(list, endedHappening(m.ClassID, m.Since, lesson.EndedAt, "ended"))
	}
	for i := range list {
		list[i].Title, list[i].OwnerID, list[i].Since = lesson.Title, lesson.OwnerID, m.Since
	}
	for part := range slices.Chunk(list, r.cfg.JournalBatch) {
		if err := r.tell(ctx, part); err != nil {
			return err
		}
	}
	if over {
		return r.store.DeleteLessonMark(ctx, m.ClassID)
	}
	c, err := r.class(ctx, m.ClassID)
	if err != nil {
		return err
	}
	c.lock()
	defer c.unlock()
	c.since, c.mark, c.marked = m.Since, m, true
	return nil
}

// untold gathers from the store what may not have been told, by its time.
// The mark moves on once in a heartbeat, and a stay may end earlier than it
// is known to have.
func (r *Registry) untold(ctx context.Context, m LessonMark, cut map[string]bool) ([]Happening, error) {
	from := m.Told.Add(-2*r.cfg.Heartbeat - 2*max(r.cfg.ResumeWindow, r.cfg.PresenterWindow))
	var list, last []Happening
	if !m.Since.IsZero() && !m.Since.Before(from) {
		list = append(list, startedHappening(m.ClassID, m.Since))
	}
	people, err := r.store.Participants(ctx, m.ClassID)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]Participant, len(people))
	for _, p := range people {
		byID[p.ID] = p
	}
	stays, err := r.store.Attendance(ctx, m.ClassID)
	if err != nil {
		return nil, err
	}
	for _, s := range stays {
		if !s.JoinedAt.Before(from) {
			list = append(list, cameHappening(s, byID[s.ParticipantID]))
		}
		switch went := wentHappening(s, byID[s.ParticipantID], "lost"); {
		case cut[s.ID]:
			last = append(last, went)
		case !s.LeftAt.IsZero() && !s.LeftAt.Before(from):
			list = append(list, went)
		}
	}
	chat, err := r.chatSince(ctx, m.ClassID, from)
	if err != nil {
		return nil, err
	}
	list = append(list, chat...)
	if r.files != nil {
		files, err := r.files.List(ctx, m.ClassID)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if !f.CreatedAt.Before(from) {
				list = append(list, fileHappening(f))
			}
		}
	}
	slices.SortStableFunc(list, func(a, b Happening) int { return a.At.Compare(b.At) })
	return append(list, last...), nil
}

// chatSince reads the public chat from its end back to a time.
func (r *Registry) chatSince(ctx context.Context, classID string, from time.Time) ([]Happening, error) {
	const page = 500
	var list []Happening
	for before := int64(0); ; {
		entries, err := r.store.Chat(ctx, ChatQuery{ClassID: classID, Before: before, Last: true, Limit: page})
		if err != nil {
			return nil, err
		}
		for _, e := range slices.Backward(entries) {
			if e.At.Before(from) {
				slices.Reverse(list)
				return list, nil
			}
			if h, public := chatHappening(shownTo(e, "")); public {
				list = append(list, h)
			}
		}
		if len(entries) < page || entries[0].Seq == 1 {
			slices.Reverse(list)
			return list, nil
		}
		before = entries[0].Seq
	}
}
