package sheet

import (
	"errors"
	"strings"
	"testing"
)

func TestCell(t *testing.T) {
	for in, want := range map[string]string{
		"Budi": "Budi", "": "", "  ": "  ", "=1+1": "'=1+1", "+62": "'+62", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1",
		" =1": "' =1", "＝1+1": "'＝1+1", "\r=1": "'\r=1", "a=b": "a=b", "|cmd": "'|cmd", "2026-11-22": "2026-11-22",
	} {
		if got := Cell(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestRows(t *testing.T) {
	var b strings.Builder
	w := New(&b)
	w.Row("name", "text")
	w.Row("Budi", "a \"b\"\nc,=d")
	if err := w.Flush(); err != nil || b.String() != "\ufeffname,text\r\nBudi,\"a \"\"b\"\"\r\nc,=d\"\r\n" {
		t.Errorf("%q %v", b.String(), err)
	}
	gone := New(failing{})
	gone.Row("x")
	if err := gone.Flush(); err == nil {
		t.Error("a reader that left is not told of")
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("gone") }
