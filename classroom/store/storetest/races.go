package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"

	"kelas/classroom"
)

// raceCompareAndSet: 100 increments by four writers end at 100.
func raceCompareAndSet(h *harness) {
	u := user("u1", "siti")
	u.DisplayName = "0"
	h.ok(h.s.PutUser(h.ctx, u))
	first := must(h.s.User(h.ctx, "u1"))(h).Rev
	increment := func() error {
		for {
			u, err := h.s.User(h.ctx, "u1")
			if err != nil {
				return err
			}
			var n int
			if _, err := fmt.Sscan(u.DisplayName, &n); err != nil {
				return err
			}
			u.DisplayName = fmt.Sprint(n + 1)
			if _, err = h.s.UpdateUser(h.ctx, u); !errors.Is(err, classroom.ErrConflict) {
				return err
			}
		}
	}
	together(4, func(w int) {
		for range 25 {
			if err := increment(); err != nil {
				h.Errorf("writer %d: %v", w, err)
				return
			}
		}
	})
	got := must(h.s.User(h.ctx, "u1"))(h)
	same(h, "the count", got.DisplayName, "100")
	same(h, "the rev", got.Rev, first+100)
}

// raceJoin: one person opens several tabs at once and is one participant.
func raceJoin(h *harness) {
	for round := range 10 {
		class, key := fmt.Sprintf("c%d", round), "user:1"
		var won atomic.Int32
		ids := make([]string, 6)
		together(len(ids), func(i int) {
			p := participant(class, fmt.Sprintf("p%d-%d", round, i), key)
			switch err := h.s.PutParticipant(h.ctx, p); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, classroom.ErrExists):
				h.Errorf("tab %d: %v", i, err)
				return
			}
			// Winner and losers alike find who they are.
			got, err := h.s.ParticipantByKey(h.ctx, class, key)
			if err != nil {
				h.Errorf("tab %d: %v", i, err)
				return
			}
			ids[i] = got.ID
		})
		same(h, "the number of winners", won.Load(), int32(1))
		for _, id := range ids {
			same(h, "the participant", id, ids[0])
		}
		same(h, "the roster's length", len(must(h.s.Participants(h.ctx, class))(h)), 1)
	}
}

// raceNames: one login name goes to one account, in whatever case.
func raceNames(h *harness) {
	for round := range 5 {
		var won atomic.Int32
		together(4, func(i int) {
			name := fmt.Sprintf("guru%d", round)
			if i%2 == 1 {
				name = fmt.Sprintf("GURU%d", round)
			}
			switch err := h.s.PutUser(h.ctx, user(fmt.Sprintf("u%d-%d", round, i), name)); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, classroom.ErrExists):
				h.Errorf("account %d: %v", i, err)
			}
		})
		same(h, "the number of winners", won.Load(), int32(1))
	}
	same(h, "the number of accounts", must(h.s.CountUsers(h.ctx))(h), 5)
}

// raceSettings: all racers to put get the same value, and of all racers to
// delete one wins: the set-up link works once.
func raceSettings(h *harness) {
	for round := range 10 {
		key := fmt.Sprintf("key%d", round)
		got := make([]string, 6)
		together(len(got), func(i int) {
			v, err := h.s.PutSettingOnce(h.ctx, key, []byte{byte('a' + i)})
			if err != nil {
				h.Errorf("putter %d: %v", i, err)
			}
			got[i] = string(v)
		})
		for _, v := range got {
			same(h, "the value", v, got[0])
		}
		var won atomic.Int32
		together(6, func(i int) {
			switch err := h.s.DeleteSetting(h.ctx, key); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, classroom.ErrNotFound):
				h.Errorf("deleter %d: %v", i, err)
			}
		})
		same(h, "the number of winners", won.Load(), int32(1))
	}
}

// raceExternal: a lesson that another system makes from several of its
// servers at once is one.
func raceExternal(h *harness) {
	for round := range 5 {
		var won atomic.Int32
		together(6, func(i int) {
			l := lesson(fmt.Sprintf("l%d-%d", round, i), "", i)
			l.External = fmt.Sprintf("room %d", round)
			switch err := h.s.PutLesson(h.ctx, l); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, classroom.ErrExists):
				h.Errorf("server %d: %v", i, err)
			}
		})
		same(h, "lessons made", won.Load(), 1)
	}
}
