package store

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"kelas/classroom"
)

type lessonDoc struct {
	ID      string `bson:"_id"`
	Title   string `bson:"title"`
	Owner   string `bson:"owner"`
	Created int64  `bson:"created"`
	Starts  int64  `bson:"starts"`
	Locked  bool   `bson:"locked"`
	Ended   int64  `bson:"ended"`
	Rev     int64  `bson:"rev"`
}

func lessonToDoc(l classroom.Lesson) lessonDoc {
	return lessonDoc{l.ID, l.Title, l.OwnerID, millis(l.CreatedAt), millis(l.StartsAt), l.Locked, millis(l.EndedAt), l.Rev}
}

func (d lessonDoc) lesson() classroom.Lesson {
	return classroom.Lesson{ID: d.ID, Title: d.Title, OwnerID: d.Owner, CreatedAt: fromMillis(d.Created),
		StartsAt: fromMillis(d.Starts), Locked: d.Locked, EndedAt: fromMillis(d.Ended), Rev: d.Rev}
}

func (s *mongoStore) PutLesson(ctx context.Context, l classroom.Lesson) error {
	return s.insert(ctx, "put lesson", mongoLessons, lessonToDoc(l))
}

func (s *mongoStore) UpdateLesson(ctx context.Context, l classroom.Lesson) (classroom.Lesson, error) {
	d := lessonToDoc(l)
	d.Rev++
	if err := s.replace(ctx, "update lesson", mongoLessons, byID(l.ID), l.Rev, d); err != nil {
		return classroom.Lesson{}, err
	}
	return d.lesson(), nil
}

func (s *mongoStore) Lesson(ctx context.Context, id string) (classroom.Lesson, error) {
	d, err := findOne[lessonDoc](ctx, s, "read lesson", mongoLessons, byID(id))
	return d.lesson(), err
}

func (s *mongoStore) Lessons(ctx context.Context, ownerID string) ([]classroom.Lesson, error) {
	filter := bson.D{}
	if ownerID != "" {
		filter = bson.D{{Key: "owner", Value: ownerID}}
	}
	return s.lessons(ctx, "list lessons", filter)
}

func (s *mongoStore) lessons(ctx context.Context, op string, filter bson.D) ([]classroom.Lesson, error) {
	return findAll(ctx, s, op, mongoLessons, filter, lessonDoc.lesson, options.Find().SetSort(sorted("-created", "-_id")))
}

func (s *mongoStore) LessonsJoinedBy(ctx context.Context, userID string) ([]classroom.Lesson, error) {
	if userID == "" {
		return nil, nil
	}
	ids, err := findAll(ctx, s, "list joined lessons", mongoParticipants, bson.D{{Key: "user", Value: userID}},
		func(d participantDoc) string { return d.Class }, options.Find().SetProjection(bson.D{{Key: "class", Value: 1}}))
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return s.lessons(ctx, "list joined lessons", bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}})
}

type participantDoc struct {
	ID      string         `bson:"_id"`
	Class   string         `bson:"class"`
	Key     string         `bson:"key"`
	User    string         `bson:"user"`
	Name    string         `bson:"name"`
	Role    classroom.Role `bson:"role"`
	Base    classroom.Role `bson:"base"`
	Removed bool           `bson:"removed"`
	First   int64          `bson:"first"`
	Last    int64          `bson:"last"`
	Rev     int64          `bson:"rev"`
}

func participantToDoc(p classroom.Participant) participantDoc {
	return participantDoc{p.ID, p.ClassID, p.Key, p.UserID, p.Name, p.Role, p.Base, p.Removed,
		millis(p.FirstSeen), millis(p.LastSeen), p.Rev}
}

func (d participantDoc) participant() classroom.Participant {
	return classroom.Participant{ID: d.ID, ClassID: d.Class, Key: d.Key, UserID: d.User, Name: d.Name, Role: d.Role,
		Base: d.Base, Removed: d.Removed, FirstSeen: fromMillis(d.First), LastSeen: fromMillis(d.Last), Rev: d.Rev}
}

// inClass selects a document of one class.
func inClass(classID, id string) bson.D {
	return bson.D{{Key: "_id", Value: id}, {Key: "class", Value: classID}}
}

func ofClass(classID string) bson.D { return bson.D{{Key: "class", Value: classID}} }

func (s *mongoStore) PutParticipant(ctx context.Context, p classroom.Participant) error {
	return s.insert(ctx, "put participant", mongoParticipants, participantToDoc(p))
}

func (s *mongoStore) UpdateParticipant(ctx context.Context, p classroom.Participant) (classroom.Participant, error) {
	d := participantToDoc(p)
	d.Rev++
	if err := s.replace(ctx, "update participant", mongoParticipants, inClass(p.ClassID, p.ID), p.Rev, d); err != nil {
		return classroom.Participant{}, err
	}
	return d.participant(), nil
}

func (s *mongoStore) Participant(ctx context.Context, classID, id string) (classroom.Participant, error) {
	d, err := findOne[participantDoc](ctx, s, "read participant", mongoParticipants, inClass(classID, id))
	return d.participant(), err
}

func (s *mongoStore) ParticipantByKey(ctx context.Context, classID, key string) (classroom.Participant, error) {
	d, err := findOne[participantDoc](ctx, s, "read participant by key", mongoParticipants,
		append(ofClass(classID), bson.E{Key: "key", Value: key}))
	return d.participant(), err
}

func (s *mongoStore) Participants(ctx context.Context, classID string) ([]classroom.Participant, error) {
	return findAll(ctx, s, "list participants", mongoParticipants, ofClass(classID), participantDoc.participant,
		options.Find().SetSort(sorted("first", "_id")))
}

type attendanceDoc struct {
	ID          string         `bson:"_id"`
	Class       string         `bson:"class"`
	Participant string         `bson:"participant"`
	Name        string         `bson:"name"`
	Role        classroom.Role `bson:"role"`
	Joined      int64          `bson:"joined"`
	Seen        int64          `bson:"seen"`
	Left        int64          `bson:"left"`
}

func (d attendanceDoc) attendance() classroom.Attendance {
	return classroom.Attendance{ID: d.ID, ClassID: d.Class, ParticipantID: d.Participant, Name: d.Name, Role: d.Role,
		JoinedAt: fromMillis(d.Joined), LastSeen: fromMillis(d.Seen), LeftAt: fromMillis(d.Left)}
}

// stillOpen is the condition that a stay lasts.
var stillOpen = bson.E{Key: "left", Value: 0}

func (s *mongoStore) PutAttendance(ctx context.Context, a classroom.Attendance) error {
	return s.insert(ctx, "put attendance", mongoAttendance, attendanceDoc{a.ID, a.ClassID, a.ParticipantID, a.Name,
		a.Role, millis(a.JoinedAt), millis(a.LastSeen), millis(a.LeftAt)})
}

func (s *mongoStore) TouchAttendance(ctx context.Context, ids []string, seen time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	return s.attempt(ctx, "touch attendance", func() error {
		_, err := s.db.Collection(mongoAttendance).UpdateMany(ctx,
			bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}, stillOpen},
			bson.D{{Key: "$max", Value: bson.D{{Key: "seen", Value: millis(seen)}}}})
		return err
	})
}

func (s *mongoStore) EndAttendance(ctx context.Context, id string, left time.Time) error {
	return s.attempt(ctx, "end attendance", func() error {
		c := s.db.Collection(mongoAttendance)
		res, err := c.UpdateOne(ctx, append(byID(id), stillOpen),
			bson.D{{Key: "$set", Value: bson.D{{Key: "left", Value: millis(left)}}}})
		if err != nil || res.MatchedCount > 0 {
			return err
		}
		// Ended before is fine: the first end stands.
		return c.FindOne(ctx, byID(id)).Err()
	})
}

func (s *mongoStore) Attendance(ctx context.Context, classID string) ([]classroom.Attendance, error) {
	return findAll(ctx, s, "list attendance", mongoAttendance, ofClass(classID), attendanceDoc.attendance,
		options.Find().SetSort(sorted("joined", "_id")))
}

func (s *mongoStore) EndOpenAttendance(ctx context.Context) error {
	end := bson.D{{Key: "$set", Value: bson.D{{Key: "left",
		Value: bson.D{{Key: "$max", Value: bson.A{"$seen", "$joined"}}}}}}}
	return s.attempt(ctx, "end open attendance", func() error {
		_, err := s.db.Collection(mongoAttendance).UpdateMany(ctx, bson.D{stillOpen}, mongo.Pipeline{end})
		return err
	})
}
