package rest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"kelas/classroom"
	"kelas/signaling/auth"
	"kelas/signaling/sheet"
)

type message struct {
	Seq     int64     `json:"seq" doc:"Its number in the class, from 1"`
	Kind    string    `json:"kind" enum:"message,private,announcement" doc:"What it is"`
	From    sender    `json:"from" doc:"Who wrote it"`
	To      *sender   `json:"to,omitempty" doc:"Whom a private one is for"`
	Text    string    `json:"text" doc:"Empty when it was deleted"`
	Deleted bool      `json:"deleted" doc:"Its text was removed"`
	At      time.Time `json:"at" doc:"When it was written"`
}

type sender struct {
	ID   string `json:"id" doc:"Id of the participant"`
	Name string `json:"name" doc:"As it was then"`
	Role string `json:"role,omitempty" doc:"As it was then"`
}

type messageNew struct {
	Text string `json:"text" min:"1" max:"4000" doc:"Plain text; line ends are kept"`
	Kind string `json:"kind,omitempty" enum:"message,private,announcement" doc:"message when absent; an announcement needs bots:moderate"`
	To   string `json:"to,omitempty" max:"128" doc:"Of a private one: id of the participant that it is for"`
}

type chatFilter struct {
	classPath
	paging
	After int64 `query:"after" min:"0" doc:"Only what has a higher number; a program that asks again and again begins here"`
}

func chatOperations() []operation {
	return []operation{
		define(operation{method: "GET", path: "/classes/{class}/chat", id: "listChat", tag: "chat", scope: "chat:read",
			summary: "Read the chat of a class, oldest first",
			about:   "Without private messages, but for those from and to the bot of this key.", problems: []int{404}}, listChat),
		define(operation{method: "GET", path: "/classes/{class}/chat.csv", id: "exportChatCSV", tag: "chat", scope: "chat:read",
			summary: "The whole chat as a table", answerType: "text/csv", problems: []int{404}}, exportChatCSV),
		define(operation{method: "GET", path: "/classes/{class}/chat.txt", id: "exportChatText", tag: "chat", scope: "chat:read",
			summary: "The whole chat as text", answerType: "text/plain", problems: []int{404}}, exportChatText),
		define(operation{method: "POST", path: "/classes/{class}/chat", id: "sendChat", tag: "chat", scope: "chat:write",
			summary: "Write into the chat", about: "As the bot of this key, which need not be in the class. The answer comes when the message is stored.",
			status: http.StatusCreated, creates: true, problems: []int{403, 404, 410}}, sendChat),
	}
}

// bot is who the key is in classes; its rights are a viewer's unless it has
// the scope for more.
func (c *call) bot() classroom.Identity {
	id, err := c.key.Bot()
	if err != nil {
		id = auth.Identity{Key: auth.BotKey(c.key.ID), Name: c.key.Name, Role: auth.RoleViewer}
	}
	return classroom.Identity{Key: id.Key, Name: id.Name, Role: classroom.Role(id.Role)}
}

// botID is the participant that the key is in a class, "" when it never was.
func (c *call) botID(classID string) (string, error) {
	p, err := c.door.d.Classes.Participant(c.gin.Request.Context(), classID, c.bot().Key)
	if errors.Is(err, classroom.ErrNoSuchParticipant) || errors.Is(err, classroom.ErrRemoved) {
		return "", nil
	}
	return p.ID, err
}

func showMessage(e classroom.ChatEntry) message {
	m := message{Seq: e.Seq, Kind: string(e.Kind), From: sender{e.FromID, e.FromName, string(e.FromRole)}, Text: e.Text,
		Deleted: e.Deleted, At: e.At.UTC()}
	if e.ToID != "" {
		m.To = &sender{ID: e.ToID, Name: e.ToName}
	}
	return m
}

// chatSince reads entries after a number as the key's bot may see them. last
// is where to go on, 0 at the end.
func (c *call) chatSince(classID, botID string, after int64, limit int) (entries []classroom.ChatEntry, last int64, err error) {
	page, err := c.door.d.Classes.Chat(c.gin.Request.Context(), classroom.ChatQuery{ClassID: classID, For: botID, After: after, Limit: limit})
	if err != nil {
		return nil, 0, err
	}
	if len(page) == limit {
		last = page[limit-1].Seq
	}
	for _, e := range page {
		if e.Kind != classroom.ChatDeletion {
			entries = append(entries, e)
		}
	}
	return entries, last, nil
}

func listChat(c *call, p chatFilter, _ none) (list[message], error) {
	out := list[message]{Items: []message{}}
	l, err := c.lessonOf(p.Class)
	if err != nil {
		return out, err
	}
	after := p.After
	from, ok, err := p.begin()
	if err != nil {
		return out, err
	}
	if ok {
		n, err := strconv.ParseInt(from.ID, 10, 64)
		if err != nil || n < 0 {
			return out, badCursor()
		}
		after = max(after, n)
	}
	botID, err := c.botID(l.ID)
	if err != nil {
		return out, err
	}
	entries, last, err := c.chatSince(l.ID, botID, after, p.Limit)
	if err != nil {
		return out, err
	}
	for _, e := range entries {
		out.Items = append(out.Items, showMessage(e))
	}
	if last > 0 {
		out.Next = place{ID: strconv.FormatInt(last, 10)}.cursor()
	}
	return out, nil
}

// exportPage is how many entries are in memory at once.
const exportPage = 500

// export walks through the whole chat. The first page is read before the
// answer begins, so that an error of it is told; later ones cut the answer.
func (c *call) export(classID, kind, name string, begin func(io.Writer), each func(classroom.ChatEntry)) error {
	l, err := c.lessonOf(classID)
	if err != nil {
		return err
	}
	botID, err := c.botID(l.ID)
	if err != nil {
		return err
	}
	entries, last, err := c.chatSince(l.ID, botID, 0, exportPage)
	if err != nil {
		return err
	}
	c.attach(kind, name)
	begin(c.gin.Writer)
	for {
		for _, e := range entries {
			each(e)
		}
		if last == 0 {
			return nil
		}
		if entries, last, err = c.chatSince(l.ID, botID, last, exportPage); err != nil {
			c.door.log.Warn("an export of the chat was cut", "class", l.ID, "error", err)
			panic(http.ErrAbortHandler) // the reader must not take half for the whole
		}
	}
}

// stamp writes a time for an export; "" for never.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// attach begins an answer that is to be saved.
func (c *call) attach(kind, name string) {
	c.gin.Header("Content-Type", kind)
	c.gin.Header("Content-Disposition", `attachment; filename="`+name+`"`)
	c.gin.Status(http.StatusOK)
}

func exportChatCSV(c *call, p classPath, _ none) (raw, error) {
	var w *sheet.Writer
	err := c.export(p.Class, "text/csv; charset=utf-8", "chat-"+p.Class+".csv",
		func(out io.Writer) {
			w = sheet.New(out)
			w.Row("number", "at", "kind", "from", "role", "to", "text", "deleted")
		},
		func(e classroom.ChatEntry) {
			w.Row(strconv.FormatInt(e.Seq, 10), stamp(e.At), string(e.Kind), e.FromName, string(e.FromRole), e.ToName, e.Text, strconv.FormatBool(e.Deleted))
		})
	if err == nil {
		_ = w.Flush() // the reader has left; there is nobody to tell
	}
	return raw{}, err
}

func exportChatText(c *call, p classPath, _ none) (raw, error) {
	var w *bufio.Writer
	err := c.export(p.Class, "text/plain; charset=utf-8", "chat-"+p.Class+".txt",
		func(out io.Writer) { w = bufio.NewWriter(out) },
		func(e classroom.ChatEntry) {
			if e.Deleted {
				return
			}
			to := ""
			if e.ToID != "" {
				to = " -> " + e.ToName
			}
			fmt.Fprintf(w, "[%s] %s%s: %s\n", stamp(e.At), e.FromName, to, strings.ReplaceAll(e.Text, "\n", "\n    "))
		})
	if err == nil {
		_ = w.Flush() // as above
	}
	return raw{}, err
}

func sendChat(c *call, p classPath, b messageNew) (message, error) {
	l, err := c.lessonOf(p.Class)
	if err != nil {
		return message{}, err
	}
	kind := classroom.ChatKind(b.Kind)
	if kind == "" {
		kind = classroom.ChatMessage
	}
	if (kind == classroom.ChatPrivate) != (b.To != "") {
		return message{}, &invalid{[]complaint{{Pointer: "/to", Detail: "belongs to a private message, and only there"}}}
	}
	req := classroom.ChatRequest{Kind: kind, To: b.To, Text: b.Text, ClientID: c.newID("chat")}
	e, err := c.door.d.Classes.Post(c.gin.Request.Context(), l.ID, c.bot(), req)
	return showMessage(e), err
}
