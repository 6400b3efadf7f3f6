package storetest

import (
	"context"
	"errors"
	"strings"
	"time"

	"kelas/classroom"
)

func testTimes(h *harness) {
	jakarta := time.FixedZone("WIB", 7*3600)
	l := lesson("l1", "u1", 1)
	l.CreatedAt = time.Date(2026, 11, 22, 23, 59, 59, 999_999_999, jakarta)
	l.StartsAt, l.EndedAt = time.Time{}, time.Date(1969, 7, 20, 20, 17, 40, 5e6, time.UTC)
	h.ok(h.s.PutLesson(h.ctx, l))
	check := func(got classroom.Lesson) {
		h.Helper()
		same(h, "a time in UTC milliseconds", got.CreatedAt, time.Date(2026, 11, 22, 16, 59, 59, 999e6, time.UTC))
		same(h, "never", got.StartsAt, time.Time{})
		same(h, "a time before 1970", got.EndedAt, l.EndedAt)
	}
	got := must(h.s.Lesson(h.ctx, "l1"))(h)
	check(got)
	l.Rev = got.Rev
	check(must(h.s.UpdateLesson(h.ctx, l))(h))
	check(must(h.s.Lesson(h.ctx, "l1"))(h))
	// A repeated chat entry is the same one even though its time was cut.
	e := message("c1", 1, "p1")
	e.At = l.CreatedAt
	h.ok(h.s.AppendChat(h.ctx, []classroom.ChatEntry{e}))
	h.ok(h.s.AppendChat(h.ctx, []classroom.ChatEntry{e}))
}

func testText(h *harness) {
	for i, text := range []string{
		"", " ", "Selamat pagi, anak-anak!", "नमस्ते 你好 مرحبا 👩🏽‍🏫 e\u0301", "'; DROP TABLE chat; --", "$set", "a.b.c",
		"<script>alert(1)</script>", "line\nbreak\ttab", "\u202eright to left", strings.Repeat("界", 4000), "\"quoted\" \\ back",
	} {
		e := message("c1", int64(i+1), "p1")
		e.Text, e.FromName, e.ToName = text, text, text
		h.ok(h.s.AppendChat(h.ctx, []classroom.ChatEntry{e}))
		same(h, "the entry", must(h.s.ChatEntry(h.ctx, "c1", e.Seq))(h), e)
	}
	// Such text as an id selects nothing but itself.
	for _, id := range []string{"$ne", "a.b", "c1/../c2", "%", "'", "界"} {
		class := "class " + id
		h.ok(h.s.PutParticipant(h.ctx, participant(class, "p"+id, id)))
		same(h, "by an odd key", must(h.s.ParticipantByKey(h.ctx, class, id))(h).ID, "p"+id)
		same(h, "of an odd class", len(must(h.s.Participants(h.ctx, class))(h)), 1)
	}
}

func testBigValues(h *harness) {
	big := strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB
	var batch []classroom.ChatEntry
	for seq := int64(1); seq <= 4; seq++ {
		e := message("c1", seq, "p1")
		e.Text = big
		batch = append(batch, e)
	}
	h.ok(h.s.AppendChat(h.ctx, batch))
	sameList(h, "the big entries", must(h.s.Chat(h.ctx, classroom.ChatQuery{ClassID: "c1"}))(h), batch)
	value := []byte(big + big)
	h.ok(must1(h.s.PutSettingOnce(h.ctx, "big", value)))
	if string(must(h.s.Setting(h.ctx, "big"))(h)) != big+big {
		h.Fatal("a big setting came back otherwise")
	}
	// A long class: one batch of a thousand.
	batch = nil
	for seq := int64(1); seq <= 1000; seq++ {
		batch = append(batch, message("c2", seq, "p1"))
	}
	h.ok(h.s.AppendChat(h.ctx, batch))
	sameList(h, "a thousand entries", must(h.s.Chat(h.ctx, classroom.ChatQuery{ClassID: "c2"}))(h), batch)
	h.ok(h.s.AppendChat(h.ctx, batch))
	h.ok(h.s.AppendChat(h.ctx, []classroom.ChatEntry{message("c3", 1<<53, "p1")}))
	same(h, "a big number", must(h.s.LastChatSeq(h.ctx, "c3"))(h), int64(1<<53))
}

func must1[T any](_ T, err error) error { return err }

func testCancelled(h *harness) {
	h.ok(h.s.PutUser(h.ctx, user("u1", "siti")))
	ctx, cancel := context.WithCancel(h.ctx)
	cancel()
	if err := h.s.PutUser(ctx, user("u2", "budi")); err == nil {
		h.Fatal("a cancelled write succeeded")
	}
	if err := h.s.AppendChat(ctx, []classroom.ChatEntry{message("c1", 1, "p1")}); err == nil {
		h.Fatal("a cancelled append succeeded")
	}
	if _, err := h.s.UserByName(ctx, "siti"); err == nil || errors.Is(err, classroom.ErrNotFound) {
		h.Fatalf("a cancelled read said %v", err)
	}
	// Nothing of it happened, and the store goes on.
	_, err := h.s.User(h.ctx, "u2")
	h.is(err, classroom.ErrNotFound)
	same(h, "the last number", must(h.s.LastChatSeq(h.ctx, "c1"))(h), int64(0))
	h.ok(h.s.PutUser(h.ctx, user("u2", "budi")))
}

func testClosed(h *harness) {
	h.ok(h.s.PutUser(h.ctx, user("u1", "siti")))
	h.ok(h.s.Close())
	if _, err := h.s.User(h.ctx, "u1"); err == nil || errors.Is(err, classroom.ErrNotFound) {
		h.Fatalf("a read of a closed store said %v", err)
	}
	if err := h.s.PutUser(h.ctx, user("u2", "budi")); err == nil || errors.Is(err, classroom.ErrExists) {
		h.Fatalf("a write to a closed store said %v", err)
	}
}
