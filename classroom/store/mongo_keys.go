package store

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"kelas/classroom"
)

type apiKeyDoc struct {
	ID      string   `bson:"_id"`
	Name    string   `bson:"name"`
	Hash    string   `bson:"hash"`
	Scopes  []string `bson:"scopes"`
	Owner   string   `bson:"owner"`
	Created int64    `bson:"created"`
	Used    int64    `bson:"used"`
	Expires int64    `bson:"expires"`
	Revoked int64    `bson:"revoked"`
	Rev     int64    `bson:"rev"`
}

func apiKeyToDoc(k classroom.APIKey) apiKeyDoc {
	return apiKeyDoc{k.ID, k.Name, k.Hash, k.Scopes, k.OwnerID, millis(k.CreatedAt), millis(k.LastUsedAt),
		millis(k.ExpiresAt), millis(k.RevokedAt), k.Rev}
}

func (d apiKeyDoc) key() classroom.APIKey {
	return classroom.APIKey{ID: d.ID, Name: d.Name, Hash: d.Hash, Scopes: d.Scopes, OwnerID: d.Owner,
		CreatedAt: fromMillis(d.Created), LastUsedAt: fromMillis(d.Used), ExpiresAt: fromMillis(d.Expires),
		RevokedAt: fromMillis(d.Revoked), Rev: d.Rev}
}

func (s *mongoStore) PutAPIKey(ctx context.Context, k classroom.APIKey) error {
	return s.insert(ctx, "put api key", mongoAPIKeys, apiKeyToDoc(k))
}

func (s *mongoStore) UpdateAPIKey(ctx context.Context, k classroom.APIKey) (classroom.APIKey, error) {
	d := apiKeyToDoc(k)
	d.Rev++
	if err := s.replace(ctx, "update api key", mongoAPIKeys, byID(k.ID), k.Rev, d); err != nil {
		return classroom.APIKey{}, err
	}
	return storedAPIKey(k), nil
}

func (s *mongoStore) APIKey(ctx context.Context, id string) (classroom.APIKey, error) {
	d, err := findOne[apiKeyDoc](ctx, s, "read api key", mongoAPIKeys, byID(id))
	return d.key(), err
}

func (s *mongoStore) APIKeys(ctx context.Context) ([]classroom.APIKey, error) {
	return findAll(ctx, s, "list api keys", mongoAPIKeys, bson.D{}, apiKeyDoc.key,
		options.Find().SetSort(sorted("-created", "-_id")))
}

func (s *mongoStore) TouchAPIKey(ctx context.Context, id string, at time.Time) error {
	return s.attempt(ctx, "touch api key", func() error {
		_, err := s.db.Collection(mongoAPIKeys).UpdateOne(ctx, byID(id),
			bson.D{{Key: "$max", Value: bson.D{{Key: "used", Value: millis(at)}}}})
		return err
	})
}

type idempotentDoc struct {
	Key         string `bson:"_id"`
	Fingerprint string `bson:"fingerprint"`
	Status      int    `bson:"status"`
	Type        string `bson:"type"`
	Location    string `bson:"location"`
	ETag        string `bson:"etag"`
	Body        []byte `bson:"body"`
	Created     int64  `bson:"created"`
	Expires     int64  `bson:"expires"`
	Rev         int64  `bson:"rev"`
}

func idempotentToDoc(r classroom.Idempotent) idempotentDoc {
	return idempotentDoc{r.Key, r.Fingerprint, r.Status, r.Type, r.Location, r.ETag, notNull(r.Body),
		millis(r.CreatedAt), millis(r.ExpiresAt), r.Rev}
}

func (d idempotentDoc) record() classroom.Idempotent {
	return classroom.Idempotent{Key: d.Key, Fingerprint: d.Fingerprint, Status: d.Status, Type: d.Type,
		Location: d.Location, ETag: d.ETag, Body: d.Body, CreatedAt: fromMillis(d.Created),
		ExpiresAt: fromMillis(d.Expires), Rev: d.Rev}
}

func (s *mongoStore) PutIdempotent(ctx context.Context, r classroom.Idempotent) error {
	_, err := s.removeAll(ctx, "put idempotent", mongoIdempotent, append(byID(r.Key),
		bson.E{Key: "expires", Value: bson.D{{Key: "$lte", Value: millis(r.CreatedAt)}}}))
	if err != nil {
		return err
	}
	return s.insert(ctx, "put idempotent", mongoIdempotent, idempotentToDoc(r))
}

func (s *mongoStore) UpdateIdempotent(ctx context.Context, r classroom.Idempotent) (classroom.Idempotent, error) {
	d := idempotentToDoc(r)
	d.Rev++
	if err := s.replace(ctx, "update idempotent", mongoIdempotent, byID(r.Key), r.Rev, d); err != nil {
		return classroom.Idempotent{}, err
	}
	return d.record(), nil
}

func (s *mongoStore) Idempotent(ctx context.Context, key string) (classroom.Idempotent, error) {
	d, err := findOne[idempotentDoc](ctx, s, "read idempotent", mongoIdempotent, byID(key))
	return d.record(), err
}

func (s *mongoStore) DeleteIdempotent(ctx context.Context, key string) error {
	_, err := s.remove(ctx, "delete idempotent", mongoIdempotent, byID(key))
	return err
}

type tokenUseDoc struct {
	ID      string `bson:"_id"`
	Expires int64  `bson:"expires"`
}

func (s *mongoStore) UseToken(ctx context.Context, id string, expires time.Time) error {
	return s.insert(ctx, "use token", mongoTokenUses, tokenUseDoc{id, millis(expires)})
}

type signingKeyDoc struct {
	ID      string `bson:"_id"`
	Seed    []byte `bson:"seed"`
	Created int64  `bson:"created"`
}

func (d signingKeyDoc) key() classroom.SigningKey {
	return classroom.SigningKey{ID: d.ID, Seed: d.Seed, CreatedAt: fromMillis(d.Created)}
}

func (s *mongoStore) PutSigningKey(ctx context.Context, k classroom.SigningKey) error {
	return s.insert(ctx, "put signing key", mongoSigningKeys, signingKeyDoc{k.ID, notNull(k.Seed), millis(k.CreatedAt)})
}

func (s *mongoStore) SigningKeys(ctx context.Context) ([]classroom.SigningKey, error) {
	return findAll(ctx, s, "list signing keys", mongoSigningKeys, bson.D{}, signingKeyDoc.key,
		options.Find().SetSort(sorted("created", "_id")))
}

func (s *mongoStore) DeleteSigningKey(ctx context.Context, id string) error {
	_, err := s.remove(ctx, "delete signing key", mongoSigningKeys, byID(id))
	return err
}

func (s *mongoStore) LessonsPage(ctx context.Context, q classroom.LessonQuery) ([]classroom.Lesson, error) {
	filter := bson.D{}
	if q.OwnerID != "" {
		filter = append(filter, bson.E{Key: "owner", Value: q.OwnerID})
	}
	if !q.BeforeAt.IsZero() {
		before := millis(q.BeforeAt)
		filter = append(filter, bson.E{Key: "$or", Value: bson.A{
			bson.D{{Key: "created", Value: bson.D{{Key: "$lt", Value: before}}}},
			bson.D{{Key: "created", Value: before}, {Key: "_id", Value: bson.D{{Key: "$lt", Value: q.BeforeID}}}},
		}})
	}
	return s.lessons(ctx, "list lessons", filter, q.Limit)
}

func (s *mongoStore) DeleteLesson(ctx context.Context, id string) error {
	ofClass := bson.D{{Key: "class", Value: id}}
	for _, collection := range []string{mongoChat, mongoParticipants, mongoAttendance} {
		if _, err := s.removeAll(ctx, "delete lesson", collection, ofClass); err != nil {
			return err
		}
	}
	return s.removeExisting(ctx, "delete lesson", mongoLessons, byID(id))
}

func (s *mongoStore) DeleteUser(ctx context.Context, id string) error {
	if _, err := s.removeAll(ctx, "delete user", mongoLogins, bson.D{{Key: "user", Value: id}}); err != nil {
		return err
	}
	return s.removeExisting(ctx, "delete user", mongoUsers, byID(id))
}
