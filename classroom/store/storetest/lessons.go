package storetest

import (
	"time"

	"kelas/classroom"
)

func testLessons(h *harness) {
	_, err := h.s.Lesson(h.ctx, "none")
	h.is(err, classroom.ErrNotFound)
	_, err = h.s.UpdateLesson(h.ctx, lesson("none", "u1", 1))
	h.is(err, classroom.ErrNotFound)
	sameList(h, "lessons at first", must(h.s.Lessons(h.ctx, ""))(h), nil)

	// Put in another order than they were made.
	l2, l1, l3, l4 := lesson("l2", "u1", 2), lesson("l1", "u2", 1), lesson("l3", "u1", 3), lesson("l4", "", 4)
	l4.StartsAt = time.Time{}
	for _, l := range []*classroom.Lesson{&l2, &l1, &l3, &l4} {
		h.ok(h.s.PutLesson(h.ctx, *l))
		got := must(h.s.Lesson(h.ctx, l.ID))(h)
		l.Rev = got.Rev
		same(h, "the lesson", got, *l)
	}
	h.is(h.s.PutLesson(h.ctx, lesson("l1", "u1", 5)), classroom.ErrExists)
	sameList(h, "all lessons", must(h.s.Lessons(h.ctx, ""))(h), []classroom.Lesson{l4, l3, l2, l1})
	sameList(h, "u1's lessons", must(h.s.Lessons(h.ctx, "u1"))(h), []classroom.Lesson{l3, l2})
	sameList(h, "nobody's lessons", must(h.s.Lessons(h.ctx, "u9"))(h), nil)

	l1.Locked, l1.EndedAt, l1.Title = true, at(50), "New title"
	updated := must(h.s.UpdateLesson(h.ctx, l1))(h)
	same(h, "the rev after an update", updated.Rev, l1.Rev+1)
	_, err = h.s.UpdateLesson(h.ctx, l1)
	h.is(err, classroom.ErrConflict)
	l1.Rev++
	same(h, "the updated lesson", must(h.s.Lesson(h.ctx, "l1"))(h), l1)
}

func testLessonsOfOthers(h *harness) {
	_, err := h.s.LessonByExternal(h.ctx, "kelas[7]")
	h.is(err, classroom.ErrNotFound)
	h.ok(h.s.PutLesson(h.ctx, lesson("own", "u1", 1))) // has no name elsewhere, as many others
	h.ok(h.s.PutLesson(h.ctx, lesson("own2", "u1", 1)))
	_, err = h.s.LessonByExternal(h.ctx, "")
	h.is(err, classroom.ErrNotFound)

	first := lesson("x1", "", 2)
	first.External = "kelas[7]"
	first.Settings = &classroom.Settings{MaxParticipants: 30, Duration: time.Hour, Guests: classroom.GuestsWait, HideRoster: true,
		Welcome: "Selamat datang \U0001f600 <b>", Notes: map[string]string{"meta_a": "\"1\"", "pw": ""}}
	h.ok(h.s.PutLesson(h.ctx, first))
	same(h, "the lesson", must(h.s.Lesson(h.ctx, "x1"))(h), first)
	same(h, "by its other name", must(h.s.LessonByExternal(h.ctx, "kelas[7]"))(h), first)
	second := lesson("x2", "", 3)
	second.External = "kelas[7]"
	h.is(h.s.PutLesson(h.ctx, second), classroom.ErrExists)
	other := lesson("y1", "", 4)
	other.External = "KELAS[7]" // names have a case
	h.ok(h.s.PutLesson(h.ctx, other))
	sameList(h, "open ones", must(h.s.OpenLessons(h.ctx))(h), []classroom.Lesson{other, first})

	first.EndedAt, first.Unsettled = at(60), true
	first = must(h.s.UpdateLesson(h.ctx, first))(h)
	same(h, "the ended one, while there is no other", must(h.s.LessonByExternal(h.ctx, "kelas[7]"))(h), first)
	h.ok(h.s.PutLesson(h.ctx, second)) // its name is free
	same(h, "the open one", must(h.s.LessonByExternal(h.ctx, "kelas[7]"))(h), second)
	sameList(h, "open ones after an end", must(h.s.OpenLessons(h.ctx))(h), []classroom.Lesson{other, second})
	again := first
	again.EndedAt = time.Time{}
	_, err = h.s.UpdateLesson(h.ctx, again)
	h.is(err, classroom.ErrExists)
	sameList(h, "unsettled ones", must(h.s.UnsettledLessons(h.ctx))(h), []classroom.Lesson{first})
	first.Unsettled = false
	first = must(h.s.UpdateLesson(h.ctx, first))(h)
	sameList(h, "unsettled ones after settling", must(h.s.UnsettledLessons(h.ctx))(h), nil)
	second.EndedAt = at(70)
	second = must(h.s.UpdateLesson(h.ctx, second))(h)
	same(h, "the newest of ended ones", must(h.s.LessonByExternal(h.ctx, "kelas[7]"))(h), second)
}

func testParticipants(h *harness) {
	_, err := h.s.Participant(h.ctx, "c1", "p1")
	h.is(err, classroom.ErrNotFound)
	_, err = h.s.ParticipantByKey(h.ctx, "c1", "user:1")
	h.is(err, classroom.ErrNotFound)
	_, err = h.s.UpdateParticipant(h.ctx, participant("c1", "p1", "user:1"))
	h.is(err, classroom.ErrNotFound)

	p := participant("c1", "p1", "user:1")
	p.UserID, p.Role = "1", classroom.RoleModerator
	h.ok(h.s.PutParticipant(h.ctx, p))
	h.is(h.s.PutParticipant(h.ctx, participant("c1", "p1", "user:2")), classroom.ErrExists)
	h.is(h.s.PutParticipant(h.ctx, participant("c1", "p2", "user:1")), classroom.ErrExists)
	h.ok(h.s.PutParticipant(h.ctx, participant("c2", "p3", "user:1"))) // another class
	h.ok(h.s.PutParticipant(h.ctx, participant("c1", "p4", "USER:1"))) // keys have a case

	got := must(h.s.Participant(h.ctx, "c1", "p1"))(h)
	p.Rev = got.Rev
	same(h, "the participant", got, p)
	same(h, "by key", must(h.s.ParticipantByKey(h.ctx, "c1", "user:1"))(h), p)
	_, err = h.s.Participant(h.ctx, "c2", "p1") // an id of another class
	h.is(err, classroom.ErrNotFound)
	foreign := p
	foreign.ClassID = "c2"
	_, err = h.s.UpdateParticipant(h.ctx, foreign)
	if err == nil {
		h.Fatal("a participant was moved to another class")
	}

	p.Removed, p.Name, p.LastSeen, p.Base = true, "Someone else", at(40), classroom.RolePresenter
	updated := must(h.s.UpdateParticipant(h.ctx, p))(h)
	same(h, "the rev after an update", updated.Rev, p.Rev+1)
	_, err = h.s.UpdateParticipant(h.ctx, p)
	h.is(err, classroom.ErrConflict)
	p.Rev++
	same(h, "the updated participant", must(h.s.Participant(h.ctx, "c1", "p1"))(h), p)

	ids := map[string]bool{}
	for _, p := range must(h.s.Participants(h.ctx, "c1"))(h) {
		ids[p.ID] = true
	}
	same(h, "all of c1", ids, map[string]bool{"p1": true, "p4": true})
	sameList(h, "all of an empty class", must(h.s.Participants(h.ctx, "c9"))(h), nil)
}

func testLessonsJoinedBy(h *harness) {
	for i, id := range []string{"l1", "l2", "l3"} {
		h.ok(h.s.PutLesson(h.ctx, lesson(id, "owner", i+1)))
	}
	join := func(class, id, key, user string) {
		p := participant(class, id, key)
		p.UserID = user
		h.ok(h.s.PutParticipant(h.ctx, p))
	}
	join("l1", "p1", "user:u1", "u1")
	join("l3", "p2", "user:u1", "u1")
	join("l3", "p3", "token:x", "u1") // twice in one class: listed once
	join("l2", "p4", "guest:g", "")
	join("gone", "p5", "user:u1", "u1") // a class without a lesson
	ids := func(user string) []string {
		var all []string
		for _, l := range must(h.s.LessonsJoinedBy(h.ctx, user))(h) {
			all = append(all, l.ID)
		}
		return all
	}
	sameList(h, "u1's classes", ids("u1"), []string{"l3", "l1"})
	sameList(h, "nobody's classes", ids("u2"), nil)
	sameList(h, "guests' classes", ids(""), nil)
}

func testAttendance(h *harness) {
	stay := func(id, class string, joined int) classroom.Attendance {
		return classroom.Attendance{ID: id, ClassID: class, ParticipantID: "p-" + id, Name: "Name of " + id,
			Role: classroom.RoleViewer, JoinedAt: at(joined), LastSeen: at(joined)}
	}
	b, a, c := stay("b", "c1", 2), stay("a", "c1", 1), stay("c", "c2", 3)
	for _, s := range []classroom.Attendance{b, a, c} {
		h.ok(h.s.PutAttendance(h.ctx, s))
	}
	h.is(h.s.PutAttendance(h.ctx, stay("a", "c9", 9)), classroom.ErrExists)
	sameList(h, "by joining", must(h.s.Attendance(h.ctx, "c1"))(h), []classroom.Attendance{a, b})
	sameList(h, "of an empty class", must(h.s.Attendance(h.ctx, "c9"))(h), nil)

	h.ok(h.s.TouchAttendance(h.ctx, []string{"a", "c", "unknown"}, at(10)))
	h.ok(h.s.TouchAttendance(h.ctx, nil, at(11)))
	a.LastSeen, c.LastSeen = at(10), at(10)
	sameList(h, "touched", must(h.s.Attendance(h.ctx, "c1"))(h), []classroom.Attendance{a, b})

	h.ok(h.s.EndAttendance(h.ctx, "a", at(12)))
	h.is(h.s.EndAttendance(h.ctx, "unknown", at(12)), classroom.ErrNotFound)
	left := func(class string) map[string]time.Time {
		m := map[string]time.Time{}
		for _, s := range must(h.s.Attendance(h.ctx, class))(h) {
			m[s.ID] = s.LeftAt
		}
		return m
	}
	same(h, "ended", left("c1"), map[string]time.Time{"a": at(12), "b": {}})
	// An end is final: neither a late heartbeat nor the sweep after a crash moves it.
	h.ok(h.s.TouchAttendance(h.ctx, []string{"a", "b"}, at(20)))
	h.ok(h.s.EndOpenAttendance(h.ctx))
	same(h, "all ended", left("c1"), map[string]time.Time{"a": at(12), "b": at(20)})
	same(h, "all ended", left("c2"), map[string]time.Time{"c": at(10)})
	h.ok(h.s.EndOpenAttendance(h.ctx))
	same(h, "all ended twice", left("c1"), map[string]time.Time{"a": at(12), "b": at(20)})
}
