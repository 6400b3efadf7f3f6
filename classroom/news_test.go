package classroom_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	. "kelas/classroom"
)

// listener is an observer that keeps what it is told, once for each ID.
type listener struct {
	mu    sync.Mutex
	deaf  bool
	err   error
	list  []Happening
	again int
}

func (l *listener) Wants(string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.deaf
}

func (l *listener) Happened(ctx context.Context, list []Happening) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	for _, h := range list {
		if slices.ContainsFunc(l.list, func(o Happening) bool { return o.ID == h.ID }) {
			l.again++
			continue
		}
		l.list = append(l.list, h)
	}
	return nil
}

func (l *listener) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

// told lists types with who or what.
func (l *listener) told() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for _, h := range l.list {
		s := h.Type
		switch {
		case h.Participant != nil:
			s += " " + h.Participant.Name
		case h.Chat != nil:
			s += " " + h.Chat.Text
		case h.File != nil:
			s += " " + h.File.ID
		}
		if h.Reason != "" {
			s += " (" + h.Reason + ")"
		}
		all = append(all, s)
	}
	return all
}

func (r *room) listen() *listener {
	l := &listener{}
	r.reg.Observe(l)
	return l
}

func (r *room) marks() int {
	r.t.Helper()
	marks, err := r.mem.LessonMarks(r.t.Context())
	must(r.t, err)
	return len(marks)
}

func TestNewsInOrder(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		l := r.listen()
		teacher := r.join(owner, RolePresenter)
		budi := r.join("Budi", RoleViewer)
		said := teacher.say("halo")
		_, err := teacher.SendChat(t.Context(), ChatRequest{Kind: ChatPrivate, To: budi.pid(), Text: "rahasia"})
		must(t, err)
		teacher.goLive()
		wait(time.Second)
		err = teacher.DeleteChat(t.Context(), said.Seq)
		must(t, err)
		r.reg.FileAdded(r.lesson.ID, FileInfo{ID: "f1", ClassID: r.lesson.ID})
		r.reg.FileRemoved(r.lesson.ID, "f1")
		budi.Leave(t.Context())
		wait(time.Second)
		must(t, teacher.EndClass(t.Context()))
		wait(time.Second)
		equal(t, "what was told", l.told(), []string{
			"lesson.started", "participant.joined " + owner, "participant.joined Budi", "chat.message halo", "presenting.started " + owner,
			"chat.deleted ", "file.added f1", "file.removed f1", "participant.left Budi (left)",
			"presenting.stopped " + owner + " (ended)", "participant.left " + owner + " (ended)", "lesson.ended (ended)",
		})
		equal(t, "marks", r.marks(), 0)
	})
}

func TestNewsOfAnEmptyClass(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		l := r.listen()
		r.join(owner, RolePresenter).Leave(t.Context())
		wait(30 * time.Second)
		r.join(owner, RolePresenter).Leave(t.Context()) // back in time: the same lesson
		wait(59 * time.Second)
		equal(t, "marks", r.marks(), 1)
		wait(2 * time.Second)
		equal(t, "what was told", l.told(), []string{
			"lesson.started", "participant.joined " + owner, "participant.left " + owner + " (left)",
			"participant.joined " + owner, "participant.left " + owner + " (left)", "lesson.ended (empty)",
		})
		equal(t, "marks", r.marks(), 0)
		equal(t, "loaded classes", r.reg.Stats().Classes, 0)
	})
}

// Nothing is told that is not stored, and nothing is lost while the store, or
// whoever keeps the news, does not answer.
func TestNewsWaitForTheStore(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		l := r.listen()
		teacher := r.join(owner, RolePresenter)
		wait(time.Second)
		r.store.Fail(ErrStoreUnavailable)
		teacher.say("satu")
		wait(time.Minute)
		equal(t, "told while the store is away", len(l.told()), 2)
		l.fail(ErrStoreUnavailable)
		r.store.Fail(nil)
		wait(time.Minute)
		equal(t, "told while the outbox is away", len(l.told()), 2)
		bad := teacher.say("dua")
		must(t, teacher.DeleteChat(t.Context(), bad.Seq))
		teacher.say("tiga")
		l.fail(nil)
		wait(time.Minute)
		// What was deleted in the meantime goes without its text.
		equal(t, "told", l.told()[2:], []string{"chat.message satu", "chat.message ", "chat.deleted ", "chat.message tiga"})
		equal(t, "lost", r.reg.Stats().NewsLost, uint64(0))
	})
}

func TestNewsOfARefusedMessage(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		l := r.listen()
		teacher := r.join(owner, RolePresenter)
		r.store.Refuse(func(e ChatEntry) error {
			if e.Text == "buruk" {
				return ErrExists
			}
			return nil
		})
		teacher.say("buruk")
		wait(time.Minute) // given up, and taken back by a deletion
		teacher.say("baik")
		wait(time.Second)
		for _, s := range l.told() {
			if s == "chat.message buruk" {
				t.Fatal("a message that is not stored was told")
			}
		}
		equal(t, "the last two", l.told()[2:], []string{"chat.deleted ", "chat.message baik"})
	})
}

// A crash between a cause and its telling: the server that starts again tells.
func TestNewsAfterACrash(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		l := r.listen()
		teacher := r.join(owner, RolePresenter)
		wait(time.Second)
		l.fail(ErrStoreUnavailable)
		r.join("Budi", RoleViewer)
		teacher.say("halo")
		_, err := teacher.SendChat(t.Context(), ChatRequest{Kind: ChatAnnouncement, Text: "penting"})
		must(t, err)
		wait(time.Second) // all of it is stored now
		r.crash()
		l.fail(nil)
		equal(t, "told before", len(l.told()), 2)
		equal(t, "marks", r.marks(), 1)
		wait(time.Hour)

		r.start()
		r.reg.Observe(l)
		must(t, r.reg.Recover(t.Context()))
		// The beats ended in that order; a class without anybody ends later.
		equal(t, "told after", l.told()[2:], []string{
			"participant.joined Budi", "chat.message halo", "chat.message penting",
			"participant.left " + owner + " (lost)", "participant.left Budi (lost)"}[:len(l.told())-2])
		equal(t, "told in all", len(l.told()), 7)
		wait(2 * time.Minute)
		equal(t, "the end", l.told()[7:], []string{"lesson.ended (empty)"})
		equal(t, "marks", r.marks(), 0)
	})
}

// A server that is restarted in a lesson does not end it.
func TestNewsOverARestart(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		l := r.listen()
		r.join(owner, RolePresenter).goLive()
		r.stop()
		equal(t, "marks", r.marks(), 1)
		r.start()
		r.reg.Observe(l)
		must(t, r.reg.Recover(t.Context()))
		r.join(owner, RolePresenter)
		wait(5 * time.Minute)
		equal(t, "what was told", l.told(), []string{
			"lesson.started", "participant.joined " + owner, "presenting.started " + owner,
			"presenting.stopped " + owner + " (closing)", "participant.left " + owner + " (closing)", "participant.joined " + owner,
		})
	})
}

func TestNewsNobodyWants(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		l := r.listen()
		l.deaf = true
		teacher := r.join(owner, RolePresenter)
		teacher.say("halo")
		teacher.Leave(t.Context())
		wait(5 * time.Minute)
		equal(t, "told", len(l.told()), 0)
		equal(t, "marks put", r.store.Calls("PutLessonMark"), 0)
		equal(t, "loaded classes", r.reg.Stats().Classes, 0)
	})
}

// A file that comes while nobody is in the class is told of all the same.
func TestNewsOfAFileInAnEmptyClass(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, r *room) {
		l := r.listen()
		f := FileInfo{ID: "f1", ClassID: r.lesson.ID, CreatedAt: time.Now()}
		r.files.files = append(r.files.files, f)
		r.reg.FileAdded(r.lesson.ID, f)
		wait(5 * time.Minute)
		equal(t, "told", l.told(), []string{"file.added f1"})
		equal(t, "marks", r.marks(), 0)
		equal(t, "loaded classes", r.reg.Stats().Classes, 0)
	})
}
