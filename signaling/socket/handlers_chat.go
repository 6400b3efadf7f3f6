package socket

import (
	"context"

	"kelas/classroom"
	"kelas/signaling/wire"
)

func chat(ctx context.Context, c call, req *wire.ChatRequest) (any, error) {
	kind := classroom.ChatKind(req.Kind)
	if kind == "" {
		kind = classroom.ChatMessage
	}
	entry, err := c.session.SendChat(ctx, classroom.ChatRequest{Kind: kind, To: req.To, Text: req.Text, ClientID: req.ClientID})
	if err != nil {
		return nil, err
	}
	own := entryFor(entry, c.client.participantID())
	return wire.ChatAck{Ack: wire.Ack{OK: true}, Entry: &own}, nil
}

func chatDelete(ctx context.Context, c call, req *wire.SeqRequest) (any, error) {
	return nil, c.session.DeleteChat(ctx, req.Seq)
}

func chatHistory(ctx context.Context, c call, req *wire.HistoryRequest) (any, error) {
	entries, more, err := c.session.History(ctx, req.Before, req.Limit)
	if err != nil {
		return nil, err
	}
	return wire.HistoryAck{Ack: wire.Ack{OK: true}, Entries: entriesFor(entries, c.client.participantID()), More: more}, nil
}
