// Package storetest is the conformance suite of classroom.Store: what every
// implementation must do, its races included. It asks for nothing that the
// interface does not promise: orders are compared only where one is named,
// and the Rev of something new is whatever reading it back says.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"kelas/classroom"
)

// patience bounds each test's waiting on the store; it is far beyond what a
// loaded machine needs and only turns a hang into a failure.
const patience = 2 * time.Minute

// Run runs the suite. open returns an empty store for one test; the suite
// closes it.
func Run(t *testing.T, open func(t *testing.T) classroom.Store) {
	t.Helper()
	tests := []struct {
		name string
		run  func(*harness)
	}{
		{"Users", testUsers},
		{"UserNames", testUserNames},
		{"LoginSessions", testLoginSessions},
		{"Settings", testSettings},
		{"Lessons", testLessons},
		{"LessonsOfOthers", testLessonsOfOthers},
		{"Participants", testParticipants},
		{"LessonsJoinedBy", testLessonsJoinedBy},
		{"Attendance", testAttendance},
		{"ChatAppend", testChatAppend},
		{"ChatRepeat", testChatRepeat},
		{"ChatClientID", testChatClientID},
		{"ChatDeletion", testChatDeletion},
		{"ChatPages", testChatPages},
		{"Files", testFiles},
		{"Uploads", testUploads},
		{"Webhooks", testWebhooks},
		{"Deliveries", testDeliveries},
		{"LessonMarks", testLessonMarks},
		{"Times", testTimes},
		{"Text", testText},
		{"BigValues", testBigValues},
		{"CancelledContext", testCancelled},
		{"RaceCompareAndSet", raceCompareAndSet},
		{"RaceJoin", raceJoin},
		{"RaceNames", raceNames},
		{"RaceExternal", raceExternal},
		{"RaceAppend", raceAppend},
		{"RaceRepeat", raceRepeat},
		{"APIKeys", testAPIKeys},
		{"Idempotent", testIdempotent},
		{"TokenUses", testTokenUses},
		{"SigningKeys", testSigningKeys},
		{"LessonsPage", testLessonsPage},
		{"DeleteLesson", testDeleteLesson},
		{"DeleteUser", testDeleteUser},
		{"RaceSettings", raceSettings},
		{"RaceDeliveries", raceDeliveries},
		{"RaceOnce", raceOnce},
		{"Closed", testClosed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := open(t)
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			t.Cleanup(func() {
				cancel()
				if err := s.Close(); err != nil {
					t.Errorf("closing: %v", err)
				}
			})
			test.run(&harness{T: t, ctx: ctx, s: s})
		})
	}
}

// harness is one test's store and its short words.
type harness struct {
	*testing.T
	ctx context.Context
	s   classroom.Store
}

// ok fails the test on an error.
func (h *harness) ok(err error) {
	h.Helper()
	if err != nil {
		h.Fatalf("unexpected error: %v", err)
	}
}

// is fails the test unless err is want.
func (h *harness) is(err, want error) {
	h.Helper()
	if !errors.Is(err, want) {
		h.Fatalf("error is %v, want %v", err, want)
	}
}

// same fails the test unless got equals want.
func same[T any](h *harness, what string, got, want T) {
	h.Helper()
	if !reflect.DeepEqual(got, want) {
		h.Fatalf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// sameList is same for lists, for which nil and empty are one.
func sameList[T any](h *harness, what string, got, want []T) {
	h.Helper()
	if len(got) == 0 && len(want) == 0 {
		return
	}
	same(h, what, got, want)
}

// must takes a value whose error would be the test's failure.
func must[T any](v T, err error) func(h *harness) T {
	return func(h *harness) T {
		h.Helper()
		h.ok(err)
		return v
	}
}

// together runs n functions at once and waits for all.
func together(n int, run func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			run(i)
		})
	}
	close(start)
	wg.Wait()
}

// at is a moment of the day the tests play on.
func at(seconds int) time.Time {
	return time.Date(2026, 11, 22, 8, 0, seconds, 123e6, time.UTC)
}

func user(id, name string) classroom.User {
	return classroom.User{ID: id, Name: name, DisplayName: name + " itself", Role: classroom.AccountTeacher,
		PasswordHash: "$argon2id$v=19$m=65536,t=3,p=2$c2FsdA$aGFzaA", Language: "id", CreatedAt: at(1)}
}

func lesson(id, owner string, created int) classroom.Lesson {
	return classroom.Lesson{ID: id, Title: "Lesson " + id, OwnerID: owner, CreatedAt: at(created), StartsAt: at(created + 60)}
}

func participant(class, id, key string) classroom.Participant {
	return classroom.Participant{ID: id, ClassID: class, Key: key, Name: "Name of " + id, Role: classroom.RoleViewer,
		Base: classroom.RoleViewer, FirstSeen: at(1), LastSeen: at(2)}
}

func message(class string, seq int64, from string) classroom.ChatEntry {
	return classroom.ChatEntry{ClassID: class, Seq: seq, Kind: classroom.ChatMessage, FromID: from,
		FromName: "Name of " + from, FromRole: classroom.RoleViewer, Text: fmt.Sprintf("message %d", seq),
		ClientID: fmt.Sprintf("client-%d", seq), At: at(int(seq))}
}

func private(class string, seq int64, from, to string) classroom.ChatEntry {
	e := message(class, seq, from)
	e.Kind, e.ToID, e.ToName = classroom.ChatPrivate, to, "Name of "+to
	return e
}

func deletion(class string, seq int64, from string, target int64) classroom.ChatEntry {
	e := message(class, seq, from)
	e.Kind, e.Text, e.Target, e.ClientID = classroom.ChatDeletion, "", target, ""
	return e
}

func seqs(entries []classroom.ChatEntry) []int64 {
	var all []int64
	for _, e := range entries {
		all = append(all, e.Seq)
	}
	return all
}
