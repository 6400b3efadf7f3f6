package rest

import (
	"cmp"
	"strconv"
	"time"

	"kelas/classroom"
	"kelas/signaling/sheet"
)

type stay struct {
	ID            string     `json:"id" doc:"Id of this stay"`
	ParticipantID string     `json:"participantId" doc:"Who it was"`
	Name          string     `json:"name" doc:"Name of the participant then"`
	Role          string     `json:"role" doc:"Role of the participant then"`
	UserID        string     `json:"userId,omitempty" doc:"Its account"`
	ExternalID    string     `json:"externalId,omitempty" doc:"Its id in the system that made its join link"`
	JoinedAt      time.Time  `json:"joinedAt" doc:"When it came"`
	LeftAt        *time.Time `json:"leftAt,omitempty" doc:"When it left; absent while it is here"`
	Seconds       int64      `json:"seconds" doc:"How long it was here, so far"`
}

type recording struct {
	ID        string    `json:"id" doc:"Id of the recording"`
	StartedAt time.Time `json:"startedAt" doc:"When it begins"`
}

type recordFilter struct {
	classPath
	paging
}

func recordOperations() []operation {
	return []operation{
		define(operation{method: "GET", path: "/classes/{class}/attendance", id: "listAttendance", tag: "records", scope: "attendance:read",
			summary: "List who was in a class and when", about: "One item for each stay, by its beginning.", problems: []int{404}}, listAttendance),
		define(operation{method: "GET", path: "/classes/{class}/attendance.csv", id: "exportAttendance", tag: "records", scope: "attendance:read",
			summary: "The attendance as a table", answerType: "text/csv", problems: []int{404}}, exportAttendance),
		define(operation{method: "GET", path: "/classes/{class}/recordings", id: "listRecordings", tag: "records", scope: "recordings:read",
			summary: "List the recordings of a class", about: "This server does not record: the list is empty.", problems: []int{404}}, listRecordings),
	}
}

// stays reads the attendance of a class, each with who it was elsewhere.
func (c *call) stays(classID string) ([]stay, error) {
	people, err := c.roster(classID)
	if err != nil {
		return nil, err
	}
	all, err := c.door.d.Classes.Attendance(c.gin.Request.Context(), classID)
	if err != nil {
		return nil, err
	}
	who := make(map[string]classroom.Attendant, len(people))
	for _, p := range people {
		who[p.ID] = p
	}
	now := c.door.cfg.Now()
	out := make([]stay, len(all))
	for i, a := range all {
		end := a.LeftAt
		if end.IsZero() {
			end = now
		}
		p := who[a.ParticipantID]
		out[i] = stay{ID: a.ID, ParticipantID: a.ParticipantID, Name: a.Name, Role: string(a.Role), UserID: p.UserID,
			ExternalID: p.ExternalID(), JoinedAt: a.JoinedAt.UTC(), LeftAt: moment(a.LeftAt),
			Seconds: int64(max(0, end.Sub(a.JoinedAt)) / time.Second)}
	}
	return out, nil
}

func listAttendance(c *call, p recordFilter, _ none) (list[stay], error) {
	all, err := c.stays(p.Class)
	if err != nil {
		return list[stay]{}, err
	}
	return pageOf(p.paging, all, func(s stay) place { return place{At: s.JoinedAt.UnixMilli(), ID: s.ID} },
		func(s stay, from place) bool {
			return cmp.Or(cmp.Compare(s.JoinedAt.UnixMilli(), from.At), cmp.Compare(s.ID, from.ID)) > 0
		},
		func(s stay) stay { return s })
}

func exportAttendance(c *call, p classPath, _ none) (raw, error) {
	all, err := c.stays(p.Class)
	if err != nil {
		return raw{}, err
	}
	c.attach("text/csv; charset=utf-8", "attendance-"+p.Class+".csv")
	w := sheet.New(c.gin.Writer)
	w.Row("participant", "name", "role", "userId", "externalId", "joinedAt", "leftAt", "seconds")
	for _, s := range all {
		left := ""
		if s.LeftAt != nil {
			left = stamp(*s.LeftAt)
		}
		w.Row(s.ParticipantID, s.Name, s.Role, s.UserID, s.ExternalID, stamp(s.JoinedAt), left, strconv.FormatInt(s.Seconds, 10))
	}
	_ = w.Flush() // the reader has left; there is nobody to tell
	return raw{}, nil
}

func listRecordings(c *call, p recordFilter, _ none) (list[recording], error) {
	_, err := c.lessonOf(p.Class)
	return list[recording]{Items: []recording{}}, err
}
