package classroom_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	. "kelas/classroom"
	"kelas/classroom/classroomtest"
)

// The store is gone for a minute: the class goes on, everybody is told that
// messages wait, and then that they are stored.
func TestStoreGoneForAMinute(t *testing.T) {
	bubble(t, Config{ChatRate: 100}, func(t *testing.T, r *room) {
		teacher, ani := r.join(owner, RolePresenter), r.join("Ani", RoleViewer)
		teacher.say("before")
		wait(time.Second)
		stored, _ := classroomtest.Last[ChatStored](ani.out)
		equal(t, "stored", stored.Seq, int64(1))
		r.store.Fail(ErrStoreUnavailable)
		for i := range 60 {
			teacher.say(fmt.Sprint(i))
			wait(time.Second)
		}
		equal(t, "delivered meanwhile", len(ani.chat()), 61)
		equal(t, "stored meanwhile", len(r.stored()), 1)
		delayed := classroomtest.Of[ChatDelayed](ani.out)
		if len(delayed) < 5 || delayed[len(delayed)-1].Waiting < 50 {
			t.Fatalf("told of the delay: %+v", delayed)
		}
		if n := r.store.Calls("AppendChat"); n > 30 {
			t.Fatalf("the store was asked %d times in a minute", n)
		}
		equal(t, "waiting", r.reg.Stats().ChatWaiting, 60)
		late := r.join("Ani", RoleViewer)
		equal(t, "stored, as a late tab learns", late.joined.StoredSeq, int64(1))
		equal(t, "chat of a late tab", len(late.joined.Chat), 50)
		equal(t, "more", late.joined.ChatMore, true)
		r.store.Fail(nil)
		wait(6 * time.Second)
		equal(t, "stored in the end", len(r.stored()), 61)
		stored, _ = classroomtest.Last[ChatStored](ani.out)
		equal(t, "told in the end", stored.Seq, int64(61))
	})
}

// The store is slower than its deadline and loses answers: everything is
// there once in the end.
func TestStoreUnclear(t *testing.T) {
	bubble(t, Config{ChatRate: 100}, func(t *testing.T, r *room) {
		ani := r.join("Ani", RoleViewer)
		r.store.Unclear(true)
		for i := range 10 {
			ani.say(fmt.Sprint(i))
			wait(100 * time.Millisecond)
		}
		must(t, ani.DeleteChat(t.Context(), 5))
		wait(time.Second)
		equal(t, "told as stored", len(classroomtest.Of[ChatStored](ani.out)), 0)
		r.store.Unclear(false)
		r.store.Slow(7 * time.Second) // more than StoreTimeout
		wait(time.Minute)
		equal(t, "told as stored", len(classroomtest.Of[ChatStored](ani.out)), 0)
		ani.say("while slow")
		r.store.Slow(0)
		wait(time.Minute)
		equal(t, "stored", texts(r.stored()), []string{"0", "1", "2", "3", "", "5", "6", "7", "8", "9", "", "while slow"})
		equal(t, "refused", r.reg.Stats().ChatRefused, uint64(0))
		stays := must2(r.mem.Attendance(t.Context(), r.lesson.ID))(t)
		equal(t, "stays", len(stays), 1)
	})
}

// An entry that the store will never take does not stop the others: its
// author is told, and it disappears from every page.
func TestPoisonedEntry(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		ani, budi := r.join("Ani", RoleViewer), r.join("Budi", RoleViewer)
		r.store.Refuse(func(e ChatEntry) error {
			if strings.HasPrefix(e.Text, "poison") {
				return errors.New("malformed")
			}
			return nil
		})
		ani.say("one")
		must2(ani.SendChat(t.Context(), ChatRequest{Kind: ChatMessage, Text: "poison", ClientID: "c2"}))(t)
		budi.say("three")
		wait(time.Minute)
		failed := classroomtest.Of[ChatFailed](ani.out)
		equal(t, "the author is told", failed, []ChatFailed{{Seq: 2, ClientID: "c2"}})
		equal(t, "others are not", len(classroomtest.Of[ChatFailed](budi.out)), 0)
		chat := budi.chat()
		equal(t, "taken from every page", chat[len(chat)-1].Target, int64(2))
		equal(t, "stored", texts(r.stored()), []string{"one", "three", ""})
		stored, _ := classroomtest.Last[ChatStored](budi.out)
		equal(t, "stored up to", stored.Seq, int64(4))
		late := r.join("Citra", RoleViewer)
		equal(t, "as a late page sees it", texts(late.joined.Chat), []string{"one", "", "three", ""})
		// It may be sent again.
		r.store.Refuse(nil)
		e := must2(ani.SendChat(t.Context(), ChatRequest{Kind: ChatMessage, Text: "poison", ClientID: "c2"}))(t)
		equal(t, "number", e.Seq, int64(5))
		wait(time.Second)
		equal(t, "stored", texts(r.stored()), []string{"one", "three", "", "poison"})
	})
}

// Somebody else writes into the class's log: the class goes on above.
func TestNumberTaken(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		ani := r.join("Ani", RoleViewer)
		for seq := int64(1); seq <= 5; seq++ {
			must(t, r.mem.AppendChat(t.Context(), []ChatEntry{{ClassID: r.lesson.ID, Seq: seq, FromID: "x", Kind: ChatMessage, Text: "foreign"}}))
		}
		ani.say("mine")
		wait(time.Minute)
		ani.say("again")
		wait(time.Second)
		log := r.stored()
		equal(t, "last", log[len(log)-1].Text, "again")
		equal(t, "waiting", r.reg.Stats().ChatWaiting, 0)
	})
}

func TestBacklog(t *testing.T) {
	bubble(t, Config{JournalQueue: 10, ChatBurst: 1000}, func(t *testing.T, r *room) {
		ani := r.join("Ani", RoleViewer)
		r.store.Fail(ErrStoreFull)
		for range 10 {
			ani.say("x")
		}
		_, err := ani.SendChat(t.Context(), ChatRequest{Kind: ChatMessage, Text: "y"})
		wantErr(t, err, ErrChatBacklog)
		wantErr(t, ani.DeleteChat(t.Context(), 1), ErrChatBacklog)
		r.store.Fail(nil)
		wait(10 * time.Second)
		ani.say("goes on")
		wait(time.Second)
		equal(t, "stored", len(r.stored()), 11)
	})
}

// A deletion of an entry that is not stored yet, with the batch repeated
// after an unclear failure, is the same deletion.
func TestCloseFlushes(t *testing.T) {
	bubble(t, Config{ChatRate: 1e6, ChatBurst: 1e6}, func(t *testing.T, r *room) {
		ani := r.join("Ani", RoleViewer)
		r.store.Fail(ErrStoreUnavailable)
		for i := range 1000 {
			ani.say(fmt.Sprint(i))
		}
		wait(10 * time.Second)
		done := make(chan error)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			done <- r.reg.Close(ctx)
		}()
		wait(5 * time.Second)
		r.store.Fail(nil)
		must(t, <-done)
		equal(t, "stored", len(r.stored()), 1000)
	})
}

// Close keeps its deadline when the store does not come back, says what is
// lost, and has claimed none of it as stored.
func TestCloseDeadline(t *testing.T) {
	for name, trouble := range map[string]func(*classroomtest.FaultyStore){
		"gone":  func(s *classroomtest.FaultyStore) { s.Fail(ErrStoreUnavailable) },
		"hangs": func(s *classroomtest.FaultyStore) { s.Slow(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Config{}, func(t *testing.T, r *room) {
				ani := r.join("Ani", RoleViewer)
				wait(time.Second)
				trouble(r.store)
				ani.say("lost")
				began := time.Now()
				ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
				defer cancel()
				err := r.reg.Close(ctx)
				var unsaved *UnsavedError
				if !errors.As(err, &unsaved) || unsaved.Chat != 1 {
					t.Fatalf("error is %v", err)
				}
				wantErr(t, err, ErrStoreUnavailable)
				if took := time.Since(began); took > 11*time.Second {
					t.Fatalf("took %v", took)
				}
				equal(t, "told as stored", len(classroomtest.Of[ChatStored](ani.out)), 0)
				r.store.Slow(0)
			})
		})
	}
}

// Whatever the moment of a crash: what was told as stored is there, in the
// same words, and numbering goes on after it.
func TestCrash(t *testing.T) {
	for seed := range 30 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRoom(t, Config{ChatRate: 1e6, ChatBurst: 1e6})
				r.store.Slow(time.Duration(seed) * 7 * time.Millisecond)
				ani, budi := r.join("Ani", RoleViewer), r.join("Budi", RoleViewer)
				for i := range 40 {
					ani.say(fmt.Sprintf("a%d", i))
					budi.say(fmt.Sprintf("b%d", i))
					wait(time.Duration(seed%5) * time.Millisecond)
				}
				stored, _ := classroomtest.Last[ChatStored](ani.out)
				seen := ani.chat()
				r.crash()
				r.store.Slow(0)
				log := r.stored()
				if int64(len(log)) < stored.Seq {
					t.Fatalf("told as stored: %d, there: %d", stored.Seq, len(log))
				}
				for i, e := range log {
					if e.Text != seen[i].Text || e.Seq != seen[i].Seq {
						t.Fatalf("stored %+v, seen %+v", e, seen[i])
					}
				}
				r.start()
				back, err := r.try(ani.id, ani.joined.SessionToken, stored.Seq)
				must(t, err)
				equal(t, "next number", back.say("next").Seq, int64(len(log)+1))
			})
		})
	}
}
