package socket

import (
	"context"

	"kelas/classroom"
	"kelas/signaling/wire"
)

func handOver(ctx context.Context, c call, req *wire.HandOverRequest) (any, error) {
	return nil, c.session.HandOver(ctx, req.To)
}

func takeBack(ctx context.Context, c call, _ *wire.EmptyRequest) (any, error) {
	return nil, c.session.TakeBack(ctx)
}

func setRole(ctx context.Context, c call, req *wire.RoleRequest) (any, error) {
	return nil, c.session.SetRole(ctx, req.Participant, classroom.Role(req.Role))
}

func remove(ctx context.Context, c call, req *wire.ParticipantRequest) (any, error) {
	return nil, c.session.Remove(ctx, req.Participant)
}

func lock(ctx context.Context, c call, req *wire.LockRequest) (any, error) {
	return nil, c.session.Lock(ctx, req.Locked)
}

func endClass(ctx context.Context, c call, _ *wire.EmptyRequest) (any, error) {
	return nil, c.session.EndClass(ctx)
}

func admit(ctx context.Context, c call, req *wire.AdmitRequest) (any, error) {
	return nil, c.session.Admit(ctx, req.ID, req.In)
}

func presence(ctx context.Context, c call, req *wire.PresenceRequest) (any, error) {
	return nil, c.session.SetPresence(ctx, req.Away)
}

func listFiles(ctx context.Context, c call, _ *wire.EmptyRequest) (any, error) {
	list, err := c.session.Files(ctx)
	if err != nil {
		return nil, err
	}
	return wire.FilesAck{Ack: wire.Ack{OK: true}, Files: files(list)}, nil
}

func fileDelete(ctx context.Context, c call, req *wire.FileRequest) (any, error) {
	return nil, c.session.DeleteFile(ctx, req.ID)
}
