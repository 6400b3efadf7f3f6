package classroom_test

import (
	"math/rand/v2"
	"testing"
	"time"

	. "kelas/classroom"
)

func newRand(seed int) *rand.Rand { return rand.New(rand.NewPCG(uint64(seed), 7)) }

func (r *room) stays() []Attendance {
	r.t.Helper()
	return must2(r.reg.Attendance(r.t.Context(), r.lesson.ID))(r.t)
}

func TestAttendance(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		began := time.Now().UTC().Truncate(time.Millisecond)
		at := func(d time.Duration) time.Time { return began.Add(d) }
		one := r.join("Ani", RoleViewer)
		wait(time.Minute)
		two := r.join("Ani", RoleViewer) // a second tab is no second stay
		one.Leave(t.Context())
		wait(time.Minute)
		stays := r.stays()
		equal(t, "stays", len(stays), 1)
		equal(t, "joined", stays[0].JoinedAt, at(0))
		equal(t, "goes on", stays[0].LeftAt.IsZero(), true)
		if lag := time.Since(stays[0].LastSeen); lag > 15*time.Second {
			t.Fatalf("last seen %v ago", lag)
		}
		// A line that is cut and comes back does not end the stay.
		two.Disconnected()
		wait(20 * time.Second)
		two = two.resume(0)
		wait(time.Minute)
		equal(t, "stays", len(r.stays()), 1)
		// One that does not come back ends it where it was cut.
		cut := time.Now().UTC().Truncate(time.Millisecond)
		two.Disconnected()
		wait(time.Minute)
		stays = r.stays()
		equal(t, "left", stays[0].LeftAt, cut)
		again := r.join("Ani", RoleViewer)
		wait(time.Second)
		again.Leave(t.Context())
		wait(time.Second)
		stays = r.stays()
		equal(t, "stays", len(stays), 2)
		equal(t, "length of the second", stays[1].LeftAt.Sub(stays[1].JoinedAt), time.Second)
		// Of two tabs one is cut and the other leaves later: that is the end.
		one, two = r.join("Budi", RoleViewer), r.join("Budi", RoleViewer)
		one.Disconnected()
		wait(10 * time.Second)
		gone := time.Now().UTC().Truncate(time.Millisecond)
		two.Leave(t.Context())
		wait(time.Minute)
		equal(t, "left", r.stays()[2].LeftAt, gone)
		p := must2(r.mem.Participant(t.Context(), r.lesson.ID, again.pid()))(t)
		equal(t, "last seen", p.LastSeen, stays[1].LeftAt)
	})
}

// A crash ends the stays at most one heartbeat late; the next process closes
// them and begins new ones.
func TestAttendanceOverCrash(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		r.join("Ani", RoleViewer)
		wait(100 * time.Second)
		crashed := time.Now()
		r.store.Fail(ErrStoreUnavailable)
		r.crash()
		wait(time.Hour)
		r.start()
		stays := r.stays() // asking is enough to close them
		equal(t, "stays", len(stays), 1)
		if off := crashed.Sub(stays[0].LeftAt); off < 0 || off > 16*time.Second {
			t.Fatalf("the stay ended %v before the crash", off)
		}
		r.join("Ani", RoleViewer)
		wait(time.Second)
		stays = r.stays()
		equal(t, "stays", len(stays), 2)
		equal(t, "the new one goes on", stays[1].LeftAt.IsZero(), true)
	})
}

// Comings and goings while the store is away are all there in the end.
func TestAttendanceWithoutStore(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		r.join("Ani", RoleViewer).Leave(t.Context())
		wait(time.Second)
		r.store.Fail(ErrStoreUnavailable)
		for range 5 {
			p := r.join("Ani", RoleViewer)
			wait(20 * time.Second) // longer than a heartbeat
			p.Leave(t.Context())
			wait(time.Second)
		}
		last := r.join("Ani", RoleViewer)
		equal(t, "stays meanwhile", len(must2(r.mem.Attendance(t.Context(), r.lesson.ID))(t)), 1)
		r.store.Unclear(true)
		r.store.Fail(nil)
		wait(time.Minute)
		r.store.Unclear(false)
		wait(time.Minute)
		stays := r.stays()
		equal(t, "stays", len(stays), 7)
		for _, a := range stays[1:6] {
			equal(t, "length", a.LeftAt.Sub(a.JoinedAt), 20*time.Second)
		}
		equal(t, "the last goes on", stays[6].LeftAt.IsZero(), true)
		equal(t, "refused", r.reg.Stats().RecordsRefused, uint64(0))
		last.Leave(t.Context())
	})
}

// A stop of the server ends the stays when it stops.
func TestAttendanceOverStop(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		r.join("Ani", RoleViewer)
		wait(7 * time.Second)
		now := time.Now().UTC().Truncate(time.Millisecond)
		r.stop()
		stays := must2(r.mem.Attendance(t.Context(), r.lesson.ID))(t)
		equal(t, "left", stays[0].LeftAt, now)
	})
}
