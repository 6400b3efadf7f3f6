package classroom_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	. "kelas/classroom"
	"kelas/classroom/classroomtest"
)

// deaf takes events as fast as can be.
type deaf struct{}

func (deaf) Deliver(Event) bool { return true }
func (deaf) Close(error)        {}

// BenchmarkSendChat is one message to a class of 500.
func BenchmarkSendChat(b *testing.B) {
	store := classroomtest.NewFaultyStore(classroomtest.NewMemStore())
	r, err := NewRegistry(Config{ChatRate: 1e9, ChatBurst: 1e9, JournalQueue: 1e9}, Deps{Store: store, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	lesson, err := r.CreateLesson(b.Context(), "Fisika", "")
	if err != nil {
		b.Fatal(err)
	}
	var s *Session
	for i := range 500 {
		s, _, err = r.Join(b.Context(), JoinRequest{ClassID: lesson.ID, Outlet: deaf{}, Identity: who(fmt.Sprint(i), RoleViewer)})
		if err != nil {
			b.Fatal(err)
		}
	}
	store.Refuse(func(ChatEntry) error { return ErrStoreUnavailable }) // the class alone is measured
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.SendChat(b.Context(), ChatRequest{Kind: ChatMessage, Text: "halo"}); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	cancelled, cancel := contextCancelled()
	defer cancel()
	_ = r.Close(cancelled)
}

func contextCancelled() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx, cancel
}
