package web

import (
	"net/http"
	"strconv"
	"time"

	"kelas/classroom"
)

// chatPageSize is how many messages one page of what remains shows.
const chatPageSize = 200

type afterPage struct {
	page
	Title, ClassID string
	MaySeeAll      bool // attendance
	Mine           []stay
	Chat           []chatLine
	Older          int64 // seq to ask for older ones before, 0 for none
	Files          []fileLine
}

type chatLine struct {
	classroom.ChatEntry
	Private, Announcement bool
}

type fileLine struct {
	classroom.FileInfo
	Previewable, MayDelete bool
}

// after is what remains of a class for one of its people.
func (w *Web) after(v *visit) error {
	p, err := v.person()
	if err != nil {
		return err
	}
	ctx, id := v.c.Request.Context(), p.lesson.ID
	out := afterPage{page: v.page(), Title: p.lesson.Title, ClassID: id, MaySeeAll: p.may(classroom.ActSeeAttendance)}
	if p.participant != nil {
		stays, err := w.d.Classes.Attendance(ctx, id)
		if err != nil {
			return err
		}
		for _, s := range stays {
			if s.ParticipantID == p.participant.ID {
				out.Mine = append(out.Mine, stayOf(s, w.cfg.Now()))
			}
		}
	}
	if out.Chat, out.Older, err = w.chatBefore(v, p); err != nil {
		return err
	}
	list, err := w.d.Shelf.List(ctx, id)
	if err != nil {
		return err
	}
	for _, f := range list {
		out.Files = append(out.Files, fileLine{FileInfo: f, Previewable: previewTypes[f.Type], MayDelete: p.mayDelete(f)})
	}
	return v.render(http.StatusOK, "after", out)
}

func (p person) mayDelete(f classroom.FileInfo) bool {
	return p.may(classroom.ActDeleteAnyFile) ||
		p.participant != nil && p.participant.ID == f.OwnerID && p.may(classroom.ActDeleteOwnFile)
}

func (w *Web) chatBefore(v *visit, p person) (lines []chatLine, older int64, err error) {
	before, err := strconv.ParseInt(v.c.DefaultQuery("before", "0"), 10, 64)
	if err != nil || before < 0 {
		before = 0
	}
	q := classroom.ChatQuery{ClassID: p.lesson.ID, Before: before, Last: true, Limit: chatPageSize + 1}
	if p.participant != nil {
		q.For = p.participant.ID
	}
	entries, err := w.d.Classes.Chat(v.c.Request.Context(), q)
	if err != nil {
		return nil, 0, err
	}
	if len(entries) > chatPageSize {
		entries = entries[1:]
		older = entries[0].Seq
	}
	for _, e := range entries {
		if e.Kind != classroom.ChatDeletion {
			lines = append(lines, chatLine{e, e.Kind == classroom.ChatPrivate, e.Kind == classroom.ChatAnnouncement})
		}
	}
	return lines, older, nil
}

// stay is one stay as the pages show it.
type stay struct {
	Name, Role   string
	Joined, Left time.Time // Left is zero while it lasts
	Minutes      int
}

func stayOf(a classroom.Attendance, now time.Time) stay {
	end := a.LeftAt
	if end.IsZero() {
		end = now
	}
	return stay{Name: a.Name, Role: string(a.Role), Joined: a.JoinedAt, Left: a.LeftAt,
		Minutes: int(end.Sub(a.JoinedAt).Round(time.Minute) / time.Minute)}
}

// attendee is one person's stays together.
type attendee struct {
	Name, Role  string
	First, Last time.Time // Last is zero while somebody is in
	Minutes     int
	Stays       []stay
}

type attendancePage struct {
	page
	Title, ClassID string
	People         []*attendee
}

func (w *Web) stays(v *visit) (classroom.Lesson, []classroom.Attendance, error) {
	p, err := v.person()
	if err != nil {
		return p.lesson, nil, err
	}
	if !p.may(classroom.ActSeeAttendance) {
		return p.lesson, nil, classroom.ErrNotAllowed
	}
	list, err := w.d.Classes.Attendance(v.c.Request.Context(), p.lesson.ID)
	return p.lesson, list, err
}

func (w *Web) attendance(v *visit) error {
	lesson, list, err := w.stays(v)
	if err != nil {
		return err
	}
	out := attendancePage{page: v.page(), Title: lesson.Title, ClassID: lesson.ID}
	by := map[string]*attendee{}
	total := map[string]time.Duration{}
	now := w.cfg.Now()
	for _, a := range list {
		s := stayOf(a, now)
		p := by[a.ParticipantID]
		if p == nil {
			p = &attendee{Name: a.Name, First: a.JoinedAt}
			by[a.ParticipantID] = p
			out.People = append(out.People, p)
		}
		p.Role, p.Stays = string(a.Role), append(p.Stays, s)
		p.Last = a.LeftAt
		end := a.LeftAt
		if end.IsZero() {
			end = now
		}
		total[a.ParticipantID] += end.Sub(a.JoinedAt)
		p.Minutes = int(total[a.ParticipantID].Round(time.Minute) / time.Minute)
	}
	return v.render(http.StatusOK, "attendance", out)
}
