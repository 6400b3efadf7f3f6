package store

import (
	"context"

	"kelas/classroom"
)

const (
	fileColumns = `id, class_id, owner_id, owner_name, name, size, type, hash, created_at`

	sqlPutFile       = `INSERT INTO files (` + fileColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
	sqlFile          = `SELECT ` + fileColumns + ` FROM files WHERE id = ? AND class_id = ?`
	sqlFiles         = `SELECT ` + fileColumns + ` FROM files WHERE class_id = ? ORDER BY created_at, id`
	sqlDeleteFile    = `DELETE FROM files WHERE id = ? AND class_id = ?`
	sqlFilesWithHash = `SELECT count(*) FROM files WHERE hash = ?`

	uploadColumns = `id, class_id, owner_id, owner_name, name, size, created_at, expires_at`

	sqlPutUpload    = `INSERT INTO uploads (` + uploadColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
	sqlUpload       = `SELECT ` + uploadColumns + ` FROM uploads WHERE id = ?`
	sqlUploads      = `SELECT ` + uploadColumns + ` FROM uploads ORDER BY created_at, id`
	sqlUploadsOf    = `SELECT ` + uploadColumns + ` FROM uploads WHERE class_id = ? ORDER BY created_at, id`
	sqlDeleteUpload = `DELETE FROM uploads WHERE id = ?`
)

func scanFile(row scanner) (f classroom.FileInfo, err error) {
	var created int64
	err = row.Scan(&f.ID, &f.ClassID, &f.OwnerID, &f.OwnerName, &f.Name, &f.Size, &f.Type, &f.Hash, &created)
	f.CreatedAt = fromMillis(created)
	return f, err
}

func (s *sqliteStore) PutFile(ctx context.Context, f classroom.FileInfo) error {
	_, err := s.exec(ctx, "put file", sqlPutFile, f.ID, f.ClassID, f.OwnerID, f.OwnerName, f.Name, f.Size, f.Type,
		f.Hash, millis(f.CreatedAt))
	return err
}

func (s *sqliteStore) File(ctx context.Context, classID, id string) (classroom.FileInfo, error) {
	return queryOne(ctx, s.read, s, "read file", scanFile, sqlFile, id, classID)
}

func (s *sqliteStore) Files(ctx context.Context, classID string) ([]classroom.FileInfo, error) {
	return queryAll(ctx, s, "list files", scanFile, sqlFiles, classID)
}

func (s *sqliteStore) DeleteFile(ctx context.Context, classID, id string) error {
	n, err := s.exec(ctx, "delete file", sqlDeleteFile, id, classID)
	if err == nil && n == 0 {
		err = fail(ctx, "delete file", classroom.ErrNotFound, classifySQLite)
	}
	return err
}

func (s *sqliteStore) FilesWithHash(ctx context.Context, hash string) (int, error) {
	n, err := queryOne(ctx, s.read, s, "count files by hash", scanInt, sqlFilesWithHash, hash)
	return int(n), err
}

func scanUpload(row scanner) (u classroom.Upload, err error) {
	var created, expires int64
	err = row.Scan(&u.ID, &u.ClassID, &u.OwnerID, &u.OwnerName, &u.Name, &u.Size, &created, &expires)
	u.CreatedAt, u.ExpiresAt = fromMillis(created), fromMillis(expires)
	return u, err
}

func (s *sqliteStore) PutUpload(ctx context.Context, u classroom.Upload) error {
	_, err := s.exec(ctx, "put upload", sqlPutUpload, u.ID, u.ClassID, u.OwnerID, u.OwnerName, u.Name, u.Size,
		millis(u.CreatedAt), millis(u.ExpiresAt))
	return err
}

func (s *sqliteStore) Upload(ctx context.Context, id string) (classroom.Upload, error) {
	return queryOne(ctx, s.read, s, "read upload", scanUpload, sqlUpload, id)
}

func (s *sqliteStore) Uploads(ctx context.Context, classID string) ([]classroom.Upload, error) {
	if classID == "" {
		return queryAll(ctx, s, "list uploads", scanUpload, sqlUploads)
	}
	return queryAll(ctx, s, "list uploads", scanUpload, sqlUploadsOf, classID)
}

func (s *sqliteStore) DeleteUpload(ctx context.Context, id string) error {
	_, err := s.exec(ctx, "delete upload", sqlDeleteUpload, id)
	return err
}
