package fault

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kelas/classroom"
	"kelas/pipeline"
)

func TestOf(t *testing.T) {
	for _, c := range []struct {
		err  error
		code string
		text string
	}{
		{classroom.ErrClassLocked, "classLocked", "The class is locked; nobody new may come in."},
		{fmt.Errorf("joining: %w", classroom.ErrClassLocked), "classLocked", "The class is locked; nobody new may come in."},
		{fmt.Errorf("%w: m-line 3", pipeline.ErrBadSDP), "badSdp", "The media description of the browser cannot be used."},
		{fmt.Errorf("reading: %w", errors.Join(classroom.ErrNoSuchFile, classroom.ErrNotFound)), "noSuchFile", "There is no such file."},
		{WithDetail(ErrBadMessage, "the member text must be text"), "badMessage", "The message could not be read. The member text must be text."},
		{fmt.Errorf("x: %w", WithDetail(ErrBadMessage, "Why.")), "badMessage", "The message could not be read. Why."},
		{errors.New("dial tcp 10.0.0.7: the password is hunter2"), "internal", "Something went wrong on the server."},
		{WithDetail(errors.New("unknown"), "hunter2"), "internal", "Something went wrong on the server."},
		{context.DeadlineExceeded, "timedOut", "This took too long; try again."},
		{fmt.Errorf("x: %w", context.Canceled), "timedOut", "This took too long; try again."},
		{fmt.Errorf("%w: %w", classroom.ErrStoreUnavailable, context.DeadlineExceeded), "storeUnavailable", "The database does not answer at this moment; try again."},
		{nil, "", ""},
	} {
		if f := Of(c.err); f.Code != c.code || f.Text != c.text {
			t.Errorf("Of(%v) = %s, %q; want %s, %q", c.err, f.Code, f.Text, c.code, c.text)
		}
	}
	if Known(errors.New("x")) || !Known(classroom.ErrClassEnded) {
		t.Error("Known")
	}
}

// TestTable holds every row to the form that clients rely on.
func TestTable(t *testing.T) {
	byCode := map[string]Fault{}
	for _, r := range table {
		f := r.fault
		if !regexp.MustCompile(`^[a-z][a-zA-Z]+$`).MatchString(f.Code) {
			t.Errorf("the code %q is not lowerCamel", f.Code)
		}
		if !strings.HasSuffix(f.Text, ".") || strings.ToUpper(f.Text[:1]) != f.Text[:1] || strings.ContainsAny(f.Text, "|\n") {
			t.Errorf("%s: %q is not a sentence for a table", f.Code, f.Text)
		}
		if f.Status < 400 || f.Status > 599 || f.Kurento < 40001 || f.Kurento > 40999 {
			t.Errorf("%s: status %d, Kurento %d", f.Code, f.Status, f.Kurento)
		}
		if other, ok := byCode[f.Code]; ok && other != f {
			t.Errorf("two rows for %s differ", f.Code)
		}
		byCode[f.Code] = f
		if got := Of(r.err); got != f {
			t.Errorf("%v is %s in the table and %s in effect", r.err, f.Code, got.Code)
		}
	}
	if codes := Codes(); len(codes) != len(byCode)+1 || !slices.IsSorted(codes) || !slices.Contains(codes, Internal) {
		t.Errorf("Codes: %v", codes)
	}
	if all := All(); len(all) != len(Codes()) {
		t.Errorf("All has %d faults, Codes %d", len(all), len(Codes()))
	}
}

// notForClients are sentinels that a client can do nothing about; it hears
// `internal`, and the log has the rest.
var notForClients = []string{"classroom.ErrIdentityInvalid", "pipeline.ErrConfig",
	// Of elements and negotiations that a class does not use; Kurento's door
	// has words of its own for them.
	"pipeline.ErrNoDataChannels", "pipeline.ErrBadDataChannel", "pipeline.ErrTooManyDataChannels",
	"pipeline.ErrNoSuchDataChannel", "pipeline.ErrAlreadyNegotiated", "pipeline.ErrOfferNotGenerated",
	"pipeline.ErrAnswerAlreadyProcessed", "pipeline.ErrNoLocalDescription", "pipeline.ErrNoRemoteDescription",
	"pipeline.ErrUnsupported", "pipeline.ErrBadURI", "pipeline.ErrNoFileRoot", "pipeline.ErrOutsideFileRoot",
	"pipeline.ErrHostNotAllowed", "pipeline.ErrSeek", "pipeline.ErrNotSameHub",
	"pipeline.ErrBadKey", "pipeline.ErrBadBandwidth", "pipeline.ErrBadNetwork", "pipeline.ErrForbiddenAddress", "pipeline.ErrStranger", "pipeline.ErrNoPort",
	"pipeline.ErrBadGathering", "pipeline.ErrRelay",
}

// TestComplete finds every sentinel of the rooms below by reading their
// source, so that a new one is either in the table or left out on purpose.
func TestComplete(t *testing.T) {
	used := map[string]bool{}
	file := parse(t, "table.go")
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			used[fmt.Sprint(s.X)+"."+s.Sel.Name] = true
		}
		if id, ok := n.(*ast.Ident); ok {
			used["fault."+id.Name] = true
		}
		return true
	})
	for pkg, dir := range map[string]string{"classroom": "../../classroom", "pipeline": "../../pipeline", "fault": "."} {
		names := sentinels(t, filepath.Join(dir, "errors.go"))
		if len(names) < 5 {
			t.Errorf("found only %v in %s", names, pkg)
		}
		for _, name := range names {
			name = pkg + "." + name
			if used[name] == slices.Contains(notForClients, name) {
				t.Errorf("%s: in the table %v, left out on purpose %v", name, used[name], !used[name])
			}
		}
	}
}

func parse(t *testing.T, path string) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func sentinels(t *testing.T, path string) (names []string) {
	for _, d := range parse(t, path).Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, s := range g.Specs {
			for _, id := range s.(*ast.ValueSpec).Names {
				if strings.HasPrefix(id.Name, "Err") {
					names = append(names, id.Name)
				}
			}
		}
	}
	return names
}

func TestWithDetail(t *testing.T) {
	err := WithDetail(ErrBadMessage, "the member x is missing")
	if !errors.Is(err, ErrBadMessage) || err.Error() != "the message is malformed: the member x is missing" {
		t.Errorf("%v", err)
	}
	if !reflect.DeepEqual(Of(WithDetail(ErrBadMessage, "")), Fault{Code: "badMessage", Text: "The message could not be read.", Status: 400, Kurento: 40107}) {
		t.Errorf("%+v", Of(WithDetail(ErrBadMessage, "")))
	}
}
