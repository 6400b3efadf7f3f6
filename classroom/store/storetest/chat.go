package storetest

import (
	"errors"

	"kelas/classroom"
)

func testChatAppend(h *harness) {
	same(h, "the last number of an empty class", must(h.s.LastChatSeq(h.ctx, "c1"))(h), int64(0))
	_, err := h.s.ChatEntry(h.ctx, "c1", 1)
	h.is(err, classroom.ErrNotFound)
	h.ok(h.s.AppendChat(h.ctx, nil))

	one, two, three := message("c1", 1, "p1"), private("c1", 2, "p1", "p2"), message("c1", 3, "p2")
	three.Kind, three.FromRole = classroom.ChatAnnouncement, classroom.RolePresenter
	h.ok(h.s.AppendChat(h.ctx, []classroom.ChatEntry{one}))
	h.ok(h.s.AppendChat(h.ctx, []classroom.ChatEntry{two, three}))
	h.ok(h.s.AppendChat(h.ctx, []classroom.ChatEntry{message("c2", 1, "p1")})) // numbers are each class's own
	for _, e := range []classroom.ChatEntry{one, two, three} {
		same(h, "the entry", must(h.s.ChatEntry(h.ctx, "c1", e.Seq))(h), e)
	}
	same(h, "the last number", must(h.s.LastChatSeq(h.ctx, "c1"))(h), int64(3))
	same(h, "the last number of the other", must(h.s.LastChatSeq(h.ctx, "c2"))(h), int64(1))
	if err := h.s.AppendChat(h.ctx, []classroom.ChatEntry{message("c1", 4, "p1"), message("c2", 2, "p1")}); err == nil {
		h.Fatal("entries of two classes were taken in one batch")
	}
	same(h, "after the refusal", must(h.s.LastChatSeq(h.ctx, "c1"))(h), int64(3))
}

func testChatRepeat(h *harness) {
	batch := []classroom.ChatEntry{message("c1", 1, "p1"), message("c1", 2, "p2"), message("c1", 3, "p1")}
	batch[1].ClientID = ""
	h.ok(h.s.AppendChat(h.ctx, batch[:2]))
	h.ok(h.s.AppendChat(h.ctx, batch)) // the first two are there to the letter
	h.ok(h.s.AppendChat(h.ctx, batch))
	sameList(h, "the log", must(h.s.Chat(h.ctx, classroom.ChatQuery{ClassID: "c1", For: "p1", Limit: 10}))(h), batch)

	// Another entry at a number that is taken, alone and inside a batch.
	for _, change := range []func(*classroom.ChatEntry){
		func(e *classroom.ChatEntry) { e.Text = "something else" },
		func(e *classroom.ChatEntry) { e.FromID = "p9" },
		func(e *classroom.ChatEntry) { e.At = at(59) },
		func(e *classroom.ChatEntry) { e.ToID = "p9" },
		func(e *classroom.ChatEntry) { e.ClientID = "another" },
	} {
		other := batch[2]
		change(&other)
		h.is(h.s.AppendChat(h.ctx, []classroom.ChatEntry{other}), classroom.ErrExists)
		h.is(h.s.AppendChat(h.ctx, []classroom.ChatEntry{other, message("c1", 4, "p1")}), classroom.ErrExists)
	}
	same(h, "the entry that was there", must(h.s.ChatEntry(h.ctx, "c1", 3))(h), batch[2])
	_, err := h.s.ChatEntry(h.ctx, "c1", 4)
	h.is(err, classroom.ErrNotFound) // what stands behind the refused one was not stored
	// Nor was anything deleted by a deletion whose number is taken.
	h.is(h.s.AppendChat(h.ctx, []classroom.ChatEntry{deletion("c1", 3, "p1", 1)}), classroom.ErrExists)
	same(h, "the target", must(h.s.ChatEntry(h.ctx, "c1", 1))(h), batch[0])
}

func testChatClientID(h *harness) {
	e := message("c1", 1, "p1")
	e.ClientID = "abc"
	h.ok(h.s.AppendChat(h.ctx, []classroom.ChatEntry{e}))
	same(h, "by client id", must(h.s.ChatByClientID(h.ctx, "c1", "p1", "abc"))(h), e)
	for _, miss := range [][3]string{{"c2", "p1", "abc"}, {"c1", "p2", "abc"}, {"c1", "p1", "ABC"}, {"c1", "p1", ""}} {
		_, err := h.s.ChatByClientID(h.ctx, miss[0], miss[1], miss[2])
		h.is(err, classroom.ErrNotFound)
	}
	again := message("c1", 2, "p1")
	again.ClientID = "abc"
	h.is(h.s.AppendChat(h.ctx, []classroom.ChatEntry{again}), classroom.ErrExists)
	same(h, "the last number", must(h.s.LastChatSeq(h.ctx, "c1"))(h), int64(1))
	again.FromID = "p2" // another sender's ids are its own
	h.ok(h.s.AppendChat(h.ctx, []classroom.ChatEntry{again}))
	// Entries without a client id do not clash, and are not found by none.
	three, four := message("c1", 3, "p1"), message("c1", 4, "p1")
	three.ClientID, four.ClientID = "", ""
	h.ok(h.s.AppendChat(h.ctx, []classroom.ChatEntry{three, four}))
	_, err := h.s.ChatByClientID(h.ctx, "c1", "p1", "")
	h.is(err, classroom.ErrNotFound)
}

func testChatDeletion(h *harness) {
	one, two := message("c1", 1, "p1"), private("c1", 2, "p1", "p2")
	h.ok(h.s.AppendChat(h.ctx, []classroom.ChatEntry{one, two}))
	h.ok(h.s.AppendChat(h.ctx, []classroom.ChatEntry{message("c2", 1, "p1")}))
	gone := deletion("c1", 3, "p1", 1)
	h.ok(h.s.AppendChat(h.ctx, []classroom.ChatEntry{gone}))
	blank := one
	blank.Text, blank.Deleted = "", true
	same(h, "the deleted", must(h.s.ChatEntry(h.ctx, "c1", 1))(h), blank)
	same(h, "the deletion", must(h.s.ChatEntry(h.ctx, "c1", 3))(h), gone)
	same(h, "its neighbour", must(h.s.ChatEntry(h.ctx, "c1", 2))(h), two)
	same(h, "another class's", must(h.s.ChatEntry(h.ctx, "c2", 1))(h), message("c2", 1, "p1"))

	// Repeating everything from before the deletion does not bring the text back.
	h.ok(h.s.AppendChat(h.ctx, []classroom.ChatEntry{one, two, gone}))
	same(h, "the deleted, repeated", must(h.s.ChatEntry(h.ctx, "c1", 1))(h), blank)

	// A message and its deletion in one batch, repeated.
	four, five := message("c1", 4, "p2"), deletion("c1", 5, "p2", 4)
	for range 2 {
		h.ok(h.s.AppendChat(h.ctx, []classroom.ChatEntry{four, five}))
		blank = four
		blank.Text, blank.Deleted = "", true
		same(h, "the deleted of one batch", must(h.s.ChatEntry(h.ctx, "c1", 4))(h), blank)
		same(h, "its deletion", must(h.s.ChatEntry(h.ctx, "c1", 5))(h), five)
	}
	// Deleting twice, and what never was, does no harm.
	h.ok(h.s.AppendChat(h.ctx, []classroom.ChatEntry{deletion("c1", 6, "p1", 1), deletion("c1", 7, "p1", 4000)}))
	same(h, "the last number", must(h.s.LastChatSeq(h.ctx, "c1"))(h), int64(7))
}

func testChatPages(h *harness) {
	// 1..30: every third is private, in turn between p1 and p2, p2 and p3.
	var log []classroom.ChatEntry
	for seq := int64(1); seq <= 30; seq++ {
		switch {
		case seq%6 == 3:
			log = append(log, private("c1", seq, "p1", "p2"))
		case seq%6 == 0:
			log = append(log, private("c1", seq, "p2", "p3"))
		default:
			log = append(log, message("c1", seq, "p1"))
		}
	}
	h.ok(h.s.AppendChat(h.ctx, log))
	h.ok(h.s.AppendChat(h.ctx, []classroom.ChatEntry{message("c2", 1, "p1"), message("c2", 2, "p1")}))

	visible := func(q classroom.ChatQuery) []classroom.ChatEntry {
		var all []classroom.ChatEntry
		for _, e := range log {
			if e.VisibleTo(q.For) && e.Seq > q.After && (q.Before == 0 || e.Seq < q.Before) {
				all = append(all, e)
			}
		}
		if q.Limit > 0 && len(all) > q.Limit {
			if q.Last {
				return all[len(all)-q.Limit:]
			}
			return all[:q.Limit]
		}
		return all
	}
	for _, who := range []string{"p1", "p2", "p3", "p4"} {
		for _, q := range []classroom.ChatQuery{
			{Limit: 100}, {Limit: 7}, {Limit: 7, Last: true}, {Limit: 100, Last: true}, {},
			{After: 10, Limit: 5}, {After: 10, Limit: 5, Last: true}, {After: 30, Limit: 5}, {After: 99, Limit: 5},
			{Before: 20, Limit: 5}, {Before: 20, Limit: 5, Last: true}, {Before: 1, Limit: 5, Last: true},
			{After: 10, Before: 20, Limit: 3}, {After: 10, Before: 20, Limit: 3, Last: true}, {After: 10, Before: 11, Limit: 3},
		} {
			q.ClassID, q.For = "c1", who
			sameList(h, "a page for "+who, must(h.s.Chat(h.ctx, q))(h), visible(q))
		}
	}
	// Scrolling up page by page meets each entry once.
	var all []int64
	for before := int64(0); ; {
		page := must(h.s.Chat(h.ctx, classroom.ChatQuery{ClassID: "c1", For: "p3", Before: before, Last: true, Limit: 4}))(h)
		if len(page) == 0 {
			break
		}
		all = append(seqs(page), all...)
		before = page[0].Seq
	}
	sameList(h, "all pages", all, seqs(visible(classroom.ChatQuery{For: "p3"})))
	sameList(h, "of an empty class", must(h.s.Chat(h.ctx, classroom.ChatQuery{ClassID: "c9", Limit: 5}))(h), nil)
}

// raceAppend: writers compete for the next number, as two servers by mistake
// would; each number goes to one, and nothing is lost.
func raceAppend(h *harness) {
	const writers, each = 6, 15
	stored := make([][]classroom.ChatEntry, writers)
	together(writers, func(w int) {
		for n := 0; n < each; {
			last, err := h.s.LastChatSeq(h.ctx, "c1")
			if err != nil {
				h.Errorf("writer %d: %v", w, err)
				return
			}
			e := message("c1", last+1, "p"+string(rune('0'+w)))
			switch err := h.s.AppendChat(h.ctx, []classroom.ChatEntry{e}); {
			case err == nil:
				stored[w] = append(stored[w], e)
				n++
			case !errors.Is(err, classroom.ErrExists):
				h.Errorf("writer %d: %v", w, err)
				return
			}
		}
	})
	if h.Failed() {
		return
	}
	log := must(h.s.Chat(h.ctx, classroom.ChatQuery{ClassID: "c1"}))(h)
	same(h, "the number of entries", len(log), writers*each)
	for i, e := range log {
		same(h, "the number", e.Seq, int64(i+1))
	}
	for _, entries := range stored {
		for _, e := range entries {
			same(h, "an acknowledged entry", log[e.Seq-1], e)
		}
	}
}

// raceRepeat: one batch from several writers at once, as after unclear
// failures, is stored once and acknowledged to all.
func raceRepeat(h *harness) {
	for round := range int64(10) {
		var batch []classroom.ChatEntry
		for i := range int64(5) {
			batch = append(batch, message("c1", round*6+i+1, "p1"))
		}
		batch = append(batch, deletion("c1", round*6+6, "p1", round*6+2))
		together(4, func(int) {
			if err := h.s.AppendChat(h.ctx, batch); err != nil {
				h.Errorf("round %d: %v", round, err)
			}
		})
	}
	same(h, "the number of entries", len(must(h.s.Chat(h.ctx, classroom.ChatQuery{ClassID: "c1"}))(h)), 60)
}
