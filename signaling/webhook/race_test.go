package webhook

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"kelas/classroom"
	"kelas/classroom/classroomtest"
)

// slowStore holds up the first reading of the webhooks after it was armed: it
// has the list of that moment and hands it on when release is closed.
type slowStore struct {
	*classroomtest.MemStore
	armed   atomic.Bool
	read    chan struct{}
	release chan struct{}
}

func (s *slowStore) Webhooks(ctx context.Context) ([]classroom.Webhook, error) {
	list, err := s.MemStore.Webhooks(ctx)
	if s.armed.CompareAndSwap(true, false) {
		close(s.read)
		<-s.release
	}
	return list, err
}

// Two are made at once, and the older reading is the slower one: both are
// there afterwards.
func TestAnOlderReadingDoesNotComeLast(t *testing.T) {
	s := &slowStore{MemStore: classroomtest.NewMemStore(), read: make(chan struct{}), release: make(chan struct{})}
	e, err := New(t.Context(), Config{}, Deps{Store: s, Caller: &receiver{}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	s.armed.Store(true)
	made := make(chan error, 2)
	create := func() {
		_, err := e.Create(t.Context(), classroom.Webhook{URL: "https://lms.example/in"})
		made <- err
	}
	go create()
	<-s.read
	go create()
	// The second either waits for the first, as it should, or overtakes it.
	var second error
	overtook := false
	select {
	case second = <-made:
		overtook = true
	case <-time.After(50 * time.Millisecond):
	}
	close(s.release)
	for _, err := range []error{<-made, second} {
		if err != nil {
			t.Error(err)
		}
	}
	if !overtook {
		if err := <-made; err != nil {
			t.Error(err)
		}
	}
	if n := len(e.List()); n != 2 {
		t.Errorf("%d webhooks are known of 2", n)
	}
}

// A subscription that another process has made gets what waits for it.
func TestAnotherProcessMadeIt(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *rig) {
		w := classroom.Webhook{ID: "elsewhere", URL: "https://lms.example/in", Secret: NewSecret(), Active: true, CreatedAt: time.Now()}
		r.must(r.store.PutWebhook(t.Context(), w))
		body, err := payload(said("c1", 1))
		r.must(err)
		r.must(r.e.put(t.Context(), []classroom.Delivery{r.e.delivery(w, "msg_1", "c1", classroom.ChatSent, body)}))
		wait(time.Second)
		equal(t, "came", r.texts(), []string{"pesan 1"})
	})
}
