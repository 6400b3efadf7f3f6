package bbb

import (
	"context"

	"kelas/classroom"
)

// keySystem is who speaks for the LMS in a class's chat.
const keySystem = "lms-system:"

// sendChatMessage says something to all in a meeting. It is stored when it is
// answered.
func sendChatMessage(ctx context.Context, c *call) ([]node, error) {
	l, err := c.meeting(ctx)
	if err != nil {
		return nil, err
	}
	name := line(c.p["userName"], fullNameMax)
	if name == "" {
		name = "System"
	}
	_, err = c.b.d.Classes.Post(ctx, l.ID, classroom.Identity{Key: keySystem + name, Name: name, Role: classroom.RoleModerator},
		classroom.ChatRequest{Kind: classroom.ChatMessage, Text: c.p["message"]})
	if err != nil {
		return nil, err
	}
	return withMessage("", ""), nil
}
