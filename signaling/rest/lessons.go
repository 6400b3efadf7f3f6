package rest

import (
	"errors"
	"net/http"
	"time"

	"kelas/classroom"
	"kelas/signaling/auth"
)

type lesson struct {
	ID        string     `json:"id" doc:"Also the id of its class"`
	Title     string     `json:"title" doc:"What it is called"`
	OwnerID   string     `json:"ownerId,omitempty" doc:"Account of the teacher who owns it"`
	CreatedAt time.Time  `json:"createdAt" doc:"When it was made"`
	StartsAt  *time.Time `json:"startsAt,omitempty" doc:"When it is planned to begin"`
	EndedAt   *time.Time `json:"endedAt,omitempty" doc:"When it was ended for all; absent while it may be joined"`
	Locked    bool       `json:"locked" doc:"Nobody new may come in"`
	Occupied  bool       `json:"occupied" doc:"Somebody is in it now"`
	URL       string     `json:"url" format:"uri" doc:"Page of the class"`
}

type lessonNew struct {
	Title    string     `json:"title" min:"1" max:"200" doc:"What it is called"`
	StartsAt *time.Time `json:"startsAt,omitempty" doc:"When it is planned to begin"`
	OwnerID  string     `json:"ownerId,omitempty" max:"64" doc:"Account of the teacher who owns it: opens it again after its end and is never removed from it"`
}

type lessonPatch struct {
	Title    *string          `json:"title,omitempty" min:"1" max:"200" doc:"What it is called"`
	StartsAt maybe[time.Time] `json:"startsAt,omitzero" doc:"When it is planned to begin; null for no plan"`
	Locked   *bool            `json:"locked,omitempty" doc:"Nobody new may come in"`
}

type lessonPath struct {
	Lesson string `path:"lesson" max:"64" doc:"Id of a lesson"`
}

type lessonFilter struct {
	paging
	OwnerID string `query:"ownerId" max:"64" doc:"Only those of one account"`
}

func lessonOperations() []operation {
	return []operation{
		define(operation{method: "GET", path: "/lessons", id: "listLessons", tag: "lessons", scope: "lessons:read",
			summary: "List lessons, newest first"}, listLessons),
		define(operation{method: "POST", path: "/lessons", id: "createLesson", tag: "lessons", scope: "lessons:write",
			summary: "Make a lesson", status: http.StatusCreated, creates: true, etag: true}, createLesson),
		define(operation{method: "GET", path: "/lessons/{lesson}", id: "getLesson", tag: "lessons", scope: "lessons:read",
			summary: "Read a lesson", etag: true, problems: []int{404}}, getLesson),
		define(operation{method: "PATCH", path: "/lessons/{lesson}", id: "editLesson", tag: "lessons", scope: "lessons:write",
			summary: "Change a lesson", about: "Members that are absent stay as they are. Who is in the class sees the change at once.",
			edits: true, etag: true, problems: []int{404}}, editLesson),
		define(operation{method: "DELETE", path: "/lessons/{lesson}", id: "deleteLesson", tag: "lessons", scope: "lessons:write",
			summary: "Delete a lesson with everything in it",
			about:   "Ends the class for all, then deletes its participants, chat, attendance and files for good. To end a class and keep what was in it: endClass.",
			status:  http.StatusNoContent, problems: []int{404}}, deleteLesson),
	}
}

func (c *call) lesson(l classroom.Lesson) lesson {
	_, _, occupied := c.door.d.Classes.View(l.ID)
	return lesson{ID: l.ID, Title: l.Title, OwnerID: l.OwnerID, CreatedAt: l.CreatedAt.UTC(), StartsAt: moment(l.StartsAt),
		EndedAt: moment(l.EndedAt), Locked: l.Locked, Occupied: occupied, URL: c.origin() + "/c/" + l.ID}
}

func listLessons(c *call, p lessonFilter, _ none) (list[lesson], error) {
	out := list[lesson]{Items: []lesson{}}
	q := classroom.LessonQuery{OwnerID: p.OwnerID, Limit: p.Limit + 1}
	from, ok, err := p.begin()
	if err != nil {
		return out, err
	}
	if ok {
		q.BeforeAt, q.BeforeID = from.time(), from.ID
	}
	page, err := c.door.d.Classes.LessonsPage(c.gin.Request.Context(), q)
	if err != nil {
		return out, err
	}
	if len(page) > p.Limit {
		page = page[:p.Limit]
		last := page[p.Limit-1]
		out.Next = place{At: last.CreatedAt.UnixMilli(), ID: last.ID}.cursor()
	}
	for _, l := range page {
		out.Items = append(out.Items, c.lesson(l))
	}
	return out, nil
}

func createLesson(c *call, _ none, b lessonNew) (lesson, error) {
	ctx := c.gin.Request.Context()
	if b.OwnerID != "" {
		owner, err := c.door.d.Accounts.ByID(ctx, b.OwnerID)
		if errors.Is(err, auth.ErrNotFound) || err == nil && owner.Role == auth.AccountStudent {
			return lesson{}, &invalid{[]complaint{{Pointer: "/ownerId", Detail: "is no account of a teacher or administrator"}}}
		}
		if err != nil {
			return lesson{}, err
		}
	}
	var starts time.Time
	if b.StartsAt != nil {
		starts = *b.StartsAt
	}
	l, err := c.door.d.Classes.AddLesson(ctx, c.newID("lesson"), b.Title, b.OwnerID, starts)
	if err != nil {
		return lesson{}, err
	}
	c.etag, c.location = revision(l.Rev), Prefix+"/lessons/"+l.ID
	return c.lesson(l), nil
}

func getLesson(c *call, p lessonPath, _ none) (lesson, error) {
	l, err := c.lessonOf(p.Lesson)
	if err != nil {
		return lesson{}, err
	}
	c.etag = revision(l.Rev)
	return c.lesson(l), nil
}

func editLesson(c *call, p lessonPath, b lessonPatch) (lesson, error) {
	l, err := c.lessonOf(p.Lesson)
	if err != nil {
		return lesson{}, err
	}
	if err := c.unchanged(revision(l.Rev)); err != nil {
		return lesson{}, err
	}
	edit := classroom.LessonEdit{Title: b.Title, Locked: b.Locked}
	if b.StartsAt.Set {
		edit.StartsAt = new(time.Time)
		if b.StartsAt.Value != nil {
			edit.StartsAt = b.StartsAt.Value
		}
	}
	if l, err = c.door.d.Classes.ReviseLesson(c.gin.Request.Context(), l.ID, l.Rev, edit); err != nil {
		return lesson{}, stale(err)
	}
	c.etag = revision(l.Rev)
	return c.lesson(l), nil
}

func deleteLesson(c *call, p lessonPath, _ none) (none, error) {
	if !auth.ValidClassID(p.Lesson) {
		return none{}, classroom.ErrClassNotFound
	}
	return none{}, c.door.d.Classes.DeleteLesson(c.gin.Request.Context(), p.Lesson, c.by())
}
