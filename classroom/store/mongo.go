package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"

	"kelas/classroom"
)

const (
	// mongoDatabase is used when the URI names none.
	mongoDatabase = "kelas"
	// How long an operation takes at most whose context has no deadline, and
	// how much of it may go by in looking for a server.
	mongoTimeout   = 10 * time.Second
	mongoSelection = 5 * time.Second
)

// mongoStore is classroom.Store on flat MongoDB collections. Each method
// changes one document, so no transaction is needed, which compatible servers
// do not all have.
type mongoStore struct {
	log    *slog.Logger
	client *mongo.Client
	db     *mongo.Database
	now    func() time.Time
}

// OpenMongo connects to the MongoDB that uri names, proves that it answers,
// and brings its database (the URI's, or "kelas") to the newest schema.
func OpenMongo(ctx context.Context, uri string, log *slog.Logger) (classroom.Store, error) {
	s, err := openMongo(ctx, uri, log)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func openMongo(ctx context.Context, uri string, log *slog.Logger) (*mongoStore, error) {
	s, err := connectMongo(uri, log)
	if err != nil {
		return nil, err
	}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func connectMongo(uri string, log *slog.Logger) (*mongoStore, error) {
	name, err := mongoDatabaseName(uri)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	// A write that was acknowledged outlives the loss of any one server; a
	// read sees what was acknowledged.
	journal := true
	concern := writeconcern.Majority()
	concern.Journal = &journal
	o := options.Client().ApplyURI(uri).SetAppName("kelas").
		SetWriteConcern(concern).
		SetReadConcern(readconcern.Majority()).
		SetReadPreference(readpref.Primary())
	if o.Timeout == nil {
		o.SetTimeout(mongoTimeout)
	}
	if o.ServerSelectionTimeout == nil {
		o.SetServerSelectionTimeout(mongoSelection)
	}
	client, err := mongo.Connect(o)
	if err != nil {
		return nil, fmt.Errorf("store: connecting to MongoDB: %w", withoutSecrets(uri, err))
	}
	return &mongoStore{log: log, client: client, db: client.Database(name), now: time.Now}, nil
}

// mongoDatabaseName is the database that uri names.
func mongoDatabaseName(uri string) (string, error) {
	cs, err := connstring.Parse(uri)
	if err != nil {
		return "", fmt.Errorf("the MongoDB address is not usable: %w", withoutSecrets(uri, err))
	}
	if cs.Database == "" {
		return mongoDatabase, nil
	}
	return cs.Database, nil
}

// withoutSecrets is err without the user and password of uri, which the
// driver repeats in some messages.
func withoutSecrets(uri string, err error) error {
	_, rest, found := strings.Cut(uri, "://")
	if !found {
		rest = uri
	}
	at := strings.LastIndex(rest, "@")
	if at < 0 {
		return err
	}
	user := rest[:at]
	text := strings.ReplaceAll(err.Error(), user, "***")
	for part := range strings.SplitSeq(user, ":") {
		plain, unescapeErr := url.PathUnescape(part)
		if unescapeErr == nil && plain != "" {
			text = strings.ReplaceAll(text, plain, "***")
		}
		if part != "" {
			text = strings.ReplaceAll(text, part, "***")
		}
	}
	return errors.New(text)
}

func (s *mongoStore) Ping(ctx context.Context) error {
	return s.attempt(ctx, "ping", func() error { return s.client.Ping(ctx, readpref.Primary()) })
}

func (s *mongoStore) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), mongoTimeout)
	defer cancel()
	err := s.client.Disconnect(ctx)
	if errors.Is(err, mongo.ErrClientDisconnected) {
		return nil
	}
	return err
}

// byID selects a document.
func byID(id string) bson.D { return bson.D{{Key: "_id", Value: id}} }
