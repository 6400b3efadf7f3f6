package store

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"kelas/classroom"
)

type fileDoc struct {
	ID        string `bson:"_id"`
	Class     string `bson:"class"`
	Owner     string `bson:"owner"`
	OwnerName string `bson:"ownerName"`
	Name      string `bson:"name"`
	Size      int64  `bson:"size"`
	Type      string `bson:"type"`
	Hash      string `bson:"hash"`
	Created   int64  `bson:"created"`
}

func (d fileDoc) file() classroom.FileInfo {
	return classroom.FileInfo{ID: d.ID, ClassID: d.Class, OwnerID: d.Owner, OwnerName: d.OwnerName, Name: d.Name,
		Size: d.Size, Type: d.Type, Hash: d.Hash, CreatedAt: fromMillis(d.Created)}
}

func (s *mongoStore) PutFile(ctx context.Context, f classroom.FileInfo) error {
	return s.insert(ctx, "put file", mongoFiles,
		fileDoc{f.ID, f.ClassID, f.OwnerID, f.OwnerName, f.Name, f.Size, f.Type, f.Hash, millis(f.CreatedAt)})
}

func (s *mongoStore) File(ctx context.Context, classID, id string) (classroom.FileInfo, error) {
	d, err := findOne[fileDoc](ctx, s, "read file", mongoFiles, inClass(classID, id))
	return d.file(), err
}

func (s *mongoStore) Files(ctx context.Context, classID string) ([]classroom.FileInfo, error) {
	return findAll(ctx, s, "list files", mongoFiles, ofClass(classID), fileDoc.file,
		options.Find().SetSort(sorted("created", "_id")))
}

func (s *mongoStore) DeleteFile(ctx context.Context, classID, id string) error {
	return s.removeExisting(ctx, "delete file", mongoFiles, inClass(classID, id))
}

func (s *mongoStore) FilesWithHash(ctx context.Context, hash string) (int, error) {
	return s.count(ctx, "count files by hash", mongoFiles, bson.D{{Key: "hash", Value: hash}})
}

type uploadDoc struct {
	ID        string `bson:"_id"`
	Class     string `bson:"class"`
	Owner     string `bson:"owner"`
	OwnerName string `bson:"ownerName"`
	Name      string `bson:"name"`
	Size      int64  `bson:"size"`
	Created   int64  `bson:"created"`
	Expires   int64  `bson:"expires"`
}

func (d uploadDoc) upload() classroom.Upload {
	return classroom.Upload{ID: d.ID, ClassID: d.Class, OwnerID: d.Owner, OwnerName: d.OwnerName, Name: d.Name,
		Size: d.Size, CreatedAt: fromMillis(d.Created), ExpiresAt: fromMillis(d.Expires)}
}

func (s *mongoStore) PutUpload(ctx context.Context, u classroom.Upload) error {
	return s.insert(ctx, "put upload", mongoUploads,
		uploadDoc{u.ID, u.ClassID, u.OwnerID, u.OwnerName, u.Name, u.Size, millis(u.CreatedAt), millis(u.ExpiresAt)})
}

func (s *mongoStore) Upload(ctx context.Context, id string) (classroom.Upload, error) {
	d, err := findOne[uploadDoc](ctx, s, "read upload", mongoUploads, byID(id))
	return d.upload(), err
}

func (s *mongoStore) Uploads(ctx context.Context, classID string) ([]classroom.Upload, error) {
	filter := bson.D{}
	if classID != "" {
		filter = ofClass(classID)
	}
	return findAll(ctx, s, "list uploads", mongoUploads, filter, uploadDoc.upload,
		options.Find().SetSort(sorted("created", "_id")))
}

func (s *mongoStore) DeleteUpload(ctx context.Context, id string) error {
	_, err := s.remove(ctx, "delete upload", mongoUploads, byID(id))
	return err
}
