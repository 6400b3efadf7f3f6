package store

import (
	"context"
	"errors"
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

	External  string `bson:"external,omitempty"`
	Open      string `bson:"open,omitempty"` // External while it has not ended: what the unique index is on
	Settings  string `bson:"settings,omitempty"`
	Unsettled bool   `bson:"unsettled,omitempty"`
}

func lessonToDoc(l classroom.Lesson) (lessonDoc, error) {
	d := lessonDoc{ID: l.ID, Title: l.Title, Owner: l.OwnerID, Created: millis(l.CreatedAt), Starts: millis(l.StartsAt),
		Locked: l.Locked, Ended: millis(l.EndedAt), Rev: l.Rev, External: l.External, Unsettled: l.Unsettled}
	if d.Ended == 0 {
		d.Open = l.External
	}
	var err error
	d.Settings, err = settingsText(l.Settings)
	return d, err
}

func (d lessonDoc) lesson() (classroom.Lesson, error) {
	settings, err := settingsFrom(d.Settings)
	return classroom.Lesson{ID: d.ID, Title: d.Title, OwnerID: d.Owner, CreatedAt: fromMillis(d.Created),
		StartsAt: fromMillis(d.Starts), Locked: d.Locked, EndedAt: fromMillis(d.Ended), Rev: d.Rev,
		External: d.External, Settings: settings, Unsettled: d.Unsettled}, err
}

func (s *mongoStore) PutLesson(ctx context.Context, l classroom.Lesson) error {
	d, err := lessonToDoc(l)
	if err != nil {
		return err
	}
	return s.insert(ctx, "put lesson", mongoLessons, d)
}

func (s *mongoStore) UpdateLesson(ctx context.Context, l classroom.Lesson) (classroom.Lesson, error) {
	d, err := lessonToDoc(l)
	if err != nil {
		return classroom.Lesson{}, err
	}
	d.Rev++
	if err := s.replace(ctx, "update lesson", mongoLessons, byID(l.ID), l.Rev, d); err != nil {
		return classroom.Lesson{}, err
	}
	return d.lesson()
}

func (s *mongoStore) Lesson(ctx context.Context, id string) (classroom.Lesson, error) {
	return s.lesson(ctx, "read lesson", byID(id))
}

func (s *mongoStore) lesson(ctx context.Context, op string, filter bson.D,
	opts ...options.Lister[options.FindOneOptions]) (classroom.Lesson, error) {
	d, err := findOne[lessonDoc](ctx, s, op, mongoLessons, filter, opts...)
	if err != nil {
		return classroom.Lesson{}, err
	}
	return d.lesson()
}

func (s *mongoStore) LessonByExternal(ctx context.Context, external string) (classroom.Lesson, error) {
	if external == "" {
		return classroom.Lesson{}, classroom.ErrNotFound
	}
	const op = "read lesson by external name"
	l, err := s.lesson(ctx, op, bson.D{{Key: "open", Value: external}})
	if errors.Is(err, classroom.ErrNotFound) {
		l, err = s.lesson(ctx, op, bson.D{{Key: "external", Value: external}}, options.FindOne().SetSort(sorted("-created", "-_id")))
	}
	return l, err
}

func (s *mongoStore) OpenLessons(ctx context.Context) ([]classroom.Lesson, error) {
	return s.lessons(ctx, "list open lessons", bson.D{{Key: "open", Value: bson.D{{Key: "$exists", Value: true}}}}, 0)
}

func (s *mongoStore) UnsettledLessons(ctx context.Context) ([]classroom.Lesson, error) {
	return s.lessons(ctx, "list unsettled lessons", bson.D{{Key: "unsettled", Value: true}}, 0)
}

func (s *mongoStore) Lessons(ctx context.Context, ownerID string) ([]classroom.Lesson, error) {
	filter := bson.D{}
	if ownerID != "" {
		filter = bson.D{{Key: "owner", Value: ownerID}}
	}
	return s.lessons(ctx, "list lessons", filter, 0)
}

// lessons returns what filter selects, newest first; limit 0 for all.
func (s *mongoStore) lessons(ctx context.Context, op string, filter bson.D, limit int) ([]classroom.Lesson, error) {
	docs, err := findAll(ctx, s, op, mongoLessons, filter, func(d lessonDoc) lessonDoc { return d },
		options.Find().SetSort(sorted("-created", "-_id")).SetLimit(int64(limit)))
	if err != nil {
		return nil, err
	}
	list := make([]classroom.Lesson, len(docs))
	for i, d := range docs {
		if list[i], err = d.lesson(); err != nil {
			return nil, err
		}
	}
	return list, nil
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
	return s.lessons(ctx, "list joined lessons", bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}}, 0)
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
