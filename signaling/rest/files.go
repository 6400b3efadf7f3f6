package rest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"kelas/classroom"
	"kelas/classroom/files"
	"kelas/signaling/fault"
	"kelas/signaling/patient"
)

type file struct {
	ID        string    `json:"id" doc:"Id in this class"`
	Name      string    `json:"name" doc:"As it is saved"`
	Size      int64     `json:"size" doc:"Bytes"`
	Type      string    `json:"type" doc:"Media type, found by looking into it"`
	Hash      string    `json:"hash" doc:"SHA-256, hex"`
	Owner     sender    `json:"owner" doc:"Who shared it"`
	CreatedAt time.Time `json:"createdAt" doc:"When it was shared"`
}

type filePath struct {
	classPath
	File string `path:"file" max:"64" doc:"Id of a file"`
}

type fileFilter struct {
	classPath
	paging
}

type fileNew struct {
	classPath
	Name string `query:"name" required:"true" min:"1" max:"255" doc:"Name of the file"`
}

func fileOperations() []operation {
	return []operation{
		define(operation{method: "GET", path: "/classes/{class}/files", id: "listFiles", tag: "files", scope: "files:read",
			summary: "List the files of a class, oldest first", problems: []int{404}}, listFiles),
		define(operation{method: "POST", path: "/classes/{class}/files", id: "uploadFile", tag: "files", scope: "files:write",
			summary: "Share a file", about: "The body is the file itself, with its Content-Length. It is shared by the bot of this key.",
			status: http.StatusCreated, creates: true, bodyType: "application/octet-stream", problems: []int{403, 404, 410, 507}}, uploadFile),
		define(operation{method: "GET", path: "/classes/{class}/files/{file}", id: "getFile", tag: "files", scope: "files:read",
			summary: "Describe a file", problems: []int{404}}, getFile),
		define(operation{method: "GET", path: "/classes/{class}/files/{file}/content", id: "downloadFile", tag: "files", scope: "files:read",
			summary: "Download a file", about: "Takes Range, and If-None-Match with the hash.", answerType: "application/octet-stream",
			problems: []int{404}}, downloadFile),
		define(operation{method: "DELETE", path: "/classes/{class}/files/{file}", id: "deleteFile", tag: "files", scope: "files:write",
			summary: "Delete a file", status: http.StatusNoContent, problems: []int{404}}, deleteFile),
	}
}

func showFile(f classroom.FileInfo) file {
	return file{ID: f.ID, Name: f.Name, Size: f.Size, Type: f.Type, Hash: f.Hash, Owner: sender{ID: f.OwnerID, Name: f.OwnerName},
		CreatedAt: f.CreatedAt.UTC()}
}

func listFiles(c *call, p fileFilter, _ none) (list[file], error) {
	l, err := c.lessonOf(p.Class)
	if err != nil {
		return list[file]{}, err
	}
	all, err := c.door.d.Shelf.List(c.gin.Request.Context(), l.ID)
	if err != nil {
		return list[file]{}, err
	}
	return pageOf(p.paging, all,
		func(f classroom.FileInfo) place { return place{At: f.CreatedAt.UnixMilli(), ID: f.ID} },
		func(f classroom.FileInfo, from place) bool {
			return cmp.Or(cmp.Compare(f.CreatedAt.UnixMilli(), from.At), cmp.Compare(f.ID, from.ID)) > 0
		}, showFile)
}

// patientBody is the body of a file.
func (c *call) patientBody() *patient.Reader {
	return patient.NewReader(c.gin.Writer, c.gin.Request.Body, c.door.cfg.StallTimeout)
}

func uploadFile(c *call, p fileNew, _ none) (file, error) {
	ctx, r := c.gin.Request.Context(), c.gin.Request
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || strings.HasPrefix(kind, "multipart/") || kind == "application/x-www-form-urlencoded" {
		return file{}, fault.WithDetail(fault.ErrMediaType, "send the file itself, as application/octet-stream")
	}
	l, err := c.lessonOf(p.Class)
	if err != nil {
		return file{}, err
	}
	if r.ContentLength < 0 {
		return file{}, &invalid{[]complaint{{Name: "Content-Length", Detail: "is missing"}}}
	}
	owner, err := c.door.d.Classes.Enrol(ctx, l.ID, c.bot())
	if err != nil {
		return file{}, err
	}
	if !owner.May(classroom.ActShareFile) {
		return file{}, classroom.ErrNotAllowed
	}
	up, err := c.door.d.Shelf.Begin(ctx, l.ID, files.Owner{ID: owner.ID, Name: owner.Name}, p.Name, r.ContentLength)
	if err != nil {
		return file{}, err
	}
	body := c.patientBody()
	_, done, err := c.door.d.Shelf.Append(ctx, up.ID, 0, io.LimitReader(body, r.ContentLength))
	if err == nil && done == nil {
		err = fault.WithDetail(fault.ErrBadMessage, "the body ended before its Content-Length")
	}
	if err != nil {
		// There is no way to go on with it: it is sent again from the start.
		if drop := c.door.d.Shelf.Abort(context.WithoutCancel(ctx), up.ID); drop != nil {
			c.door.log.Debug("an upload that failed stays until the next sweep", "upload", up.ID, "error", drop)
		}
		if body.Err != nil && !fault.Known(err) {
			return file{}, fault.ErrTimedOut // the line was cut or stood still; nobody may be there to hear it
		}
		return file{}, err
	}
	c.door.d.Classes.FileAdded(l.ID, *done)
	c.location = fmt.Sprintf("%s/classes/%s/files/%s", Prefix, l.ID, done.ID)
	return showFile(*done), nil
}

func (c *call) file(p filePath) (classroom.FileInfo, error) {
	l, err := c.lessonOf(p.Class)
	if err != nil {
		return classroom.FileInfo{}, err
	}
	return c.door.d.Shelf.File(c.gin.Request.Context(), l.ID, p.File)
}

func getFile(c *call, p filePath, _ none) (file, error) {
	f, err := c.file(p)
	return showFile(f), err
}

func downloadFile(c *call, p filePath, _ none) (raw, error) {
	info, err := c.file(p)
	if err != nil {
		return raw{}, err
	}
	_, f, err := c.door.d.Shelf.Open(c.gin.Request.Context(), info.ClassID, info.ID)
	if err != nil {
		return raw{}, err
	}
	defer f.Close()
	h := c.gin.Writer.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": info.Name}))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'")
	h.Set("ETag", `"`+info.Hash+`"`)
	http.ServeContent(patient.NewWriter(c.gin.Writer, c.door.cfg.StallTimeout), c.gin.Request, "", info.CreatedAt, f)
	return raw{}, nil
}

func deleteFile(c *call, p filePath, _ none) (none, error) {
	f, err := c.file(p)
	if err != nil {
		return none{}, err
	}
	if err := c.door.d.Shelf.Delete(c.gin.Request.Context(), f.ClassID, f.ID); err != nil {
		return none{}, err
	}
	c.door.d.Classes.FileRemoved(f.ClassID, f.ID)
	return none{}, nil
}
