package webhook

import (
	"encoding/json"
	"time"

	"kelas/classroom"
)

// What a receiver reads. Times are RFC 3339 in UTC with milliseconds. Fields
// may be added; none changes its meaning.
type (
	event struct {
		Type      string `json:"type"`
		Timestamp string `json:"timestamp"`
		Data      data   `json:"data"`
	}
	data struct {
		Class       class        `json:"class"`
		StartedAt   string       `json:"startedAt,omitempty"` // of the lesson
		Reason      string       `json:"reason,omitempty"`
		Participant *participant `json:"participant,omitempty"`
		Chat        *chat        `json:"chat,omitempty"`
		File        *file        `json:"file,omitempty"`
		Message     string       `json:"message,omitempty"` // of a test
	}
	class struct {
		ID      string `json:"id"`
		Title   string `json:"title"`
		OwnerID string `json:"ownerId,omitempty"`
	}
	participant struct {
		ID     string `json:"id"`
		UserID string `json:"userId,omitempty"`
		// ExternalID is what the system that made the join link calls the person.
		ExternalID string `json:"externalId,omitempty"`
		Name       string `json:"name"`
		Role       string `json:"role"`
	}
	chat struct {
		Seq    int64        `json:"seq"`
		Kind   string       `json:"kind"` // message, announcement, deletion
		From   *participant `json:"from"`
		Text   string       `json:"text,omitempty"`
		Target int64        `json:"target,omitempty"` // deletion: the seq that was deleted
	}
	file struct {
		ID        string `json:"id"`
		Name      string `json:"name,omitempty"`
		Size      int64  `json:"size,omitempty"`
		Type      string `json:"type,omitempty"`
		OwnerID   string `json:"ownerId,omitempty"` // participant
		OwnerName string `json:"ownerName,omitempty"`
	}
)

const stampFormat = "2006-01-02T15:04:05.000Z"

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(stampFormat)
}

// payload is a happening as receivers read it.
func payload(h classroom.Happening) ([]byte, error) {
	d := data{Class: class{h.ClassID, h.Title, h.OwnerID}, StartedAt: stamp(h.Since), Reason: h.Reason}
	if p := h.Participant; p != nil {
		d.Participant = &participant{ID: p.ID, UserID: p.UserID, ExternalID: p.ExternalID(), Name: p.Name, Role: string(p.Role)}
	}
	if c := h.Chat; c != nil {
		d.Chat = &chat{c.Seq, string(c.Kind), &participant{ID: c.FromID, Name: c.FromName, Role: string(c.FromRole)}, c.Text, c.Target}
	}
	if f := h.File; f != nil {
		d.File = &file{f.ID, f.Name, f.Size, f.Type, f.OwnerID, f.OwnerName}
	}
	return json.Marshal(event{h.Type, stamp(h.At), d})
}
