package classroom_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	. "kelas/classroom"
	"kelas/classroom/classroomtest"
)

func TestCleanText(t *testing.T) {
	for _, c := range []struct {
		in, out string
		err     error
	}{
		{"halo", "halo", nil},
		{" two\nlines\tand a tab ", " two\nlines\tand a tab ", nil},
		{"a\r\nb", "a\nb", nil},
		{"a\rb", "", ErrChatNotText},
		{"a\x00b", "", ErrChatNotText},
		{"a\x1b[31m", "", ErrChatNotText},
		{"a\u0085b", "", ErrChatNotText},
		{"\xff\xfe", "", ErrChatNotText},
		{"", "", ErrChatEmpty},
		{" \n\t\u00a0", "", ErrChatEmpty},
		{"<b>&amp;", "<b>&amp;", nil},
		{"👩🏽‍🏫👩", "👩🏽‍🏫👩", nil},
		{strings.Repeat("界", 10), strings.Repeat("界", 10), nil},
		{strings.Repeat("界", 11), "", ErrChatTooLong},
		{strings.Repeat("a", 1<<20), "", ErrChatTooLong},
	} {
		out, err := CleanText(c.in, 10)
		if c.err == nil && c.in == out {
			continue
		}
		if c.in == " two\nlines\tand a tab " {
			out, err = CleanText(c.in, 100)
		}
		if out != c.out || err != c.err {
			t.Errorf("%.40q: %.40q, %v; want %.40q, %v", c.in, out, err, c.out, c.err)
		}
	}
}

// Fifty tabs write at once and come and go; all of them see one order, and
// the store has the same.
func TestChatOrder(t *testing.T) {
	const tabs, each = 50, 20
	bubble(t, Config{}, func(t *testing.T, r *room) {
		pages := make([]*page, tabs)
		for i := range pages {
			pages[i] = r.join(fmt.Sprintf("p%d", i), RoleViewer)
		}
		seen := make([][]ChatEntry, tabs) // over all lines of a tab
		var wg sync.WaitGroup
		for i := range pages {
			wg.Go(func() {
				for n := range each {
					if i%5 == 0 && n%7 == 3 {
						p := pages[i]
						p.Disconnected()
						seen[i] = append(seen[i], p.chat()...)
						last := int64(0)
						if k := len(seen[i]); k > 0 {
							last = seen[i][k-1].Seq
						}
						q, err := r.try(p.id, p.joined.SessionToken, last)
						if err != nil || !q.joined.Resumed || q.joined.ChatMore {
							t.Errorf("resuming: %v", err)
							return
						}
						pages[i] = q
					}
					pages[i].say(fmt.Sprintf("%d from %d", n, i))
				}
			})
		}
		wg.Wait()
		wait(time.Second)
		log := r.stored()
		equal(t, "stored", len(log), tabs*each)
		for i, p := range pages {
			seen[i] = append(seen[i], p.chat()...)
			if len(seen[i]) != len(log) {
				t.Fatalf("page %d saw %d of %d", i, len(seen[i]), len(log))
			}
			for k, e := range seen[i] {
				if e.Seq != int64(k+1) || e.Text != log[k].Text || e.FromID != log[k].FromID {
					t.Fatalf("page %d: line %d is %+v, the store has %+v", i, k, e, log[k])
				}
			}
			stored, _ := classroomtest.Last[ChatStored](p.out)
			equal(t, "told as stored", stored.Seq, int64(len(log)))
		}
	})
}

func TestChatKindsAndPermissions(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		teacher, ani, budi := r.join(owner, RolePresenter), r.join("Ani", RoleViewer), r.join("Budi", RoleViewer)
		send := func(p *page, kind ChatKind, to, text string) error {
			_, err := p.SendChat(t.Context(), ChatRequest{Kind: kind, To: to, Text: text, ClientID: "c-" + text})
			return err
		}
		wantErr(t, send(ani, ChatAnnouncement, "", "no"), ErrNotAllowed)
		wantErr(t, send(ani, ChatDeletion, "", "no"), ErrNotAllowed)
		wantErr(t, send(ani, "shout", "", "no"), ErrNotAllowed)
		wantErr(t, send(ani, ChatPrivate, "nobody", "no"), ErrNoSuchParticipant)
		wantErr(t, send(ani, ChatPrivate, "", "no"), ErrNoSuchParticipant)
		wantErr(t, send(ani, ChatMessage, "", "bad\x07"), ErrChatNotText)
		_, err := ani.SendChat(t.Context(), ChatRequest{Kind: ChatMessage, Text: "x", ClientID: strings.Repeat("x", 65)})
		wantErr(t, err, ErrChatTooLong)
		_, err = ani.SendChat(t.Context(), ChatRequest{Kind: ChatMessage, Text: "x", ClientID: "a b"})
		wantErr(t, err, ErrChatNotText)

		must(t, send(teacher, ChatAnnouncement, "", "quiet"))
		must(t, send(ani, ChatPrivate, budi.pid(), "secret"))
		must(t, send(ani, ChatMessage, "", "public"))
		equal(t, "the teacher sees", texts(teacher.chat()), []string{"quiet", "public"})
		equal(t, "Budi sees", texts(budi.chat()), []string{"quiet", "secret", "public"})
		// The page's own id of a message is its own.
		equal(t, "Ani's own id", ani.chat()[2].ClientID, "c-public")
		equal(t, "as Budi sees it", budi.chat()[2].ClientID, "")
		wait(time.Second)
		again := r.join("Budi", RoleViewer)
		equal(t, "in Budi's history", again.joined.Chat[1].ClientID, "")
		equal(t, "in the teacher's history", texts(r.join(owner, RolePresenter).joined.Chat), []string{"quiet", "public"})
	})
}

// A private message to somebody who is not there waits for them, over a
// restart too; to somebody removed it is refused.
func TestPrivateToAbsent(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		r.join(owner, RolePresenter)
		ani := r.join("Ani", RoleViewer)
		ani.Leave(t.Context())
		r.stop()
		r.start()
		teacher := r.join(owner, RolePresenter)
		_, err := teacher.SendChat(t.Context(), ChatRequest{Kind: ChatPrivate, To: ani.pid(), Text: "where are you?"})
		must(t, err)
		wait(time.Second)
		equal(t, "others see", texts(r.join("Budi", RoleViewer).joined.Chat), []string{})
		back := r.join("Ani", RoleViewer)
		equal(t, "Ani sees", texts(back.joined.Chat), []string{"where are you?"})
		equal(t, "named", back.joined.Chat[0].ToName, "Ani")
		must(t, teacher.Remove(t.Context(), ani.pid()))
		_, err = teacher.SendChat(t.Context(), ChatRequest{Kind: ChatPrivate, To: ani.pid(), Text: "hello?"})
		wantErr(t, err, ErrNoSuchParticipant)
	})
}

func TestChatTooFast(t *testing.T) {
	bubble(t, Config{ChatRate: 2, ChatBurst: 5}, func(t *testing.T, r *room) {
		ani, tab, budi := r.join("Ani", RoleViewer), r.join("Ani", RoleViewer), r.join("Budi", RoleViewer)
		for range 5 {
			ani.say("x")
		}
		_, err := tab.SendChat(t.Context(), ChatRequest{Kind: ChatMessage, Text: "y"}) // of the same participant
		wantErr(t, err, ErrChatTooFast)
		wantErr(t, ani.DeleteChat(t.Context(), 1), ErrChatTooFast)
		budi.say("z")
		wait(500 * time.Millisecond)
		ani.say("one more")
		_, err = ani.SendChat(t.Context(), ChatRequest{Kind: ChatMessage, Text: "y"})
		wantErr(t, err, ErrChatTooFast)
	})
}

// A message sent again after a lost line is one message: within the process,
// after a restart, and when the answer of the store was lost.
func TestChatSentAgain(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		ani, budi := r.join("Ani", RoleViewer), r.join("Budi", RoleViewer)
		req := ChatRequest{Kind: ChatMessage, Text: "once", ClientID: "c1"}
		first := must2(ani.SendChat(t.Context(), req))(t)
		equal(t, "again", must2(ani.SendChat(t.Context(), req))(t), first)
		other := must2(budi.SendChat(t.Context(), req))(t) // another sender's ids are its own
		equal(t, "another's number", other.Seq, int64(2))
		wait(time.Second)
		r.crash()
		r.start()
		ani = r.join("Ani", RoleViewer)
		equal(t, "after a restart", must2(ani.SendChat(t.Context(), req))(t), first)
		// Even when the store cannot be asked at that moment the message is
		// not there twice in the end.
		wait(time.Second)
		r.crash()
		r.start()
		ani = r.join("Ani", RoleViewer)
		r.store.Fail(ErrStoreUnavailable)
		twin := must2(ani.SendChat(t.Context(), req))(t)
		equal(t, "twin's number", twin.Seq, int64(3))
		r.store.Fail(nil)
		wait(time.Minute)
		deleted := ani.chat()[len(ani.chat())-1]
		equal(t, "the twin is taken away", deleted.Target, twin.Seq)
		back := r.join("Ani", RoleViewer)
		var shown []string
		for _, e := range back.joined.Chat {
			if e.Kind == ChatMessage && !e.Deleted {
				shown = append(shown, e.FromName+": "+e.Text)
			}
		}
		equal(t, "shown in the end", shown, []string{"Ani: once", "Budi: once"})
	})
}

func TestDeleteChat(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		teacher, ani, budi := r.join(owner, RolePresenter), r.join("Ani", RoleViewer), r.join("Budi", RoleViewer)
		one, two := ani.say("one"), ani.say("two")
		secret := must2(ani.SendChat(t.Context(), ChatRequest{Kind: ChatPrivate, To: budi.pid(), Text: "secret"}))(t)
		for _, stored := range []bool{false, true} {
			if stored {
				wait(time.Second)
			}
			wantErr(t, budi.DeleteChat(t.Context(), one.Seq), ErrNotAllowed)
			wantErr(t, teacher.DeleteChat(t.Context(), secret.Seq), ErrNoSuchMessage) // not theirs to see
			wantErr(t, ani.DeleteChat(t.Context(), 99), ErrNoSuchMessage)
			wantErr(t, ani.DeleteChat(t.Context(), -1), ErrNoSuchMessage)
		}
		must(t, ani.DeleteChat(t.Context(), one.Seq))
		must(t, ani.DeleteChat(t.Context(), one.Seq)) // twice is once
		must(t, teacher.DeleteChat(t.Context(), two.Seq))
		must(t, ani.DeleteChat(t.Context(), secret.Seq))
		last := budi.chat()[len(budi.chat())-1]
		equal(t, "deletion", []any{last.Kind, last.Target, last.Text}, []any{ChatDeletion, secret.Seq, ""})
		wantErr(t, ani.DeleteChat(t.Context(), last.Seq), ErrNoSuchMessage) // a deletion itself
		for _, e := range teacher.chat() {
			if e.Target == secret.Seq {
				t.Fatal("the deletion of a private message was told to a third")
			}
		}
		check := func(p *page) {
			t.Helper()
			for _, e := range p.joined.Chat {
				if e.Text != "" || e.Seq <= 3 && !e.Deleted {
					t.Fatalf("shown: %+v", e)
				}
			}
		}
		check(r.join("Budi", RoleViewer)) // from memory
		wait(time.Second)
		r.crash()
		r.start()
		check(r.join("Budi", RoleViewer)) // from the store
		for _, e := range r.stored() {
			if e.Text != "" {
				t.Fatalf("stored: %+v", e)
			}
		}
	})
}

// A deletion that waits for the store is in force for what the store still
// shows.
func TestDeletionNotYetStored(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		ani := r.join("Ani", RoleViewer)
		one := ani.say("one")
		wait(time.Second)
		r.crash()
		r.start()
		ani = r.join("Ani", RoleViewer)
		r.store.Fail(ErrStoreUnavailable)
		wantErr(t, ani.DeleteChat(t.Context(), one.Seq), ErrStoreUnavailable) // cannot be looked up
		r.store.Fail(nil)
		r.store.Refuse(func(ChatEntry) error { return ErrStoreUnavailable })
		must(t, ani.DeleteChat(t.Context(), one.Seq))
		entries, _, err := ani.History(t.Context(), 2, 10)
		must(t, err)
		equal(t, "shown", []any{entries[0].Deleted, entries[0].Text}, []any{true, ""})
	})
}

// History in pages, resumed from any number, is always what the participant
// may see, whether it lies in memory or in the store.
func TestHistory(t *testing.T) {
	bubble(t, Config{ChatPage: 20, ChatRate: 1e6, ChatBurst: 1e6, MaxSessionsEach: 1000}, func(t *testing.T, r *room) {
		rng := rand.New(rand.NewPCG(1, 2))
		pages := []*page{r.join("Ani", RoleViewer), r.join("Budi", RoleViewer), r.join("Citra", RoleViewer)}
		write := func(n int) {
			t.Helper()
			for i := range n {
				from, to := pages[rng.IntN(3)], pages[rng.IntN(3)]
				req := ChatRequest{Kind: ChatMessage, Text: fmt.Sprint(i)}
				if rng.IntN(4) == 0 {
					req.Kind, req.To = ChatPrivate, to.pid()
				}
				must2(from.SendChat(t.Context(), req))(t)
			}
			wait(time.Second)
		}
		var log []ChatEntry
		visible := func(p *page, after, before int64) []int64 {
			list := []int64{}
			for _, e := range log {
				if e.VisibleTo(p.pid()) && e.Seq > after && (before == 0 || e.Seq < before) {
					list = append(list, e.Seq)
				}
			}
			return list
		}
		numbers := func(entries []ChatEntry) []int64 {
			list := []int64{}
			for _, e := range entries {
				list = append(list, e.Seq)
			}
			return list
		}
		check := func() {
			t.Helper()
			log = r.stored()
			for _, p := range pages {
				for range 20 {
					last := int64(len(log))
					before, limit := rng.Int64N(last+2), rng.IntN(60)+1
					entries, more, err := p.History(t.Context(), before, limit)
					must(t, err)
					want := visible(p, 0, before)
					equal(t, "more", more, len(want) > limit)
					equal(t, "page", numbers(entries), want[max(0, len(want)-limit):])

					after := rng.Int64N(last + 1)
					q, err := r.try(p.id, "", after)
					must(t, err)
					want = visible(p, after, 0)
					if after == 0 || len(want) > 1000 {
						equal(t, "more", q.joined.ChatMore, len(want) > 20)
						want = want[max(0, len(want)-20):]
					}
					equal(t, "joined", numbers(q.joined.Chat), want)
					q.Leave(t.Context())
				}
			}
		}
		write(100)
		check()
		r.crash()
		r.start()
		for i, p := range pages {
			pages[i] = must2(r.try(p.id, "", 0))(t)
		}
		check()
		write(30)
		check()
		write(2500) // more than stays in memory
		check()
		// A number from before a crash that this process never gave out.
		q := must2(r.try(pages[0].id, "", 1e9))(t)
		equal(t, "newest page", len(q.joined.Chat), 20)
	})
}
