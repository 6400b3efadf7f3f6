package store

import (
	"context"
	"time"

	"kelas/classroom"
)

// Observe wraps next so that tell hears of every operation.
func Observe(next classroom.Store, tell func(op string, d time.Duration, err error)) classroom.Store {
	return &observed{next: next, tell: tell}
}

// observed is a Store that reports each call. Its methods are all of one
// shape: the deferred call takes the named result err by address, so it sees
// what was returned.
type observed struct {
	next classroom.Store
	tell func(op string, d time.Duration, err error)
}

func (o *observed) time(op string, start time.Time, err *error) {
	o.tell(op, time.Since(start), *err)
}

func (o *observed) PutUser(ctx context.Context, u classroom.User) (err error) {
	defer o.time("PutUser", time.Now(), &err)
	return o.next.PutUser(ctx, u)
}

func (o *observed) UpdateUser(ctx context.Context, u classroom.User) (_ classroom.User, err error) {
	defer o.time("UpdateUser", time.Now(), &err)
	return o.next.UpdateUser(ctx, u)
}

func (o *observed) User(ctx context.Context, id string) (_ classroom.User, err error) {
	defer o.time("User", time.Now(), &err)
	return o.next.User(ctx, id)
}

func (o *observed) UserByName(ctx context.Context, name string) (_ classroom.User, err error) {
	defer o.time("UserByName", time.Now(), &err)
	return o.next.UserByName(ctx, name)
}

func (o *observed) Users(ctx context.Context) (_ []classroom.User, err error) {
	defer o.time("Users", time.Now(), &err)
	return o.next.Users(ctx)
}

func (o *observed) CountUsers(ctx context.Context) (_ int, err error) {
	defer o.time("CountUsers", time.Now(), &err)
	return o.next.CountUsers(ctx)
}

func (o *observed) PutLoginSession(ctx context.Context, s classroom.LoginSession) (err error) {
	defer o.time("PutLoginSession", time.Now(), &err)
	return o.next.PutLoginSession(ctx, s)
}

func (o *observed) LoginSession(ctx context.Context, id string) (_ classroom.LoginSession, err error) {
	defer o.time("LoginSession", time.Now(), &err)
	return o.next.LoginSession(ctx, id)
}

func (o *observed) LoginSessions(ctx context.Context, userID string) (_ []classroom.LoginSession, err error) {
	defer o.time("LoginSessions", time.Now(), &err)
	return o.next.LoginSessions(ctx, userID)
}

func (o *observed) DeleteLoginSession(ctx context.Context, id string) (err error) {
	defer o.time("DeleteLoginSession", time.Now(), &err)
	return o.next.DeleteLoginSession(ctx, id)
}

func (o *observed) DeleteLoginSessionsOf(ctx context.Context, userID, exceptID string) (err error) {
	defer o.time("DeleteLoginSessionsOf", time.Now(), &err)
	return o.next.DeleteLoginSessionsOf(ctx, userID, exceptID)
}

func (o *observed) PutLesson(ctx context.Context, l classroom.Lesson) (err error) {
	defer o.time("PutLesson", time.Now(), &err)
	return o.next.PutLesson(ctx, l)
}

func (o *observed) UpdateLesson(ctx context.Context, l classroom.Lesson) (_ classroom.Lesson, err error) {
	defer o.time("UpdateLesson", time.Now(), &err)
	return o.next.UpdateLesson(ctx, l)
}

func (o *observed) Lesson(ctx context.Context, id string) (_ classroom.Lesson, err error) {
	defer o.time("Lesson", time.Now(), &err)
	return o.next.Lesson(ctx, id)
}

func (o *observed) Lessons(ctx context.Context, ownerID string) (_ []classroom.Lesson, err error) {
	defer o.time("Lessons", time.Now(), &err)
	return o.next.Lessons(ctx, ownerID)
}

func (o *observed) PutParticipant(ctx context.Context, p classroom.Participant) (err error) {
	defer o.time("PutParticipant", time.Now(), &err)
	return o.next.PutParticipant(ctx, p)
}

func (o *observed) UpdateParticipant(ctx context.Context, p classroom.Participant) (_ classroom.Participant, err error) {
	defer o.time("UpdateParticipant", time.Now(), &err)
	return o.next.UpdateParticipant(ctx, p)
}

func (o *observed) Participant(ctx context.Context, classID, id string) (_ classroom.Participant, err error) {
	defer o.time("Participant", time.Now(), &err)
	return o.next.Participant(ctx, classID, id)
}

func (o *observed) ParticipantByKey(ctx context.Context, classID, key string) (_ classroom.Participant, err error) {
	defer o.time("ParticipantByKey", time.Now(), &err)
	return o.next.ParticipantByKey(ctx, classID, key)
}

func (o *observed) Participants(ctx context.Context, classID string) (_ []classroom.Participant, err error) {
	defer o.time("Participants", time.Now(), &err)
	return o.next.Participants(ctx, classID)
}

func (o *observed) LessonByExternal(ctx context.Context, external string) (_ classroom.Lesson, err error) {
	defer o.time("LessonByExternal", time.Now(), &err)
	return o.next.LessonByExternal(ctx, external)
}

func (o *observed) OpenLessons(ctx context.Context) (_ []classroom.Lesson, err error) {
	defer o.time("OpenLessons", time.Now(), &err)
	return o.next.OpenLessons(ctx)
}

func (o *observed) UnsettledLessons(ctx context.Context) (_ []classroom.Lesson, err error) {
	defer o.time("UnsettledLessons", time.Now(), &err)
	return o.next.UnsettledLessons(ctx)
}

func (o *observed) LessonsJoinedBy(ctx context.Context, userID string) (_ []classroom.Lesson, err error) {
	defer o.time("LessonsJoinedBy", time.Now(), &err)
	return o.next.LessonsJoinedBy(ctx, userID)
}

func (o *observed) AppendChat(ctx context.Context, entries []classroom.ChatEntry) (err error) {
	defer o.time("AppendChat", time.Now(), &err)
	return o.next.AppendChat(ctx, entries)
}

func (o *observed) Chat(ctx context.Context, q classroom.ChatQuery) (_ []classroom.ChatEntry, err error) {
	defer o.time("Chat", time.Now(), &err)
	return o.next.Chat(ctx, q)
}

func (o *observed) ChatEntry(ctx context.Context, classID string, seq int64) (_ classroom.ChatEntry, err error) {
	defer o.time("ChatEntry", time.Now(), &err)
	return o.next.ChatEntry(ctx, classID, seq)
}

func (o *observed) ChatByClientID(ctx context.Context, classID, fromID, clientID string) (_ classroom.ChatEntry, err error) {
	defer o.time("ChatByClientID", time.Now(), &err)
	return o.next.ChatByClientID(ctx, classID, fromID, clientID)
}

func (o *observed) LastChatSeq(ctx context.Context, classID string) (_ int64, err error) {
	defer o.time("LastChatSeq", time.Now(), &err)
	return o.next.LastChatSeq(ctx, classID)
}

func (o *observed) PutFile(ctx context.Context, f classroom.FileInfo) (err error) {
	defer o.time("PutFile", time.Now(), &err)
	return o.next.PutFile(ctx, f)
}

func (o *observed) File(ctx context.Context, classID, id string) (_ classroom.FileInfo, err error) {
	defer o.time("File", time.Now(), &err)
	return o.next.File(ctx, classID, id)
}

func (o *observed) Files(ctx context.Context, classID string) (_ []classroom.FileInfo, err error) {
	defer o.time("Files", time.Now(), &err)
	return o.next.Files(ctx, classID)
}

func (o *observed) DeleteFile(ctx context.Context, classID, id string) (err error) {
	defer o.time("DeleteFile", time.Now(), &err)
	return o.next.DeleteFile(ctx, classID, id)
}

func (o *observed) FilesWithHash(ctx context.Context, hash string) (_ int, err error) {
	defer o.time("FilesWithHash", time.Now(), &err)
	return o.next.FilesWithHash(ctx, hash)
}

func (o *observed) PutUpload(ctx context.Context, u classroom.Upload) (err error) {
	defer o.time("PutUpload", time.Now(), &err)
	return o.next.PutUpload(ctx, u)
}

func (o *observed) Upload(ctx context.Context, id string) (_ classroom.Upload, err error) {
	defer o.time("Upload", time.Now(), &err)
	return o.next.Upload(ctx, id)
}

func (o *observed) Uploads(ctx context.Context, classID string) (_ []classroom.Upload, err error) {
	defer o.time("Uploads", time.Now(), &err)
	return o.next.Uploads(ctx, classID)
}

func (o *observed) DeleteUpload(ctx context.Context, id string) (err error) {
	defer o.time("DeleteUpload", time.Now(), &err)
	return o.next.DeleteUpload(ctx, id)
}

func (o *observed) PutAttendance(ctx context.Context, a classroom.Attendance) (err error) {
	defer o.time("PutAttendance", time.Now(), &err)
	return o.next.PutAttendance(ctx, a)
}

func (o *observed) TouchAttendance(ctx context.Context, ids []string, seen time.Time) (err error) {
	defer o.time("TouchAttendance", time.Now(), &err)
	return o.next.TouchAttendance(ctx, ids, seen)
}

func (o *observed) EndAttendance(ctx context.Context, id string, left time.Time) (err error) {
	defer o.time("EndAttendance", time.Now(), &err)
	return o.next.EndAttendance(ctx, id, left)
}

func (o *observed) Attendance(ctx context.Context, classID string) (_ []classroom.Attendance, err error) {
	defer o.time("Attendance", time.Now(), &err)
	return o.next.Attendance(ctx, classID)
}

func (o *observed) EndOpenAttendance(ctx context.Context) (err error) {
	defer o.time("EndOpenAttendance", time.Now(), &err)
	return o.next.EndOpenAttendance(ctx)
}

func (o *observed) Setting(ctx context.Context, key string) (_ []byte, err error) {
	defer o.time("Setting", time.Now(), &err)
	return o.next.Setting(ctx, key)
}

func (o *observed) PutSettingOnce(ctx context.Context, key string, value []byte) (_ []byte, err error) {
	defer o.time("PutSettingOnce", time.Now(), &err)
	return o.next.PutSettingOnce(ctx, key, value)
}

func (o *observed) DeleteSetting(ctx context.Context, key string) (err error) {
	defer o.time("DeleteSetting", time.Now(), &err)
	return o.next.DeleteSetting(ctx, key)
}

func (o *observed) Sweep(ctx context.Context, now time.Time) (_ int, err error) {
	defer o.time("Sweep", time.Now(), &err)
	return o.next.Sweep(ctx, now)
}

func (o *observed) Ping(ctx context.Context) (err error) {
	defer o.time("Ping", time.Now(), &err)
	return o.next.Ping(ctx)
}

func (o *observed) Close() (err error) {
	defer o.time("Close", time.Now(), &err)
	return o.next.Close()
}
