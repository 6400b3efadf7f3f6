package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"kelas/classroom"
)

const (
	// mongoAttempts bounds how often a write is tried that lost against a
	// concurrent one.
	mongoAttempts = 12
	// Between them lies a random wait of up to this long, doubled each time up
	// to the longest: the losers of one deadlock must not meet in the next.
	mongoRetryWait    = 16 * time.Millisecond
	mongoRetryLongest = 512 * time.Millisecond
)

// attempt runs fn, again when the server says that fn was stopped for the
// sake of a concurrent write and had no effect, and translates its error.
func (s *mongoStore) attempt(ctx context.Context, op string, fn func() error) error {
	wait := mongoRetryWait
	for n := 1; ; n++ {
		err := fn()
		if n == mongoAttempts || !isWriteConflict(err) {
			return fail(ctx, op, err, classifyMongo)
		}
		timer := time.NewTimer(rand.N(wait))
		select {
		case <-ctx.Done():
			timer.Stop()
			return fail(ctx, op, err, classifyMongo)
		case <-timer.C:
		}
		wait = min(2*wait, mongoRetryLongest)
	}
}

// Codes of MongoDB's error table.
const (
	mongoLockTimeout   = 24
	mongoWriteConflict = 112
	mongoOutOfDisk     = 14031
)

// isWriteConflict reports an error after which nothing was written and the
// same write may well succeed: MongoDB's WriteConflict, and the deadlocks
// that PostgreSQL reports under FerretDB.
func isWriteConflict(err error) bool {
	var se mongo.ServerError
	if !errors.As(err, &se) || mongo.IsDuplicateKeyError(err) {
		return false
	}
	return se.HasErrorCode(mongoWriteConflict) || se.HasErrorCode(mongoLockTimeout) ||
		se.HasErrorMessage("deadlock detected") ||
		se.HasErrorMessage("could not serialize access") ||
		se.HasErrorMessage("tuple concurrently updated")
}

func classifyMongo(err error) error {
	var se mongo.ServerError
	switch {
	case errors.Is(err, mongo.ErrNoDocuments):
		return classroom.ErrNotFound
	case mongo.IsDuplicateKeyError(err):
		return classroom.ErrExists
	case errors.As(err, &se) && (se.HasErrorCode(mongoOutOfDisk) || se.HasErrorMessage("No space left on device")):
		return classroom.ErrStoreFull
	case mongo.IsTimeout(err), mongo.IsNetworkError(err), isWriteConflict(err),
		errors.Is(err, mongo.ErrClientDisconnected), isUnreachable(err):
		return classroom.ErrStoreUnavailable
	}
	return nil
}

// isUnreachable reports errors of finding or reaching a server, and those of
// one that is starting, stopping or no longer the primary. Their types are
// the driver's own; the label is what it promises, the text what is left.
func isUnreachable(err error) bool {
	var labeled mongo.LabeledError
	if errors.As(err, &labeled) {
		for _, label := range []string{"RetryableWriteError", "RetryableError", "SystemOverloadedError"} {
			if labeled.HasErrorLabel(label) {
				return true
			}
		}
	}
	var se mongo.ServerError
	if errors.As(err, &se) {
		for _, code := range []int{6, 7, 89, 91, 189, 262, 9001, 10058, 10107, 11600, 11602, 13435, 13436} {
			if se.HasErrorCode(code) {
				return true
			}
		}
	}
	text := err.Error()
	return strings.Contains(text, "server selection error") || strings.Contains(text, "connection(")
}

// findOne returns the one document that filter selects, or ErrNotFound.
func findOne[D any](ctx context.Context, s *mongoStore, op, collection string, filter bson.D,
	opts ...options.Lister[options.FindOneOptions]) (doc D, err error) {
	err = s.attempt(ctx, op, func() error {
		r := s.db.Collection(collection).FindOne(ctx, filter, opts...)
		// Err first: Decode hides the cause behind its own.
		if err := r.Err(); err != nil {
			return err
		}
		return r.Decode(&doc)
	})
	return doc, err
}

// findAll returns what filter selects, each document turned by from.
func findAll[D, T any](ctx context.Context, s *mongoStore, op, collection string, filter bson.D,
	from func(D) T, opts ...options.Lister[options.FindOptions]) (all []T, err error) {
	var docs []D
	err = s.attempt(ctx, op, func() error {
		docs = nil
		cursor, err := s.db.Collection(collection).Find(ctx, filter, opts...)
		if err != nil {
			return err
		}
		return cursor.All(ctx, &docs) // closes the cursor
	})
	if err != nil {
		return nil, err
	}
	for _, d := range docs {
		all = append(all, from(d))
	}
	return all, nil
}

func (s *mongoStore) insert(ctx context.Context, op, collection string, doc any) error {
	return s.attempt(ctx, op, func() error {
		_, err := s.db.Collection(collection).InsertOne(ctx, doc)
		return err
	})
}

// replace is compare-and-set: the document that filter selects is replaced
// when its rev is still rev, and says what was the matter otherwise.
func (s *mongoStore) replace(ctx context.Context, op, collection string, filter bson.D, rev int64, doc any) error {
	return s.attempt(ctx, op, func() error {
		c := s.db.Collection(collection)
		same := append(append(bson.D{}, filter...), bson.E{Key: "rev", Value: rev})
		res, err := c.ReplaceOne(ctx, same, doc)
		if err != nil || res.MatchedCount > 0 {
			return err
		}
		if err := c.FindOne(ctx, filter, options.FindOne().SetProjection(bson.D{{Key: "_id", Value: 1}})).Err(); err != nil {
			return err
		}
		return classroom.ErrConflict
	})
}

// remove deletes one document and reports whether it was there.
func (s *mongoStore) remove(ctx context.Context, op, collection string, filter bson.D) (found bool, err error) {
	err = s.attempt(ctx, op, func() error {
		res, err := s.db.Collection(collection).DeleteOne(ctx, filter)
		if err != nil {
			return err
		}
		found = res.DeletedCount > 0
		return nil
	})
	return found, err
}

func (s *mongoStore) removeAll(ctx context.Context, op, collection string, filter bson.D) (n int, err error) {
	err = s.attempt(ctx, op, func() error {
		res, err := s.db.Collection(collection).DeleteMany(ctx, filter)
		if err != nil {
			return err
		}
		n = int(res.DeletedCount)
		return nil
	})
	return n, err
}

func (s *mongoStore) count(ctx context.Context, op, collection string, filter bson.D) (n int, err error) {
	err = s.attempt(ctx, op, func() error {
		c, err := s.db.Collection(collection).CountDocuments(ctx, filter)
		n = int(c)
		return err
	})
	return n, err
}

// sorted orders by the named fields, one with a minus sign falling.
func sorted(fields ...string) bson.D {
	var d bson.D
	for _, f := range fields {
		if name, falling := strings.CutPrefix(f, "-"); falling {
			d = append(d, bson.E{Key: name, Value: -1})
		} else {
			d = append(d, bson.E{Key: f, Value: 1})
		}
	}
	return d
}
