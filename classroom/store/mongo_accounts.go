package store

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"kelas/classroom"
)

type userDoc struct {
	ID           string                `bson:"_id"`
	Name         string                `bson:"name"`
	NameKey      string                `bson:"nameKey"`
	DisplayName  string                `bson:"displayName"`
	Role         classroom.AccountRole `bson:"role"`
	PasswordHash string                `bson:"passwordHash"`
	Language     string                `bson:"language"`
	Disabled     bool                  `bson:"disabled"`
	Created      int64                 `bson:"created"`
	Rev          int64                 `bson:"rev"`
}

func userToDoc(u classroom.User) userDoc {
	return userDoc{u.ID, u.Name, nameKey(u.Name), u.DisplayName, u.Role, u.PasswordHash, u.Language, u.Disabled,
		millis(u.CreatedAt), u.Rev}
}

func (d userDoc) user() classroom.User {
	return classroom.User{ID: d.ID, Name: d.Name, DisplayName: d.DisplayName, Role: d.Role,
		PasswordHash: d.PasswordHash, Language: d.Language, Disabled: d.Disabled,
		CreatedAt: fromMillis(d.Created), Rev: d.Rev}
}

func (s *mongoStore) PutUser(ctx context.Context, u classroom.User) error {
	return s.insert(ctx, "put user", mongoUsers, userToDoc(u))
}

func (s *mongoStore) UpdateUser(ctx context.Context, u classroom.User) (classroom.User, error) {
	d := userToDoc(u)
	d.Rev++
	if err := s.replace(ctx, "update user", mongoUsers, byID(u.ID), u.Rev, d); err != nil {
		return classroom.User{}, err
	}
	return d.user(), nil
}

func (s *mongoStore) User(ctx context.Context, id string) (classroom.User, error) {
	d, err := findOne[userDoc](ctx, s, "read user", mongoUsers, byID(id))
	return d.user(), err
}

func (s *mongoStore) UserByName(ctx context.Context, name string) (classroom.User, error) {
	d, err := findOne[userDoc](ctx, s, "read user by name", mongoUsers, bson.D{{Key: "nameKey", Value: nameKey(name)}})
	return d.user(), err
}

func (s *mongoStore) Users(ctx context.Context) ([]classroom.User, error) {
	return findAll(ctx, s, "list users", mongoUsers, bson.D{}, userDoc.user, options.Find().SetSort(sorted("nameKey")))
}

func (s *mongoStore) CountUsers(ctx context.Context) (int, error) {
	return s.count(ctx, "count users", mongoUsers, bson.D{})
}

type loginDoc struct {
	ID        string `bson:"_id"`
	User      string `bson:"user"`
	Created   int64  `bson:"created"`
	Expires   int64  `bson:"expires"`
	UserAgent string `bson:"userAgent"`
	Addr      string `bson:"addr"`
}

func (d loginDoc) login() classroom.LoginSession {
	return classroom.LoginSession{ID: d.ID, UserID: d.User, CreatedAt: fromMillis(d.Created),
		ExpiresAt: fromMillis(d.Expires), UserAgent: d.UserAgent, Addr: d.Addr}
}

func (s *mongoStore) PutLoginSession(ctx context.Context, l classroom.LoginSession) error {
	return s.insert(ctx, "put login", mongoLogins,
		loginDoc{l.ID, l.UserID, millis(l.CreatedAt), millis(l.ExpiresAt), l.UserAgent, l.Addr})
}

// notExpired is the condition that a login holds now.
func (s *mongoStore) notExpired() bson.E {
	return bson.E{Key: "expires", Value: bson.D{{Key: "$gt", Value: millis(s.now())}}}
}

func (s *mongoStore) LoginSession(ctx context.Context, id string) (classroom.LoginSession, error) {
	d, err := findOne[loginDoc](ctx, s, "read login", mongoLogins, append(byID(id), s.notExpired()))
	return d.login(), err
}

func (s *mongoStore) LoginSessions(ctx context.Context, userID string) ([]classroom.LoginSession, error) {
	return findAll(ctx, s, "list logins", mongoLogins, bson.D{{Key: "user", Value: userID}, s.notExpired()},
		loginDoc.login, options.Find().SetSort(sorted("-created", "-_id")))
}

func (s *mongoStore) DeleteLoginSession(ctx context.Context, id string) error {
	_, err := s.remove(ctx, "delete login", mongoLogins, byID(id))
	return err
}

func (s *mongoStore) DeleteLoginSessionsOf(ctx context.Context, userID, exceptID string) error {
	_, err := s.removeAll(ctx, "delete logins", mongoLogins, bson.D{{Key: "user", Value: userID},
		{Key: "_id", Value: bson.D{{Key: "$ne", Value: exceptID}}}})
	return err
}

func (s *mongoStore) Sweep(ctx context.Context, now time.Time) (int, error) {
	total := 0
	for _, collection := range []string{mongoLogins, mongoIdempotent, mongoTokenUses} {
		n, err := s.removeAll(ctx, "sweep", collection,
			bson.D{{Key: "expires", Value: bson.D{{Key: "$lte", Value: millis(now)}}}})
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}

type settingDoc struct {
	Key   string `bson:"_id"`
	Value []byte `bson:"value"`
}

func (s *mongoStore) Setting(ctx context.Context, key string) ([]byte, error) {
	d, err := findOne[settingDoc](ctx, s, "read setting", mongoSettings, byID(key))
	return d.Value, err
}

func (s *mongoStore) PutSettingOnce(ctx context.Context, key string, value []byte) ([]byte, error) {
	if value == nil {
		value = []byte{} // nil would be null
	}
	for {
		err := s.insert(ctx, "put setting", mongoSettings, settingDoc{key, value})
		if err == nil {
			return append([]byte{}, value...), nil
		}
		if !errors.Is(err, classroom.ErrExists) {
			return nil, err
		}
		stored, err := s.Setting(ctx, key)
		// Deleted between the two: it is ours to put again.
		if !errors.Is(err, classroom.ErrNotFound) {
			return stored, err
		}
	}
}

func (s *mongoStore) DeleteSetting(ctx context.Context, key string) error {
	return s.removeExisting(ctx, "delete setting", mongoSettings, byID(key))
}

func (s *mongoStore) removeExisting(ctx context.Context, op, collection string, filter bson.D) error {
	found, err := s.remove(ctx, op, collection, filter)
	if err == nil && !found {
		err = fail(ctx, op, classroom.ErrNotFound, classifyMongo)
	}
	return err
}
