package rest

import (
	"cmp"
	"net/http"
	"time"

	"kelas/classroom"
)

type class struct {
	ID        string     `json:"id" doc:"Also the id of its lesson"`
	Title     string     `json:"title" doc:"What it is called"`
	URL       string     `json:"url" format:"uri" doc:"Page of the class"`
	Locked    bool       `json:"locked" doc:"Nobody new may come in"`
	EndedAt   *time.Time `json:"endedAt,omitempty" doc:"When it was ended for all"`
	People    int        `json:"people" doc:"How many are in it"`
	Bots      int        `json:"bots" doc:"How many of these are programs"`
	LiveSince *time.Time `json:"liveSince,omitempty" doc:"Since when somebody presents; absent while nobody does"`
	Presenter *presenter `json:"presenter,omitempty" doc:"Who presents"`
}

type presenter struct {
	ID   string `json:"id" doc:"Id of the participant"`
	Name string `json:"name" doc:"Name of the participant"`
}

type participant struct {
	ID         string    `json:"id" doc:"Id in this class"`
	Name       string    `json:"name" doc:"As others see it"`
	Role       string    `json:"role" enum:"presenter,moderator,viewer" doc:"What it may do"`
	Bot        bool      `json:"bot" doc:"A program"`
	Removed    bool      `json:"removed" doc:"Was put out and may not come back"`
	UserID     string    `json:"userId,omitempty" doc:"Its account"`
	ExternalID string    `json:"externalId,omitempty" doc:"Its id in the system that made its join link"`
	FirstSeen  time.Time `json:"firstSeen" doc:"When it first came"`
	LastSeen   time.Time `json:"lastSeen" doc:"When it was last here"`
	Present    bool      `json:"present" doc:"Is in the class now"`
	Presence   string    `json:"presence,omitempty" enum:"here,away,lost" doc:"Of one that is present: looks at the page, has it in the background, or its line is cut"`
	Presenting bool      `json:"presenting" doc:"Presents now"`
}

type classPath struct {
	Class string `path:"class" max:"64" doc:"Id of a class"`
}

type participantPath struct {
	classPath
	Participant string `path:"participant" max:"128" doc:"Id of a participant"`
}

type participantFilter struct {
	classPath
	paging
	Present bool `query:"present" doc:"Only those that are in the class now"`
}

type lockBody struct {
	Locked bool `json:"locked" doc:"Nobody new may come in"`
}

type rolePatch struct {
	Role string `json:"role" enum:"presenter,moderator,viewer" doc:"What it may do from now on"`
}

func classOperations() []operation {
	return []operation{
		define(operation{method: "GET", path: "/classes", id: "listClasses", tag: "classes", scope: "classes:read",
			summary: "List the classes that somebody is in"}, listClasses),
		define(operation{method: "GET", path: "/classes/{class}", id: "getClass", tag: "classes", scope: "classes:read",
			summary: "See what goes on in a class", problems: []int{404}}, getClass),
		define(operation{method: "PUT", path: "/classes/{class}/lock", id: "lockClass", tag: "classes", scope: "classes:write",
			summary: "Lock a class or open it again", about: "Who was in it may come back, and who teaches may always come.",
			problems: []int{404}}, lockClass),
		define(operation{method: "POST", path: "/classes/{class}/end", id: "endClass", tag: "classes", scope: "classes:write",
			summary: "End a class for all", about: "The owner's coming in opens it again.",
			status: http.StatusNoContent, problems: []int{404}}, endClass),
		define(operation{method: "GET", path: "/classes/{class}/participants", id: "listParticipants", tag: "classes", scope: "classes:read",
			summary: "List everybody who is or was in a class", problems: []int{404}}, listParticipants),
		define(operation{method: "GET", path: "/classes/{class}/participants/{participant}", id: "getParticipant", tag: "classes",
			scope: "classes:read", summary: "See one participant", etag: true, problems: []int{404}}, getParticipant),
		define(operation{method: "PATCH", path: "/classes/{class}/participants/{participant}", id: "editParticipant", tag: "classes",
			scope: "classes:write", summary: "Give a participant another role", about: "Not that of the lesson's owner.",
			edits: true, etag: true, problems: []int{404}}, editParticipant),
		define(operation{method: "DELETE", path: "/classes/{class}/participants/{participant}", id: "removeParticipant", tag: "classes",
			scope: "classes:write", summary: "Put a participant out of a class for good", about: "Not the lesson's owner.",
			status: http.StatusNoContent, problems: []int{404}}, removeParticipant),
	}
}

func (c *call) class(l classroom.Lesson) class {
	out := class{ID: l.ID, Title: l.Title, URL: c.origin() + "/c/" + l.ID, Locked: l.Locked, EndedAt: moment(l.EndedAt)}
	v, roster, ok := c.door.d.Classes.View(l.ID)
	if !ok {
		return out
	}
	out.Title, out.Locked, out.People, out.LiveSince = v.Title, v.Locked, len(roster), moment(v.LiveSince)
	for _, p := range roster {
		if p.Bot {
			out.Bots++
		}
		if p.ID == v.PresenterID {
			out.Presenter = &presenter{ID: p.ID, Name: p.Name}
		}
	}
	return out
}

func listClasses(c *call, p paging, _ none) (list[class], error) {
	var failed error
	out, err := pageOf(p, c.door.d.Classes.Occupied(), func(id string) place { return place{ID: id} },
		func(id string, from place) bool { return id > from.ID },
		func(id string) class {
			l, err := c.lessonOf(id)
			if err != nil {
				failed = err
			}
			return c.class(l)
		})
	return out, cmp.Or(err, failed)
}

func getClass(c *call, p classPath, _ none) (class, error) {
	l, err := c.lessonOf(p.Class)
	return c.class(l), err
}

func lockClass(c *call, p classPath, b lockBody) (class, error) {
	l, err := c.lessonOf(p.Class)
	if err == nil {
		err = c.door.d.Classes.LockLesson(c.gin.Request.Context(), l.ID, b.Locked)
	}
	if err != nil {
		return class{}, err
	}
	return getClass(c, p, none{})
}

func endClass(c *call, p classPath, _ none) (none, error) {
	l, err := c.lessonOf(p.Class)
	if err == nil {
		err = c.door.d.Classes.EndLesson(c.gin.Request.Context(), l.ID, c.by())
	}
	return none{}, err
}

func showParticipant(a classroom.Attendant) participant {
	p := participant{ID: a.ID, Name: a.Name, Role: string(a.Role), Bot: a.Bot(), Removed: a.Removed, UserID: a.UserID,
		ExternalID: a.ExternalID(), FirstSeen: a.FirstSeen.UTC(), LastSeen: a.LastSeen.UTC()}
	if a.Here != nil {
		p.Present, p.Presence, p.Presenting = true, string(a.Here.Presence), a.Here.Presenting
	}
	return p
}

// tag is the version of what can be changed of a participant.
func (p participant) tag() string {
	removed := ""
	if p.Removed {
		removed = "removed"
	}
	return digest(p.ID, p.Role, removed)
}

func (c *call) roster(classID string) ([]classroom.Attendant, error) {
	if _, err := c.lessonOf(classID); err != nil {
		return nil, err
	}
	return c.door.d.Classes.Roster(c.gin.Request.Context(), classID)
}

func listParticipants(c *call, p participantFilter, _ none) (list[participant], error) {
	all, err := c.roster(p.Class)
	if err != nil {
		return list[participant]{}, err
	}
	if p.Present {
		here := all[:0]
		for _, a := range all {
			if a.Here != nil {
				here = append(here, a)
			}
		}
		all = here
	}
	return pageOf(p.paging, all,
		func(a classroom.Attendant) place { return place{At: a.FirstSeen.UnixMilli(), ID: a.ID} },
		func(a classroom.Attendant, from place) bool {
			return cmp.Or(cmp.Compare(a.FirstSeen.UnixMilli(), from.At), cmp.Compare(a.ID, from.ID)) > 0
		}, showParticipant)
}

func (c *call) participant(at participantPath) (participant, error) {
	all, err := c.roster(at.Class)
	if err != nil {
		return participant{}, err
	}
	for _, a := range all {
		if a.ID == at.Participant {
			return showParticipant(a), nil
		}
	}
	return participant{}, classroom.ErrNoSuchParticipant
}

func getParticipant(c *call, p participantPath, _ none) (participant, error) {
	out, err := c.participant(p)
	c.etag = out.tag()
	return out, err
}

func editParticipant(c *call, p participantPath, b rolePatch) (participant, error) {
	now, err := c.participant(p)
	if err != nil {
		return participant{}, err
	}
	if err := c.unchanged(now.tag()); err != nil {
		return participant{}, err
	}
	err = c.door.d.Classes.ChangeRole(c.gin.Request.Context(), p.Class, p.Participant, classroom.Role(now.Role), classroom.Role(b.Role))
	if err != nil {
		return participant{}, stale(err)
	}
	return getParticipant(c, p, none{})
}

func removeParticipant(c *call, p participantPath, _ none) (none, error) {
	if _, err := c.lessonOf(p.Class); err != nil {
		return none{}, err
	}
	return none{}, c.door.d.Classes.RemoveParticipant(c.gin.Request.Context(), p.Class, p.Participant, c.by())
}
