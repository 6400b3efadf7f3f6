package rest

import (
	"encoding/csv"
	"io"
	"strings"
	"time"
)

// table writes CSV for spreadsheets (RFC 4180), in UTF-8 with a mark.
type table struct{ *csv.Writer }

func newTable(out io.Writer) table {
	_, _ = io.WriteString(out, "\ufeff") // csv tells of a reader that left
	w := csv.NewWriter(out)
	w.UseCRLF = true
	return table{w}
}

func (t table) write(cells ...string) {
	for i := range cells {
		cells[i] = safeCell(cells[i])
	}
	_ = t.Write(cells) // kept by the writer; the reader has left
}

// safeCell keeps a spreadsheet from taking text for a formula.
func safeCell(s string) string {
	if t := strings.TrimLeft(s, " \u00a0\u3000"); t != "" && strings.ContainsRune("=+-@\t\r\n|%\uff1d\uff0b\uff0d\uff20", []rune(t)[0]) {
		return "'" + s
	}
	return s
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}
