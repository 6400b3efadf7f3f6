package fault

import (
	"context"
	"errors"
	"net/http"
	"slices"
)

// Fault is what a client hears of an error.
type Fault struct {
	Code    string // lowerCamel, for programs; stable
	Text    string // an English sentence, for people
	Status  int    // HTTP
	Kurento int    // the number in a Kurento answer
	// Retry says that the same request may well succeed a little later
	// without anybody doing anything about it.
	Retry bool
}

// Internal is what is heard of every error that is not in the table.
const Internal = "internal"

var internal = Fault{Code: Internal, Text: "Something went wrong on the server.", Status: http.StatusInternalServerError, Kurento: kurentoUnexpected}

// Of finds the fault of err. For nil it returns the zero Fault.
func Of(err error) Fault {
	if err == nil {
		return Fault{}
	}
	f := internal
	for _, row := range table {
		if errors.Is(err, row.err) {
			f = row.fault
			break
		}
	}
	if f.Code == Internal && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
		f = Of(ErrTimedOut)
	}
	var d *detailed
	if f.Code != Internal && errors.As(err, &d) && d.detail != "" {
		f.Text += " " + sentence(d.detail)
	}
	return f
}

// Known reports whether err is in the table: an unknown one should be logged
// by whoever answers it.
func Known(err error) bool { return Of(err).Code != Internal }

// Codes lists every code once, sorted.
func Codes() []string {
	codes := []string{Internal}
	for _, row := range table {
		codes = append(codes, row.fault.Code)
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// All lists every fault, sorted by code.
func All() []Fault {
	all := []Fault{internal}
	for _, row := range table {
		all = append(all, row.fault)
	}
	slices.SortFunc(all, func(a, b Fault) int {
		if a.Code < b.Code {
			return -1
		}
		if a.Code > b.Code {
			return 1
		}
		return 0
	})
	return slices.CompactFunc(all, func(a, b Fault) bool { return a.Code == b.Code })
}

func sentence(s string) string {
	b := []byte(s)
	if 'a' <= b[0] && b[0] <= 'z' {
		b[0] -= 'a' - 'A'
	}
	if b[len(b)-1] != '.' {
		b = append(b, '.')
	}
	return string(b)
}
