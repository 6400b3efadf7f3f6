package bbb

import (
	"context"
	"math"
	"strings"
	"time"

	"kelas/classroom"
)

// analyticsReport is the body of the analytics callback.
type analyticsReport struct {
	Version           string     `json:"version"`
	MeetingID         string     `json:"meeting_id"`
	InternalMeetingID string     `json:"internal_meeting_id"`
	Data              reportData `json:"data"`
}

type reportData struct {
	Metadata  map[string]any   `json:"metadata"`
	Duration  int64            `json:"duration"` // seconds
	Start     string           `json:"start"`
	Finish    string           `json:"finish"`
	Attendees []reportAttendee `json:"attendees"`
	Files     []string         `json:"files"`
	Polls     []string         `json:"polls"` // there are none here
}

type reportAttendee struct {
	ExtUserID  string           `json:"ext_user_id"`
	Name       string           `json:"name"`
	Moderator  bool             `json:"moderator"`
	Joins      []string         `json:"joins"`
	Leaves     []string         `json:"leaves"`
	Duration   int64            `json:"duration"` // seconds
	Engagement reportEngagement `json:"engagement"`
}

// reportEngagement has members for what a class here does not count; they
// are 0, since an LMS reads them.
type reportEngagement struct {
	Chats     int `json:"chats"`
	Talks     int `json:"talks"`
	RaiseHand int `json:"raisehand"`
	Emojis    int `json:"emojis"`
	PollVotes int `json:"poll_votes"`
	TalkTime  int `json:"talk_time"`
}

const reportTime = "2006-01-02T15:04:05.000-07:00"

// report gathers from the store what a meeting was.
func (b *Door) report(ctx context.Context, l classroom.Lesson) (analyticsReport, error) {
	r := analyticsReport{Version: "1.0", MeetingID: l.External, InternalMeetingID: internalID(l), Data: reportData{
		Metadata: map[string]any{"meeting_name": l.Title, "is_breakout": false},
		Duration: seconds(l.EndedAt.Sub(l.CreatedAt)), Start: l.CreatedAt.UTC().Format(reportTime), Finish: l.EndedAt.UTC().Format(reportTime),
		Attendees: []reportAttendee{}, Files: []string{}, Polls: []string{}}}
	for name, value := range l.Settings.Notes {
		if key, ok := strings.CutPrefix(name, noteMeta); ok && !strings.HasPrefix(key, "gl-") && !strings.HasPrefix(key, "gl_") {
			r.Data.Metadata[strings.ReplaceAll(key, "-", "_")] = value
		}
	}
	people, err := b.d.Classes.Participants(ctx, l.ID)
	if err != nil {
		return r, err
	}
	stays, err := b.d.Classes.Attendance(ctx, l.ID)
	if err != nil {
		return r, err
	}
	chats, err := b.chats(ctx, l.ID)
	if err != nil {
		return r, err
	}
	for _, p := range people {
		a := reportAttendee{ExtUserID: externalUser(p), Name: p.Name, Moderator: roleOf(p) == roleModerator,
			Joins: []string{}, Leaves: []string{}, Engagement: reportEngagement{Chats: chats[p.ID]}}
		var there time.Duration
		for _, s := range stays {
			if s.ParticipantID == p.ID && !s.LeftAt.IsZero() {
				there += s.LeftAt.Sub(s.JoinedAt)
				a.Joins = append(a.Joins, s.JoinedAt.UTC().Format(reportTime))
				a.Leaves = append(a.Leaves, s.LeftAt.UTC().Format(reportTime))
			}
		}
		if len(a.Joins) > 0 { // who only spoke for the LMS was not there
			a.Duration = seconds(there)
			r.Data.Attendees = append(r.Data.Attendees, a)
		}
	}
	list, err := b.d.Shelf.List(ctx, l.ID)
	if err != nil {
		return r, err
	}
	for _, f := range list {
		r.Data.Files = append(r.Data.Files, f.Name)
	}
	return r, nil
}

// seconds rounds: a class of 59.9 s lasted a minute.
func seconds(d time.Duration) int64 { return int64(math.Round(d.Seconds())) }

// chats counts each participant's public messages.
func (b *Door) chats(ctx context.Context, classID string) (map[string]int, error) {
	const page = 500
	count := map[string]int{}
	for after := int64(0); ; {
		list, err := b.d.Classes.Chat(ctx, classroom.ChatQuery{ClassID: classID, After: after, Limit: page})
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			after = e.Seq
			if (e.Kind == classroom.ChatMessage || e.Kind == classroom.ChatAnnouncement) && e.ToID == "" {
				count[e.FromID]++
			}
		}
		if len(list) < page {
			return count, nil
		}
	}
}
