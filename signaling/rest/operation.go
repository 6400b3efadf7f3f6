package rest

import (
	"net/http"
	"reflect"
	"strings"
)

// none stands where an operation has no parameters, body or answer.
type none struct{}

var noneType = reflect.TypeFor[none]()

// raw is an answer that the handler writes itself.
type raw struct{}

var rawType = reflect.TypeFor[raw]()

// operation is one thing that a program can ask for: the route, the document
// and the checks are made from it.
type operation struct {
	method, path string // path as OpenAPI writes it, below /api/v1
	id           string // operationId
	tag          string
	summary      string
	about        string // more words, or ""
	scope        string // "" for what everybody with a key may, public for no key
	status       int    // of success; 200
	creates      bool   // takes an Idempotency-Key
	edits        bool   // needs If-Match
	etag         bool   // answers with an ETag
	bodyType     string // media type of a body that is not JSON
	answerType   string // media type of an answer that is not JSON
	problems     []int  // statuses of problems besides those that all have

	params []param
	in     reflect.Type // parameters
	body   reflect.Type // noneType, or of the JSON body
	answer reflect.Type // noneType, rawType, or of the JSON answer
	run    func(c *call, params, body any) (any, error)
}

// public is the scope of what needs no key.
const public = "-"

// define completes an operation with its handler, whose types are the types
// of parameters, body and answer.
func define[P, B, A any](o operation, f func(c *call, p P, b B) (A, error)) operation {
	o.in, o.body, o.answer = reflect.TypeFor[P](), reflect.TypeFor[B](), reflect.TypeFor[A]()
	if o.status == 0 {
		o.status = http.StatusOK
	}
	o.run = func(c *call, p, b any) (any, error) { return f(c, *p.(*P), *b.(*B)) }
	return o
}

// ginPath is the path as gin writes it.
func (o *operation) ginPath() string {
	return strings.NewReplacer("{", ":", "}", "").Replace(o.path)
}

// hasJSONBody: the body is described by a schema.
func (o *operation) hasJSONBody() bool { return o.body != noneType && o.bodyType == "" }

// tagWords are the chapters of the document, in its order.
var tagWords = []struct{ name, about string }{
	{"lessons", "What is planned and stored; a class is a lesson that somebody is in"},
	{"classes", "What goes on now, and who is in it"},
	{"links", "Ways in for people"},
	{"chat", "Messages, reading and writing them"},
	{"files", "Shared files"},
	{"records", "What remains: attendance and recordings"},
	{"users", "Accounts"},
	{"keys", "API keys"},
	{"webhooks", "Telling other systems what happens"},
	{"bots", "Programs as participants"},
}

// operations are all of them; webhooks only where they are.
func operations(webhooks bool) []operation {
	var all []operation
	if webhooks {
		all = webhookOperations()
	}
	for _, chapter := range [][]operation{
		lessonOperations(), classOperations(), linkOperations(), chatOperations(), fileOperations(),
		recordOperations(), userOperations(), keyOperations(), botOperations(),
	} {
		all = append(all, chapter...)
	}
	return all
}
