package web

import (
	"errors"
	"net/http"
	"time"

	"kelas/classroom"
	"kelas/signaling/auth"
)

// classCard is one class in a list.
type classCard struct {
	ID, Title  string
	Own        bool // may invite and see attendance
	Live       bool
	People     int
	Presenting string
	StartsAt   time.Time
	CreatedAt  time.Time
	Locked     bool
}

type classesPage struct {
	page
	Own, Joined, Others []classCard
}

func (w *Web) classes(v *visit) error {
	if err := v.needAccount(); err != nil {
		return err
	}
	ctx := v.c.Request.Context()
	p := classesPage{page: v.page()}
	own, err := w.d.Classes.Lessons(ctx, v.account.ID)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	add := func(to *[]classCard, lessons []classroom.Lesson, mayInvite bool) {
		for _, l := range lessons {
			if !seen[l.ID] {
				seen[l.ID] = true
				*to = append(*to, w.card(l, mayInvite))
			}
		}
	}
	add(&p.Own, own, true)
	joined, err := w.d.Classes.LessonsJoinedBy(ctx, v.account.ID)
	if err != nil {
		return err
	}
	admin := v.account.Role == auth.AccountAdmin
	add(&p.Joined, joined, admin)
	if admin {
		all, err := w.d.Classes.Lessons(ctx, "")
		if err != nil {
			return err
		}
		add(&p.Others, all, true)
	}
	return v.render(http.StatusOK, "classes", p)
}

func (w *Web) card(l classroom.Lesson, own bool) classCard {
	c := classCard{ID: l.ID, Title: l.Title, Own: own, StartsAt: l.StartsAt, CreatedAt: l.CreatedAt, Locked: l.Locked}
	if s, ok := w.d.Classes.Live(l.ID); ok {
		c.People, c.Live, c.Presenting = s.People, !s.LiveSince.IsZero(), s.Presenting
	}
	return c
}

type newClassPage struct {
	page
	Title string
	Error string // key
}

func (v *visit) needTeacher() error {
	if err := v.needAccount(); err != nil {
		return err
	}
	if !mayTeach(v.account) {
		return classroom.ErrNotAllowed
	}
	return nil
}

func (w *Web) newClassPage(v *visit) error {
	if err := v.needTeacher(); err != nil {
		return err
	}
	return v.render(http.StatusOK, "class-new", newClassPage{page: v.page()})
}

func (w *Web) newClass(v *visit) error {
	if err := v.needTeacher(); err != nil {
		return err
	}
	p := newClassPage{page: v.page(), Title: v.c.Request.PostForm.Get("title")}
	_, err := w.d.Classes.CreateLesson(v.c.Request.Context(), p.Title, v.account.ID)
	if errors.Is(err, classroom.ErrTitleInvalid) {
		p.Error = "classes.title.invalid"
		return v.render(http.StatusUnprocessableEntity, "class-new", p)
	}
	if err != nil {
		return err
	}
	return v.redirect("/classes?done=class")
}

// WithCard pairs a card with its page for the template that draws it.
func (p classesPage) WithCard(c classCard) any {
	return struct {
		Page classesPage
		Card classCard
	}{p, c}
}
