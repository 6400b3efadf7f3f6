package store

import (
	"context"
	"errors"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"kelas/classroom"
)

type chatDoc struct {
	Class    string             `bson:"class"`
	Seq      int64              `bson:"seq"`
	Kind     classroom.ChatKind `bson:"kind"`
	From     string             `bson:"from"`
	FromName string             `bson:"fromName"`
	FromRole classroom.Role     `bson:"fromRole"`
	To       string             `bson:"to"`
	ToName   string             `bson:"toName"`
	Text     string             `bson:"text"`
	Client   string             `bson:"client,omitempty"` // absent, so that its unique index passes over it
	At       int64              `bson:"at"`
	Target   int64              `bson:"target"`
	Deleted  bool               `bson:"deleted"`
}

func entryToDoc(e classroom.ChatEntry) chatDoc {
	return chatDoc{e.ClassID, e.Seq, e.Kind, e.FromID, e.FromName, e.FromRole, e.ToID, e.ToName, e.Text, e.ClientID,
		millis(e.At), e.Target, e.Deleted}
}

func (d chatDoc) entry() classroom.ChatEntry {
	return classroom.ChatEntry{ClassID: d.Class, Seq: d.Seq, Kind: d.Kind, FromID: d.From, FromName: d.FromName,
		FromRole: d.FromRole, ToID: d.To, ToName: d.ToName, Text: d.Text, ClientID: d.Client, At: fromMillis(d.At),
		Target: d.Target, Deleted: d.Deleted}
}

// AppendChat has no transaction. It looks what is there already, blanks what
// is deleted, and inserts the rest in order: whatever stops it, nothing is
// acknowledged, and the batch can be repeated. Blanking goes first, since a
// text that outlives its deletion is worse than one that goes too early.
func (s *mongoStore) AppendChat(ctx context.Context, entries []classroom.ChatEntry) error {
	if len(entries) == 0 {
		return nil
	}
	const op = "append chat"
	class, err := oneClass(entries)
	if err != nil {
		return fail(ctx, op, err, classifyMongo)
	}
	// An entry that a later one of the same batch deletes is blank from the start.
	docs, deleted := make(map[int64]chatDoc, len(entries)), []int64{}
	for _, e := range entries {
		if d, twice := docs[e.Seq]; twice {
			if !sameEntry(d.entry(), e) {
				return fail(ctx, op, classroom.ErrExists, classifyMongo)
			}
			continue
		}
		docs[e.Seq] = entryToDoc(e)
		if e.Kind == classroom.ChatDeletion {
			deleted = append(deleted, e.Target)
			if d, ok := docs[e.Target]; ok {
				d.Text, d.Deleted = "", true
				docs[e.Target] = d
			}
		}
	}
	return s.attempt(ctx, op, func() error {
		rest, err := s.missing(ctx, class, entries)
		if err != nil {
			return err
		}
		if err := s.blank(ctx, class, deleted); err != nil {
			return err
		}
		insert := make([]any, 0, len(rest))
		for _, e := range rest {
			insert = append(insert, docs[e.Seq])
		}
		if len(insert) == 0 {
			return nil
		}
		_, err = s.db.Collection(mongoChat).InsertMany(ctx, insert, options.InsertMany().SetOrdered(true))
		if mongo.IsDuplicateKeyError(err) {
			return s.explainDuplicate(ctx, class, rest, err)
		}
		return err
	})
}

// missing returns which entries are not stored yet; a different one at the
// place of one of them is ErrExists.
func (s *mongoStore) missing(ctx context.Context, class string, entries []classroom.ChatEntry) ([]classroom.ChatEntry, error) {
	seqs := make([]int64, len(entries))
	for i, e := range entries {
		seqs[i] = e.Seq
	}
	cursor, err := s.db.Collection(mongoChat).Find(ctx, chatAt(class, seqs))
	if err != nil {
		return nil, err
	}
	var docs []chatDoc
	if err := cursor.All(ctx, &docs); err != nil {
		return nil, err
	}
	stored := make(map[int64]classroom.ChatEntry, len(docs))
	for _, d := range docs {
		stored[d.Seq] = d.entry()
	}
	var rest []classroom.ChatEntry
	for _, e := range entries {
		switch at, ok := stored[e.Seq]; {
		case !ok:
			stored[e.Seq] = e // the same one twice is wanted once
			rest = append(rest, e)
		case !sameEntry(at, e):
			return nil, classroom.ErrExists
		}
	}
	return rest, nil
}

func (s *mongoStore) blank(ctx context.Context, class string, seqs []int64) error {
	if len(seqs) == 0 {
		return nil
	}
	_, err := s.db.Collection(mongoChat).UpdateMany(ctx, chatAt(class, seqs),
		bson.D{{Key: "$set", Value: bson.D{{Key: "text", Value: ""}, {Key: "deleted", Value: true}}}})
	return err
}

// explainDuplicate tells a race between two repeats of one batch, which is
// fine once all of it is there, from an entry that is in the way.
func (s *mongoStore) explainDuplicate(ctx context.Context, class string, entries []classroom.ChatEntry, duplicate error) error {
	rest, err := s.missing(ctx, class, entries)
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return nil
	}
	return duplicate
}

func chatAt(class string, seqs []int64) bson.D {
	return append(ofClass(class), bson.E{Key: "seq", Value: bson.D{{Key: "$in", Value: seqs}}})
}

func (s *mongoStore) Chat(ctx context.Context, q classroom.ChatQuery) ([]classroom.ChatEntry, error) {
	seqs := bson.D{{Key: "$gt", Value: q.After}}
	if q.Before != 0 {
		seqs = append(seqs, bson.E{Key: "$lt", Value: q.Before})
	}
	filter := append(ofClass(q.ClassID), bson.E{Key: "seq", Value: seqs}, bson.E{Key: "$or", Value: bson.A{
		bson.D{{Key: "to", Value: ""}}, bson.D{{Key: "to", Value: q.For}}, bson.D{{Key: "from", Value: q.For}}}})
	o := options.Find().SetSort(sorted("class", "seq"))
	if q.Last {
		o.SetSort(sorted("-class", "-seq"))
	}
	if q.Limit > 0 {
		o.SetLimit(int64(q.Limit))
	}
	entries, err := findAll(ctx, s, "read chat", mongoChat, filter, chatDoc.entry, o)
	if q.Last {
		slices.Reverse(entries)
	}
	return entries, err
}

func (s *mongoStore) ChatEntry(ctx context.Context, classID string, seq int64) (classroom.ChatEntry, error) {
	d, err := findOne[chatDoc](ctx, s, "read chat entry", mongoChat, append(ofClass(classID), bson.E{Key: "seq", Value: seq}))
	return d.entry(), err
}

func (s *mongoStore) ChatByClientID(ctx context.Context, classID, fromID, clientID string) (classroom.ChatEntry, error) {
	if clientID == "" {
		return classroom.ChatEntry{}, fail(ctx, "read chat by client id", classroom.ErrNotFound, classifyMongo)
	}
	d, err := findOne[chatDoc](ctx, s, "read chat by client id", mongoChat,
		append(ofClass(classID), bson.E{Key: "from", Value: fromID}, bson.E{Key: "client", Value: clientID}))
	return d.entry(), err
}

func (s *mongoStore) LastChatSeq(ctx context.Context, classID string) (int64, error) {
	d, err := findOne[chatDoc](ctx, s, "read last chat number", mongoChat, ofClass(classID),
		options.FindOne().SetSort(sorted("-class", "-seq")).SetProjection(bson.D{{Key: "seq", Value: 1}}))
	if errors.Is(err, classroom.ErrNotFound) {
		return 0, nil
	}
	return d.Seq, err
}
