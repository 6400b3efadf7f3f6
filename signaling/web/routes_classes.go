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

// classForm is the page that makes a class or changes one.
type classForm struct {
	page
	ClassID  string // "" for a new one
	Title    string
	StartsAt time.Time // zero: not planned
	Error    string    // key
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
	return v.render(http.StatusOK, "class-form", classForm{page: v.page()})
}

func (w *Web) newClass(v *visit) error {
	if err := v.needTeacher(); err != nil {
		return err
	}
	f := v.classForm("")
	if f.Error == "" {
		_, err := w.d.Classes.PlanLesson(v.c.Request.Context(), f.Title, v.account.ID, f.StartsAt)
		return w.classSaved(v, f, err)
	}
	return v.render(http.StatusUnprocessableEntity, "class-form", f)
}

func (w *Web) editClassPage(v *visit) error {
	lesson, err := v.ownLesson()
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, "class-form", classForm{page: v.page(), ClassID: lesson.ID, Title: lesson.Title, StartsAt: lesson.StartsAt})
}

func (w *Web) editClass(v *visit) error {
	lesson, err := v.ownLesson()
	if err != nil {
		return err
	}
	f := v.classForm(lesson.ID)
	if f.Error == "" {
		return w.classSaved(v, f, w.d.Classes.EditLesson(v.c.Request.Context(), lesson.ID, f.Title, f.StartsAt))
	}
	return v.render(http.StatusUnprocessableEntity, "class-form", f)
}

func (w *Web) classSaved(v *visit, f classForm, err error) error {
	if errors.Is(err, classroom.ErrTitleInvalid) {
		f.Error = "classes.title.invalid"
		return v.render(http.StatusUnprocessableEntity, "class-form", f)
	}
	if err != nil {
		return err
	}
	return v.redirect("/classes?done=class")
}

// ownLesson is the class of the address for its owner or an administrator.
func (v *visit) ownLesson() (classroom.Lesson, error) {
	if err := v.needTeacher(); err != nil {
		return classroom.Lesson{}, err
	}
	lesson, err := v.lesson(v.c.Param("class"))
	if err == nil && lesson.OwnerID != v.account.ID && v.account.Role != auth.AccountAdmin {
		err = classroom.ErrNotAllowed
	}
	return lesson, err
}

// classForm reads the form. A time is as the person's clock shows it; the
// page's script says in which zone.
func (v *visit) classForm(classID string) classForm {
	post := v.c.Request.PostForm
	f := classForm{page: v.page(), ClassID: classID, Title: post.Get("title")}
	if at := post.Get("starts"); at != "" {
		zone, err := time.LoadLocation(post.Get("zone"))
		if err == nil {
			f.StartsAt, err = time.ParseInLocation("2006-01-02T15:04", at, zone)
		}
		if err != nil || f.StartsAt.Year() < 2000 || f.StartsAt.Year() > 9999 {
			f.StartsAt, f.Error = time.Time{}, "classes.starts.invalid"
		}
	}
	return f
}

// WithCard pairs a card with its page for the template that draws it.
func (p classesPage) WithCard(c classCard) any {
	return struct {
		Page classesPage
		Card classCard
	}{p, c}
}
