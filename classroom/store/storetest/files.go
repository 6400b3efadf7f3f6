package storetest

import (
	"strings"

	"kelas/classroom"
)

func testFiles(h *harness) {
	hash := strings.Repeat("ab", 32)
	file := func(class, id string, created int) classroom.FileInfo {
		return classroom.FileInfo{ID: id, ClassID: class, OwnerID: "p1", OwnerName: "Siti", Name: id + ".pdf",
			Size: 5 << 30, Type: "application/pdf", Hash: hash, CreatedAt: at(created)}
	}
	_, err := h.s.File(h.ctx, "c1", "f1")
	h.is(err, classroom.ErrNotFound)
	h.is(h.s.DeleteFile(h.ctx, "c1", "f1"), classroom.ErrNotFound)
	same(h, "files with the hash", must(h.s.FilesWithHash(h.ctx, hash))(h), 0)

	f2, f1, f3 := file("c1", "f2", 2), file("c1", "f1", 1), file("c2", "f3", 3)
	f3.Hash = strings.Repeat("cd", 32)
	for _, f := range []classroom.FileInfo{f2, f1, f3} {
		h.ok(h.s.PutFile(h.ctx, f))
		same(h, "the file", must(h.s.File(h.ctx, f.ClassID, f.ID))(h), f)
	}
	h.is(h.s.PutFile(h.ctx, file("c9", "f1", 9)), classroom.ErrExists)
	_, err = h.s.File(h.ctx, "c2", "f1") // a file of another class
	h.is(err, classroom.ErrNotFound)
	h.is(h.s.DeleteFile(h.ctx, "c2", "f1"), classroom.ErrNotFound)
	sameList(h, "files", must(h.s.Files(h.ctx, "c1"))(h), []classroom.FileInfo{f1, f2})
	sameList(h, "files of an empty class", must(h.s.Files(h.ctx, "c9"))(h), nil)
	same(h, "files with the hash", must(h.s.FilesWithHash(h.ctx, hash))(h), 2)

	h.ok(h.s.DeleteFile(h.ctx, "c1", "f1"))
	h.is(h.s.DeleteFile(h.ctx, "c1", "f1"), classroom.ErrNotFound)
	same(h, "files with the hash", must(h.s.FilesWithHash(h.ctx, hash))(h), 1)
	sameList(h, "files", must(h.s.Files(h.ctx, "c1"))(h), []classroom.FileInfo{f2})
}

func testUploads(h *harness) {
	upload := func(class, id string, created int) classroom.Upload {
		return classroom.Upload{ID: id, ClassID: class, OwnerID: "p1", OwnerName: "Siti", Name: id + ".pdf",
			Size: 5 << 30, CreatedAt: at(created), ExpiresAt: at(created + 3600)}
	}
	_, err := h.s.Upload(h.ctx, "u1")
	h.is(err, classroom.ErrNotFound)
	u1, u2, u3 := upload("c1", "u1", 1), upload("c1", "u2", 2), upload("c2", "u3", 3)
	for _, u := range []classroom.Upload{u1, u2, u3} {
		h.ok(h.s.PutUpload(h.ctx, u))
		same(h, "the upload", must(h.s.Upload(h.ctx, u.ID))(h), u)
	}
	h.is(h.s.PutUpload(h.ctx, upload("c9", "u1", 9)), classroom.ErrExists)
	ids := func(class string) map[string]bool {
		m := map[string]bool{}
		for _, u := range must(h.s.Uploads(h.ctx, class))(h) {
			m[u.ID] = true
		}
		return m
	}
	same(h, "uploads", ids("c1"), map[string]bool{"u1": true, "u2": true})
	same(h, "all uploads", ids(""), map[string]bool{"u1": true, "u2": true, "u3": true})
	same(h, "uploads of an empty class", ids("c9"), map[string]bool{})
	h.ok(h.s.DeleteUpload(h.ctx, "u1"))
	h.ok(h.s.DeleteUpload(h.ctx, "u1"))
	_, err = h.s.Upload(h.ctx, "u1")
	h.is(err, classroom.ErrNotFound)
	same(h, "uploads left", ids(""), map[string]bool{"u2": true, "u3": true})
}
