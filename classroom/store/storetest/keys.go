package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"kelas/classroom"
)

func apiKey(id string, created int) classroom.APIKey {
	return classroom.APIKey{ID: id, Name: "Key " + id, Hash: "ab" + id, Scopes: []string{"lessons:read", "chat:write"},
		OwnerID: "u1", CreatedAt: at(created), ExpiresAt: at(created + 3600)}
}

func testAPIKeys(h *harness) {
	sameList(h, "keys at first", must(h.s.APIKeys(h.ctx))(h), nil)
	_, err := h.s.APIKey(h.ctx, "none")
	h.is(err, classroom.ErrNotFound)
	_, err = h.s.UpdateAPIKey(h.ctx, apiKey("none", 1))
	h.is(err, classroom.ErrNotFound)
	h.ok(h.s.TouchAPIKey(h.ctx, "none", at(1)))

	a, b := apiKey("a", 1), apiKey("b", 2)
	h.ok(h.s.PutAPIKey(h.ctx, a))
	h.ok(h.s.PutAPIKey(h.ctx, b))
	h.is(h.s.PutAPIKey(h.ctx, a), classroom.ErrExists)
	got := must(h.s.APIKey(h.ctx, "a"))(h)
	a.Rev = got.Rev
	same(h, "the key", got, a)
	list := must(h.s.APIKeys(h.ctx))(h)
	same(h, "the newest first", []string{list[0].ID, list[1].ID}, []string{"b", "a"})

	h.ok(h.s.TouchAPIKey(h.ctx, "a", at(50)))
	h.ok(h.s.TouchAPIKey(h.ctx, "a", at(40))) // never back
	a.LastUsedAt = at(50)
	same(h, "after use", must(h.s.APIKey(h.ctx, "a"))(h), a)
	stale := a
	a.RevokedAt = at(60)
	updated := must(h.s.UpdateAPIKey(h.ctx, a))(h)
	same(h, "the revision", updated.Rev, a.Rev+1)
	same(h, "the revoked key", must(h.s.APIKey(h.ctx, "a"))(h), updated)
	_, err = h.s.UpdateAPIKey(h.ctx, stale)
	h.is(err, classroom.ErrConflict)
}

func request(key string, created int) classroom.Idempotent {
	return classroom.Idempotent{Key: key, Fingerprint: "f" + key, CreatedAt: at(created), ExpiresAt: at(created + 100)}
}

func testIdempotent(h *harness) {
	_, err := h.s.Idempotent(h.ctx, "k")
	h.is(err, classroom.ErrNotFound)
	_, err = h.s.UpdateIdempotent(h.ctx, request("k", 1))
	h.is(err, classroom.ErrNotFound)
	h.ok(h.s.DeleteIdempotent(h.ctx, "k"))

	h.ok(h.s.PutIdempotent(h.ctx, request("k", 1)))
	h.is(h.s.PutIdempotent(h.ctx, request("k", 50)), classroom.ErrExists)
	r := must(h.s.Idempotent(h.ctx, "k"))(h)
	same(h, "the request", r.Fingerprint+" "+r.CreatedAt.String()+" "+r.ExpiresAt.String(), "fk "+at(1).String()+" "+at(101).String())
	same(h, "its status", r.Status, 0)
	stale := r
	r.Status, r.Type, r.Location, r.ETag, r.Body = 201, "application/json", "/x", `"1"`, []byte("{\"a\":\"\u754c\"}\x00")
	updated := must(h.s.UpdateIdempotent(h.ctx, r))(h)
	r.Rev++
	same(h, "what the update says", updated, r)
	same(h, "the answer", must(h.s.Idempotent(h.ctx, "k"))(h), r)
	_, err = h.s.UpdateIdempotent(h.ctx, stale)
	h.is(err, classroom.ErrConflict)
	// An expired one gives way to a new request.
	h.ok(h.s.PutIdempotent(h.ctx, request("k", 101)))
	same(h, "the new request's status", must(h.s.Idempotent(h.ctx, "k"))(h).Status, 0)
	h.ok(h.s.PutIdempotent(h.ctx, request("l", 300)))
	same(h, "swept", must(h.s.Sweep(h.ctx, at(201)))(h), 1)
	_, err = h.s.Idempotent(h.ctx, "k")
	h.is(err, classroom.ErrNotFound)
	h.ok(h.s.DeleteIdempotent(h.ctx, "l"))
	h.ok(h.s.PutIdempotent(h.ctx, request("l", 301)))
}

func testTokenUses(h *harness) {
	h.ok(h.s.UseToken(h.ctx, "t1", at(100)))
	h.is(h.s.UseToken(h.ctx, "t1", at(100)), classroom.ErrExists)
	h.ok(h.s.UseToken(h.ctx, "t2", at(200)))
	same(h, "swept", must(h.s.Sweep(h.ctx, at(100)))(h), 1)
	h.is(h.s.UseToken(h.ctx, "t2", at(200)), classroom.ErrExists)
}

func testSigningKeys(h *harness) {
	sameList(h, "keys at first", must(h.s.SigningKeys(h.ctx))(h), nil)
	a := classroom.SigningKey{ID: "a", Seed: []byte{1, 0, 255}, CreatedAt: at(2)}
	b := classroom.SigningKey{ID: "b", Seed: []byte{2}, CreatedAt: at(1)}
	h.ok(h.s.PutSigningKey(h.ctx, a))
	h.ok(h.s.PutSigningKey(h.ctx, b))
	h.is(h.s.PutSigningKey(h.ctx, a), classroom.ErrExists)
	sameList(h, "the oldest first", must(h.s.SigningKeys(h.ctx))(h), []classroom.SigningKey{b, a})
	h.ok(h.s.DeleteSigningKey(h.ctx, "b"))
	h.ok(h.s.DeleteSigningKey(h.ctx, "b"))
	sameList(h, "what is left", must(h.s.SigningKeys(h.ctx))(h), []classroom.SigningKey{a})
}

func testLessonsPage(h *harness) {
	// Two were made in one millisecond: the id decides.
	for _, l := range []classroom.Lesson{lesson("a", "u1", 1), lesson("b", "u2", 2), lesson("c", "u1", 2), lesson("d", "u1", 3), lesson("e", "", 4)} {
		h.ok(h.s.PutLesson(h.ctx, l))
	}
	walk := func(owner string, limit int) (ids []string) {
		q := classroom.LessonQuery{OwnerID: owner, Limit: limit}
		for {
			page := must(h.s.LessonsPage(h.ctx, q))(h)
			for _, l := range page {
				ids = append(ids, l.ID)
			}
			if len(page) > limit {
				h.Fatalf("a page of %d for a limit of %d", len(page), limit)
			}
			if len(page) < limit {
				return ids
			}
			q.BeforeAt, q.BeforeID = page[len(page)-1].CreatedAt, page[len(page)-1].ID
		}
	}
	for limit := 1; limit <= 6; limit++ {
		same(h, "all", walk("", limit), []string{"e", "d", "c", "b", "a"})
		same(h, "of one", walk("u1", limit), []string{"d", "c", "a"})
	}
	sameList(h, "of nobody", walk("u9", 2), nil)
}

func testDeleteLesson(h *harness) {
	h.is(h.s.DeleteLesson(h.ctx, "c1"), classroom.ErrNotFound)
	for i, class := range []string{"c1", "c2"} {
		h.ok(h.s.PutLesson(h.ctx, lesson(class, "u1", 1)))
		h.ok(h.s.PutParticipant(h.ctx, participant(class, "p"+class, "user:1")))
		h.ok(h.s.AppendChat(h.ctx, []classroom.ChatEntry{message(class, 1, "p"+class)}))
		h.ok(h.s.PutAttendance(h.ctx, classroom.Attendance{ID: fmt.Sprint("a", i), ClassID: class, ParticipantID: "p" + class, JoinedAt: at(1), LastSeen: at(1)}))
	}
	h.ok(h.s.DeleteLesson(h.ctx, "c1"))
	h.is(h.s.DeleteLesson(h.ctx, "c1"), classroom.ErrNotFound)
	for class, n := range map[string]int{"c1": 0, "c2": 1} {
		_, err := h.s.Lesson(h.ctx, class)
		same(h, class+" is there", err == nil, n == 1)
		same(h, "participants of "+class, len(must(h.s.Participants(h.ctx, class))(h)), n)
		same(h, "chat of "+class, must(h.s.LastChatSeq(h.ctx, class))(h), int64(n))
		same(h, "attendance of "+class, len(must(h.s.Attendance(h.ctx, class))(h)), n)
	}
}

func testDeleteUser(h *harness) {
	h.is(h.s.DeleteUser(h.ctx, "u1"), classroom.ErrNotFound)
	for _, u := range []classroom.User{user("u1", "siti"), user("u2", "budi")} {
		h.ok(h.s.PutUser(h.ctx, u))
		h.ok(h.s.PutLoginSession(h.ctx, classroom.LoginSession{ID: "s" + u.ID, UserID: u.ID, ExpiresAt: time.Now().Add(time.Hour)}))
	}
	h.ok(h.s.DeleteUser(h.ctx, "u1"))
	_, err := h.s.User(h.ctx, "u1")
	h.is(err, classroom.ErrNotFound)
	_, err = h.s.LoginSession(h.ctx, "su1")
	h.is(err, classroom.ErrNotFound)
	must(h.s.User(h.ctx, "u2"))(h)
	must(h.s.LoginSession(h.ctx, "su2"))(h)
	h.ok(h.s.PutUser(h.ctx, user("u3", "SITI"))) // the name is free again
}

// raceOnce: a one-time token is used once and a request begun once, however
// many come together; afterwards one of many updates wins.
func raceOnce(h *harness) {
	for round := range 10 {
		var used, begun, finished atomic.Int32
		token := fmt.Sprint("t", round)
		count := func(n *atomic.Int32, err, lost error) {
			switch {
			case err == nil:
				n.Add(1)
			case !errors.Is(err, lost):
				h.Errorf("round %d: %v", round, err)
			}
		}
		together(6, func(int) {
			count(&used, h.s.UseToken(h.ctx, token, at(100)), classroom.ErrExists)
			count(&begun, h.s.PutIdempotent(h.ctx, request(token, 1)), classroom.ErrExists)
		})
		same(h, "uses", used.Load(), int32(1))
		same(h, "beginnings", begun.Load(), int32(1))
		r := must(h.s.Idempotent(h.ctx, token))(h)
		together(4, func(i int) {
			r := r
			r.Status = 200 + i
			_, err := h.s.UpdateIdempotent(h.ctx, r)
			count(&finished, err, classroom.ErrConflict)
		})
		same(h, "ends", finished.Load(), int32(1))
	}
}
