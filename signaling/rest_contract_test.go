package signaling_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"kelas/signaling"
	"kelas/signaling/auth"
)

// contract is the served document, and what of it was seen to be true.
type contract struct {
	t        *testing.T
	p        *program
	doc      map[string]any
	compiler *jsonschema.Compiler
	ops      map[string]contractOp
	seen     map[string]map[int]bool // statuses by operation
}

type contractOp struct {
	method, path string
	pointer      string
	node         map[string]any
}

func readContract(t *testing.T, p *program) *contract {
	t.Helper()
	got := p.do("GET", "/openapi.json", "")
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(got.body))
	if err != nil || got.status != 200 {
		t.Fatal(got.status, err)
	}
	c := &contract{t: t, p: p, doc: doc.(map[string]any), compiler: jsonschema.NewCompiler(), ops: map[string]contractOp{}, seen: map[string]map[int]bool{}}
	// Answers may get more members later; none may be missing here now.
	for _, s := range asMap(asMap(c.doc["components"])["schemas"]) {
		s.(map[string]any)["additionalProperties"] = false
	}
	c.compiler.DefaultDraft(jsonschema.Draft2020)
	c.compiler.AssertFormat()
	if err := c.compiler.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	for path, item := range c.doc["paths"].(map[string]any) {
		for method, node := range item.(map[string]any) {
			o := contractOp{strings.ToUpper(method), path, "/paths/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(path) + "/" + method, node.(map[string]any)}
			id := o.node["operationId"].(string)
			if _, twice := c.ops[id]; twice {
				t.Errorf("two operations are called %s", id)
			}
			c.ops[id] = o
		}
	}
	return c
}

// valid holds a value to the schema at a pointer.
func (c *contract) valid(what, pointer string, v any) {
	c.t.Helper()
	s, err := c.compiler.Compile("openapi.json#" + (&url.URL{Path: pointer}).EscapedPath())
	if err != nil {
		c.t.Fatalf("%s: %s is no schema: %v", what, pointer, err)
	}
	if err := s.Validate(v); err != nil {
		c.t.Errorf("%s: %v", what, err)
	}
}

// resolve follows a reference of the document.
func (c *contract) resolve(node map[string]any, pointer string) (map[string]any, string) {
	ref, ok := node["$ref"].(string)
	if !ok {
		return node, pointer
	}
	at := any(c.doc)
	for _, part := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		next, ok := at.(map[string]any)[part]
		if !ok {
			c.t.Fatalf("%s leads nowhere", ref)
		}
		at = next
	}
	return at.(map[string]any), strings.TrimPrefix(ref, "#")
}

// call does an operation and holds request and answer to the document. args
// are path and query parameters.
func (c *contract) call(id string, args map[string]string, body any, status int, header ...string) page {
	c.t.Helper()
	o, ok := c.ops[id]
	if !ok {
		c.t.Fatalf("there is no operation %s", id)
	}
	path, query := o.path, url.Values{}
	left := maps.Clone(args)
	for i, raw := range o.list("parameters") {
		param, pointer := c.resolve(raw, fmt.Sprintf("%s/parameters/%d", o.pointer, i))
		name := param["name"].(string)
		v, given := args[name]
		delete(left, name)
		switch param["in"] {
		case "path":
			path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(v))
		case "query":
			if given {
				query.Set(name, v)
			}
		case "header":
			for h := 0; h < len(header); h += 2 {
				given = given || header[h] == name
			}
		}
		if param["required"] == true && !given && status < 300 {
			c.t.Errorf("%s: %s is missing in the test", id, name)
		}
		if given && param["in"] != "header" && status < 300 && param["schema"].(map[string]any)["type"] == "string" {
			c.valid(id+" "+name, pointer+"/schema", v)
		}
	}
	if len(left) > 0 || strings.Contains(path, "{") {
		c.t.Fatalf("%s: the document has no %v (%s)", id, left, path)
	}
	text := ""
	kinds := o.content("requestBody")
	switch b := body.(type) {
	case nil:
	case string: // a file
		text, header = b, append(header, "Content-Type", "application/octet-stream")
		if kinds["application/octet-stream"] == nil {
			c.t.Errorf("%s takes no file", id)
		}
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			c.t.Fatal(err)
		}
		text = string(raw)
		v, _ := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if status < 300 {
			c.valid(id+" request", o.pointer+"/requestBody/content/application~1json/schema", v)
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	got := c.p.do(o.method, path, text, header...)
	if got.status != status {
		c.t.Fatalf("%s: %d instead of %d: %.400s", id, got.status, status, got.body)
	}
	c.answer(id, o, got)
	return got
}

func (o contractOp) list(member string) (out []map[string]any) {
	all, _ := o.node[member].([]any)
	for _, one := range all {
		out = append(out, one.(map[string]any))
	}
	return out
}

func (o contractOp) content(member string) map[string]any {
	b, _ := o.node[member].(map[string]any)
	kinds, _ := b["content"].(map[string]any)
	return kinds
}

func (c *contract) answer(id string, o contractOp, got page) {
	c.t.Helper()
	if c.seen[id] == nil {
		c.seen[id] = map[int]bool{}
	}
	c.seen[id][got.status] = true
	raw, ok := o.node["responses"].(map[string]any)[fmt.Sprint(got.status)].(map[string]any)
	if !ok {
		c.t.Errorf("%s: %d is not in the document", id, got.status)
		return
	}
	node, pointer := c.resolve(raw, fmt.Sprintf("%s/responses/%d", o.pointer, got.status))
	for name := range asMap(node["headers"]) {
		if got.header.Get(name) == "" {
			c.t.Errorf("%s: the header %s is missing", id, name)
		}
	}
	kinds := asMap(node["content"])
	kind, _, _ := mime.ParseMediaType(got.header.Get("Content-Type"))
	if len(kinds) == 0 {
		if got.body != "" {
			c.t.Errorf("%s: a body that is not in the document: %.100s", id, got.body)
		}
		return
	}
	if kinds[kind] == nil {
		c.t.Errorf("%s: type %q is not in the document", id, kind)
		return
	}
	if strings.HasSuffix(kind, "json") {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(got.body))
		if err != nil {
			c.t.Errorf("%s: %v", id, err)
			return
		}
		c.valid(id+" answer", pointer+"/content/"+strings.ReplaceAll(kind, "/", "~1")+"/schema", v)
	}
}

func asMap(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

type obj = map[string]any

// Every operation is sent, its request and its answers held to the document,
// its faults too.
func TestContract(t *testing.T) {
	s := newSite(t, signaling.Config{})
	var all []string
	for _, scope := range auth.Scopes {
		all = append(all, scope.Name)
	}
	p := s.program(all...)
	c := readContract(t, p)
	id := func(p page) string {
		t.Helper()
		return decode[struct{ ID string }](t, p, p.status).ID
	}
	etag := func(p page) string { return p.header.Get("ETag") }
	s.account("kepala", auth.AccountAdmin)

	lesson := id(c.call("createLesson", nil, obj{"title": "Biology"}, 201, "Idempotency-Key", "a"))
	at := map[string]string{"lesson": lesson}
	got := c.call("getLesson", at, nil, 200)
	c.call("editLesson", at, obj{"title": "Biology 8B", "startsAt": "2026-12-01T08:00:00Z"}, 200, "If-Match", etag(got))
	c.call("listLessons", map[string]string{"limit": "1"}, nil, 200)

	in := func(more ...string) map[string]string {
		m := map[string]string{"class": lesson}
		for i := 0; i+1 < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	c.call("createJoinLink", in(), obj{"role": "viewer", "name": "Dewi", "externalId": "u-42", "expiresIn": 600}, 201)
	dewi := s.join(lesson, auth.Identity{Key: "ext:kelas:u-42", Name: "Dewi", Role: auth.RoleViewer})
	c.call("joinAsBot", in(), nil, 200)
	c.call("createBotToken", in(), nil, 201)
	c.call("listClasses", nil, nil, 200)
	c.call("getClass", in(), nil, 200)
	c.call("lockClass", in(), obj{"locked": true}, 200)
	c.call("lockClass", in(), obj{"locked": false}, 200)
	c.call("listParticipants", in("present", "true"), nil, 200)
	who := dewi.Participant().ID
	got = c.call("getParticipant", in("participant", who), nil, 200)
	c.call("editParticipant", in("participant", who), obj{"role": "moderator"}, 200, "If-Match", etag(got))

	c.call("sendChat", in(), obj{"text": "Good morning"}, 201)
	c.call("sendChat", in(), obj{"text": "Only you", "kind": "private", "to": who}, 201)
	c.call("listChat", in("limit", "1"), nil, 200)
	c.call("exportChatCSV", in(), nil, 200)
	c.call("exportChatText", in(), nil, 200)

	file := id(c.call("uploadFile", in("name", "notes.txt"), "some words", 201))
	c.call("listFiles", in(), nil, 200)
	c.call("getFile", in("file", file), nil, 200)
	if got := c.call("downloadFile", in("file", file), nil, 200); got.body != "some words" {
		t.Errorf("the file is %q", got.body)
	}
	c.call("deleteFile", in("file", file), nil, 204)

	c.call("leaveAsBot", in(), nil, 204)
	c.call("listAttendance", in(), nil, 200)
	c.call("exportAttendance", in(), nil, 200)
	c.call("listRecordings", in(), nil, 200)
	c.call("removeParticipant", in("participant", who), nil, 204)
	c.call("endClass", in(), nil, 204)

	got = c.call("createUser", nil, obj{"name": "ibu.sari", "role": "teacher", "password": goodPassword}, 201)
	user := map[string]string{"user": id(got)}
	c.call("getUser", user, nil, 200)
	c.call("editUser", user, obj{"displayName": "Ibu Sari", "language": "id"}, 200, "If-Match", etag(got))
	c.call("listUsers", nil, nil, 200)
	c.call("createUser", nil, obj{"name": "IBU.SARI", "role": "teacher", "password": goodPassword}, 409)

	c.call("getMe", nil, nil, 200)
	key := map[string]string{"key": id(c.call("createKey", nil, obj{"name": "Small", "scopes": []string{"chat:read"}}, 201))}
	c.call("getKey", key, nil, 200)
	c.call("listKeys", nil, nil, 200)
	c.call("revokeKey", key, nil, 204)

	heard := make(chan string, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		heard <- r.Header.Get("webhook-id") + " " + string(body)
	}))
	t.Cleanup(receiver.Close)
	got = c.call("createWebhook", nil, obj{"url": receiver.URL, "events": []string{"chat.message"}}, 201, "Idempotency-Key", "w")
	if !strings.Contains(got.body, `"secret":"whsec_`) {
		t.Errorf("no secret: %s", got.body)
	}
	hook := map[string]string{"webhook": id(got)}
	again := c.call("createWebhook", nil, obj{"url": receiver.URL, "events": []string{"chat.message"}}, 201, "Idempotency-Key", "w")
	if strings.Contains(again.body, "secret") || id(again) != hook["webhook"] {
		t.Errorf("the repetition: %s", again.body)
	}
	if got := c.call("getWebhook", hook, nil, 200); strings.Contains(got.body, "whsec_") {
		t.Error("the secret is shown again")
	}
	c.call("listWebhooks", nil, nil, 200)
	sent := id(c.call("testWebhook", hook, nil, 202))
	if told := <-heard; !strings.HasPrefix(told, sent+" ") || !strings.Contains(told, "webhook.test") {
		t.Errorf("the receiver heard %s", told)
	}
	for {
		deliveries := decode[struct{ Items []struct{ ID, State string } }](t, c.call("listDeliveries", hook, nil, 200), 200)
		if len(deliveries.Items) == 1 && deliveries.Items[0].State == "done" {
			break
		}
	}
	c.call("resendDelivery", map[string]string{"webhook": hook["webhook"], "delivery": sent}, nil, 202)
	<-heard
	c.call("createWebhook", nil, obj{"url": "http://10.0.0.1/x"}, 400)
	got = c.call("getWebhook", hook, nil, 200)
	c.call("editWebhook", hook, obj{"active": false, "classId": nil}, 200, "If-Match", etag(got))
	c.call("deleteWebhook", hook, nil, 204)

	// The faults that the document promises.
	c.call("editUser", user, obj{"disabled": true}, 412, "If-Match", `"999"`)
	c.call("editUser", user, obj{"disabled": true}, 428)
	c.call("deleteUser", user, nil, 204)
	c.call("deleteUser", user, nil, 404)
	c.call("createLesson", nil, obj{"title": "Other"}, 422, "Idempotency-Key", "a")
	c.call("createLesson", nil, obj{"title": ""}, 422)
	c.call("createLesson", nil, obj{"title": "x", "colour": "red"}, 422)
	c.call("createLesson", nil, []int{1}, 422)
	c.call("listLessons", map[string]string{"limit": "1000"}, nil, 422)
	c.call("getLesson", map[string]string{"lesson": "nothing"}, nil, 404)
	c.call("sendChat", in(), obj{"text": "too late"}, 410)
	c.call("deleteLesson", at, nil, 204)
	c.call("deleteLesson", at, nil, 404)
	c.p = s.program("chat:read")
	c.call("createLesson", nil, obj{"title": "x"}, 403)
	c.p = &program{s, ""}
	c.call("getMe", nil, nil, 401)

	for _, op := range slices.Sorted(maps.Keys(c.ops)) {
		good := false
		for status := range c.seen[op] {
			good = good || status < 300
		}
		if !good {
			t.Errorf("%s was never seen to work", op)
		}
	}
}
