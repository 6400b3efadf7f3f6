package rest

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strings"
	"time"
)

// paging are the parameters of every list.
type paging struct {
	Limit  int    `query:"limit" min:"1" max:"200" default:"50" doc:"How many at most"`
	Cursor string `query:"cursor" max:"400" doc:"The next of the page before"`
}

// list is a page of a list.
type list[T any] struct {
	Items []T    `json:"items" doc:"This page"`
	Next  string `json:"next,omitempty" doc:"Cursor of the next page; absent on the last"`
}

func (list[T]) schemaName() string {
	name := reflect.TypeFor[T]().Name()
	return strings.ToUpper(name[:1]) + name[1:] + "List"
}

// place is where a page begins: after the thing made at At with this ID. A
// cursor is a place that clients hand back as it is.
type place struct {
	At int64  `json:"a,omitempty"` // milliseconds
	ID string `json:"i"`
}

func (p place) cursor() string {
	raw, err := json.Marshal(p)
	if err != nil {
		panic(err) // a number and a string
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func (p place) time() time.Time { return time.UnixMilli(p.At).UTC() }

// begin reads the cursor; ok is false on the first page.
func (p paging) begin() (at place, ok bool, err error) {
	if p.Cursor == "" {
		return place{}, false, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(p.Cursor)
	if err == nil {
		err = json.Unmarshal(raw, &at)
	}
	if err != nil || at.ID == "" || at.At < 0 || at.At > 253402300799999 || at.cursor() != p.Cursor {
		return place{}, false, badCursor()
	}
	return at, true, nil
}

func badCursor() error {
	return &invalid{[]complaint{{Name: "cursor", Detail: "is not a cursor of this list"}}}
}

// pageOf cuts a page from a list that is in memory, in the order it has:
// where says what a thing's place is, past whether it comes after a place.
func pageOf[T, V any](p paging, all []V, where func(V) place, past func(V, place) bool, show func(V) T) (list[T], error) {
	out := list[T]{Items: []T{}}
	from, ok, err := p.begin()
	if err != nil {
		return out, err
	}
	for i, v := range all {
		if ok && !past(v, from) {
			continue
		}
		if len(out.Items) == p.Limit {
			out.Next = where(all[i-1]).cursor()
			break
		}
		out.Items = append(out.Items, show(v))
	}
	return out, nil
}
