package store

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"kelas/classroom"
)

// The collections.
const (
	mongoUsers        = "users"
	mongoLogins       = "login_sessions"
	mongoLessons      = "lessons"
	mongoParticipants = "participants"
	mongoChat         = "chat"
	mongoFiles        = "files"
	mongoUploads      = "uploads"
	mongoAttendance   = "attendance"
	mongoSettings     = "settings"
	mongoWebhooks     = "webhooks"
	mongoDeliveries   = "deliveries"
	mongoMarks        = "lesson_marks"
	mongoMigrations   = "migrations"
	mongoAPIKeys      = "api_keys"
	mongoIdempotent   = "idempotent"
	mongoTokenUses    = "token_uses"
	mongoSigningKeys  = "signing_keys"
)

// mongoIndex is one index; fields as in sorted.
type mongoIndex struct {
	collection string
	name       string
	fields     []string
	unique     bool
	only       bson.D // partial: documents that it is for
}

// mongoMigration is one step of the schema; see sqliteMigration. Steps make
// indexes, which may be repeated: there is no transaction around a step, and
// a program that died in the middle, or two that start together, do it twice.
type mongoMigration struct {
	name    string
	indexes []mongoIndex
}

var mongoMigrationSteps = []mongoMigration{
	{"the first indexes", []mongoIndex{
		{mongoUsers, "users_name", []string{"nameKey"}, true, nil},
		{mongoLogins, "login_sessions_user", []string{"user", "created"}, false, nil},
		{mongoLessons, "lessons_owner", []string{"owner", "created", "_id"}, false, nil},
		{mongoLessons, "lessons_created", []string{"created", "_id"}, false, nil},
		{mongoParticipants, "participants_key", []string{"class", "key"}, true, nil},
		{mongoParticipants, "participants_class", []string{"class", "first", "_id"}, false, nil},
		{mongoChat, "chat_seq", []string{"class", "seq"}, true, nil},
		{mongoChat, "chat_client", []string{"class", "from", "client"}, true,
			bson.D{{Key: "client", Value: bson.D{{Key: "$exists", Value: true}}}}},
		{mongoFiles, "files_class", []string{"class", "created", "_id"}, false, nil},
		{mongoFiles, "files_hash", []string{"hash"}, false, nil},
		{mongoUploads, "uploads_class", []string{"class", "created", "_id"}, false, nil},
		{mongoAttendance, "attendance_class", []string{"class", "joined", "_id"}, false, nil},
	}},
	{"an index for the classes somebody joined", []mongoIndex{
		{mongoParticipants, "participants_user", []string{"user", "class"}, false, nil},
	}},
	{"indexes for expiry, for stays that a crash left open, and for all uploads", []mongoIndex{
		{mongoLogins, "login_sessions_expiry", []string{"expires"}, false, nil},
		{mongoAttendance, "attendance_left", []string{"left"}, false, nil},
		{mongoUploads, "uploads_created", []string{"created", "_id"}, false, nil},
	}},
	{"indexes for what is to be sent", []mongoIndex{
		{mongoDeliveries, "deliveries_queue", []string{"queue", "state", "seq", "_id"}, false, nil},
		{mongoDeliveries, "deliveries_state", []string{"state", "finished"}, false, nil},
		{mongoDeliveries, "deliveries_seq", []string{"seq", "_id"}, false, nil},
	}},
	{"keys of programs, and what keeps them from doing a thing twice", []mongoIndex{
		{mongoAPIKeys, "api_keys_created", []string{"created", "_id"}, false, nil},
		{mongoIdempotent, "idempotent_expiry", []string{"expires"}, false, nil},
		{mongoTokenUses, "token_uses_expiry", []string{"expires"}, false, nil},
		{mongoSigningKeys, "signing_keys_created", []string{"created", "_id"}, false, nil},
	}},
	{"indexes for lessons of other systems", []mongoIndex{
		{mongoLessons, "lessons_open", []string{"open"}, true,
			bson.D{{Key: "open", Value: bson.D{{Key: "$exists", Value: true}}}}},
		{mongoLessons, "lessons_external", []string{"external", "created", "_id"}, false,
			bson.D{{Key: "external", Value: bson.D{{Key: "$exists", Value: true}}}}},
		{mongoLessons, "lessons_unsettled", []string{"unsettled"}, false,
			bson.D{{Key: "unsettled", Value: bson.D{{Key: "$exists", Value: true}}}}},
	}},
}

type migrationDoc struct {
	Version int    `bson:"_id"`
	Name    string `bson:"name"`
	Applied int64  `bson:"applied"`
}

func (s *mongoStore) migrate(ctx context.Context) error {
	return s.migrateTo(ctx, len(mongoMigrationSteps))
}

func (s *mongoStore) migrateTo(ctx context.Context, target int) error {
	last, err := findOne[migrationDoc](ctx, s, "migrating", mongoMigrations, bson.D{},
		options.FindOne().SetSort(sorted("-_id")))
	if err != nil && !errors.Is(err, classroom.ErrNotFound) {
		return err
	}
	from := last.Version
	if from > len(mongoMigrationSteps) {
		return fmt.Errorf("store: migrating: %w (its schema is version %d, this program's is %d)",
			ErrNewerSchema, from, len(mongoMigrationSteps))
	}
	for v := from + 1; v <= target; v++ {
		if err := s.step(ctx, v, mongoMigrationSteps[v-1]); err != nil {
			return err
		}
	}
	if from < target {
		s.log.Info("database migrated", "engine", "mongodb", "from", from, "to", target)
	}
	return nil
}

func (s *mongoStore) step(ctx context.Context, version int, m mongoMigration) error {
	op := fmt.Sprintf("migrating, step %d (%s)", version, m.name)
	for _, ix := range m.indexes {
		err := s.attempt(ctx, op, func() error { return s.createIndex(ctx, ix) })
		if err != nil {
			return err
		}
	}
	err := s.insert(ctx, op, mongoMigrations, migrationDoc{Version: version, Name: m.name, Applied: millis(s.now())})
	if errors.Is(err, classroom.ErrExists) {
		return nil // another program was faster
	}
	return err
}

func (s *mongoStore) createIndex(ctx context.Context, ix mongoIndex) error {
	o := options.Index().SetName(ix.name)
	if ix.unique {
		o.SetUnique(true)
	}
	if ix.only != nil {
		o.SetPartialFilterExpression(ix.only)
	}
	_, err := s.db.Collection(ix.collection).Indexes().
		CreateOne(ctx, mongo.IndexModel{Keys: sorted(ix.fields...), Options: o})
	return err
}
