package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"kelas/signaling/auth"
)

// The parts of an OpenAPI 3.1 document that this one needs.
type (
	apiDocument struct {
		OpenAPI    string                              `json:"openapi"`
		Info       apiInfo                             `json:"info"`
		Servers    []apiServer                         `json:"servers"`
		Tags       []apiTag                            `json:"tags"`
		Security   []map[string][]string               `json:"security"`
		Paths      map[string]map[string]*apiOperation `json:"paths"`
		Components apiComponents                       `json:"components"`
	}
	apiInfo struct {
		Title       string `json:"title"`
		Version     string `json:"version"`
		Description string `json:"description"`
	}
	apiServer struct {
		URL string `json:"url"`
	}
	apiTag struct {
		Name        string `json:"name"`
		Description string `json:"description"`
	}
	apiOperation struct {
		ID          string                `json:"operationId"`
		Summary     string                `json:"summary"`
		Description string                `json:"description,omitempty"`
		Tags        []string              `json:"tags"`
		Security    []map[string][]string `json:"security,omitempty"`
		Parameters  []apiParameter        `json:"parameters,omitempty"`
		Body        *apiBody              `json:"requestBody,omitempty"`
		Responses   map[string]apiAnswer  `json:"responses"`
	}
	apiParameter struct {
		Ref         string  `json:"$ref,omitempty"`
		Name        string  `json:"name,omitempty"`
		In          string  `json:"in,omitempty"`
		Required    bool    `json:"required,omitempty"`
		Description string  `json:"description,omitempty"`
		Schema      *schema `json:"schema,omitempty"`
	}
	apiBody struct {
		Required bool                `json:"required"`
		Content  map[string]apiMedia `json:"content"`
	}
	apiMedia struct {
		Schema *schema `json:"schema"`
	}
	apiAnswer struct {
		Ref         string               `json:"$ref,omitempty"`
		Description string               `json:"description,omitempty"`
		Headers     map[string]apiHeader `json:"headers,omitempty"`
		Content     map[string]apiMedia  `json:"content,omitempty"`
	}
	apiHeader struct {
		Description string  `json:"description"`
		Schema      *schema `json:"schema"`
	}
	apiComponents struct {
		Schemas    map[string]*schema      `json:"schemas"`
		Parameters map[string]apiParameter `json:"parameters"`
		Responses  map[string]apiAnswer    `json:"responses"`
		Security   map[string]any          `json:"securitySchemes"`
	}
)

const aboutAPI = "Kelas for programs. Send an API key as `Authorization: Bearer kelas_...`; what it may do is its scopes. " +
	"Bodies are JSON; a member or parameter that is not in this document is refused, while answers may get members that are not here yet. Times are RFC 3339 in UTC. " +
	"Errors are problem details (RFC 9457) whose `code` is stable. " +
	"Lists have cursors: ask again with `cursor` = `next` until there is none. " +
	"What can be edited has an ETag, which goes into If-Match of the edit. " +
	"What makes something takes an Idempotency-Key: sent again within 24 hours with the same request, the answer comes again and nothing is made twice."

// describe makes the document of the operations.
func (d *Door) describe() (out []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("rest: the document: %v", p)
		}
	}()
	doc := apiDocument{OpenAPI: "3.1.0",
		Info:     apiInfo{Title: "Kelas", Version: "1.0.0", Description: aboutAPI},
		Servers:  []apiServer{{Prefix}},
		Security: []map[string][]string{{"key": {}}},
		Paths:    map[string]map[string]*apiOperation{},
	}
	for _, t := range tagWords {
		doc.Tags = append(doc.Tags, apiTag{t.name, t.about})
	}
	doc.Components = d.components()
	for i := range d.ops {
		o := &d.ops[i]
		if doc.Paths[o.path] == nil {
			doc.Paths[o.path] = map[string]*apiOperation{}
		}
		doc.Paths[o.path][strings.ToLower(o.method)] = d.describeOperation(o, doc.Components.Responses)
	}
	doc.Components.Schemas = d.schemas.byName
	return json.MarshalIndent(doc, "", " ")
}

func (d *Door) components() apiComponents {
	scopes := make([]string, len(auth.Scopes))
	for i, s := range auth.Scopes {
		scopes[i] = "`" + s.Name + "`: " + s.Means
	}
	text := &schema{Type: "string"}
	return apiComponents{
		Parameters: map[string]apiParameter{
			"IfMatch": {Name: "If-Match", In: "header", Required: true, Description: "ETag of the version that is to be changed, or *", Schema: text},
			"IdempotencyKey": {Name: "Idempotency-Key", In: "header", Schema: text,
				Description: "Chosen by you for this one creation, such as a UUID; at most 255 visible ASCII characters"},
		},
		Responses: map[string]apiAnswer{},
		Security: map[string]any{"key": map[string]string{"type": "http", "scheme": "bearer",
			"description": "An API key. Scopes: " + strings.Join(scopes, "; ") + "."}},
	}
}

// problemAnswer is the component of a status's problems.
func (d *Door) problemAnswer(status int, all map[string]apiAnswer) apiAnswer {
	name := strings.ReplaceAll(http.StatusText(status), " ", "")
	if _, ok := all[name]; !ok {
		all[name] = apiAnswer{Description: http.StatusText(status),
			Content: map[string]apiMedia{"application/problem+json": {d.schemas.of(reflect.TypeFor[problem]())}}}
	}
	return apiAnswer{Ref: "#/components/responses/" + name}
}

func (d *Door) describeOperation(o *operation, problems map[string]apiAnswer) *apiOperation {
	a := &apiOperation{ID: o.id, Summary: o.summary, Description: o.about, Tags: []string{o.tag}, Responses: map[string]apiAnswer{}}
	if o.scope != "" {
		a.Description = strings.TrimSpace(a.Description + " Scope: `" + o.scope + "`.")
	}
	for _, p := range o.params {
		s := *p.schema
		s.Description = ""
		a.Parameters = append(a.Parameters, apiParameter{Name: p.name, In: p.in, Required: p.required, Description: p.schema.Description, Schema: &s})
	}
	statuses := append([]int{400, 401, 403, 422, 429, 500, 503}, o.problems...)
	if o.edits {
		a.Parameters = append(a.Parameters, apiParameter{Ref: "#/components/parameters/IfMatch"})
		statuses = append(statuses, http.StatusPreconditionFailed, http.StatusPreconditionRequired)
	}
	if o.creates {
		a.Parameters = append(a.Parameters, apiParameter{Ref: "#/components/parameters/IdempotencyKey"})
		statuses = append(statuses, http.StatusConflict)
	}
	switch {
	case o.bodyType != "":
		a.Body = &apiBody{true, map[string]apiMedia{o.bodyType: {&schema{}}}}
		statuses = append(statuses, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	case o.hasJSONBody():
		a.Body = &apiBody{true, map[string]apiMedia{"application/json": {d.schemas.of(o.body)}}}
		statuses = append(statuses, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	good := apiAnswer{Description: http.StatusText(o.status), Headers: map[string]apiHeader{
		"RateLimit":        {"What is left of the window: requests (r) and seconds (t)", &schema{Type: "string"}},
		"RateLimit-Policy": {"Requests (q) in seconds (w)", &schema{Type: "string"}},
	}}
	if o.etag {
		good.Headers["ETag"] = apiHeader{"Version of what is shown", &schema{Type: "string"}}
	}
	switch {
	case o.answerType != "":
		good.Content = map[string]apiMedia{o.answerType: {&schema{}}}
	case o.answer != noneType:
		good.Content = map[string]apiMedia{"application/json": {d.schemas.of(o.answer)}}
	}
	a.Responses[strconv.Itoa(o.status)] = good
	for _, s := range statuses {
		a.Responses[strconv.Itoa(s)] = d.problemAnswer(s, problems)
	}
	return a
}
