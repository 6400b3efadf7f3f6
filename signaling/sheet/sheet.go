package sheet

import (
	"encoding/csv"
	"io"
	"strings"
)

// Writer writes rows.
type Writer struct{ csv *csv.Writer }

// New begins a table. An error of out comes with Flush.
func New(out io.Writer) *Writer {
	_, _ = io.WriteString(out, "\ufeff") // what follows tells of a reader that has left
	w := &Writer{csv.NewWriter(out)}
	w.csv.UseCRLF = true
	return w
}

// Row writes one row.
func (w *Writer) Row(cells ...string) {
	for i := range cells {
		cells[i] = Cell(cells[i])
	}
	_ = w.csv.Write(cells) // kept by the writer and told by Flush
}

// Flush sends what is left and says whether all could be written.
func (w *Writer) Flush() error {
	w.csv.Flush()
	return w.csv.Error()
}

// Cell keeps a spreadsheet from taking text for a formula: a name such as
// =HYPERLINK(...) becomes text by a leading apostrophe.
func Cell(s string) string {
	t := strings.TrimLeft(s, " \u00a0\u3000")
	if t == "" {
		return s
	}
	if strings.ContainsRune("=+-@\t\r\n＝＋－＠|%", []rune(t)[0]) {
		return "'" + s
	}
	return s
}
