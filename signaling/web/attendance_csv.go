package web

import (
	"encoding/csv"
	"net/http"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a fresh machine may have no zones, and the file shows the reader's
)

// attendanceCSV is one line for each stay, for a spreadsheet: UTF-8 with a
// mark at the start, times in the zone that the page's script asks for.
func (w *Web) attendanceCSV(v *visit) error {
	lesson, list, err := w.stays(v)
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(v.c.Query("tz"))
	if err != nil || len(v.c.Query("tz")) > 64 || v.c.Query("tz") == "Local" {
		zone = time.UTC
	}
	h := v.c.Writer.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", disposition("attachment", v.t("attendance.filename", "title", lesson.Title)+".csv"))
	h.Set("Cache-Control", "no-store")
	v.c.Status(http.StatusOK)
	out := v.c.Writer
	if _, err := out.WriteString("\ufeff"); err != nil {
		return nil // the reader left; there is nobody to tell
	}
	cw := csv.NewWriter(out)
	cw.UseCRLF = true // RFC 4180
	write := func(cells ...string) {
		for i := range cells {
			cells[i] = safeCell(cells[i])
		}
		_ = cw.Write(cells) // kept by cw and seen by Flush's Error
	}
	write(v.t("attendance.name"), v.t("attendance.role"), v.t("attendance.joined")+" ("+zone.String()+")",
		v.t("attendance.left")+" ("+zone.String()+")", v.t("attendance.minutes"))
	clock := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.In(zone).Format("2006-01-02 15:04:05")
	}
	for _, a := range list {
		s := stayOf(a, w.cfg.Now())
		write(s.Name, v.t("site.role."+s.Role), clock(s.Joined), clock(s.Left), strconv.Itoa(s.Minutes))
	}
	cw.Flush()
	if err := cw.Error(); err != nil {
		w.log.Debug("the attendance was not read to its end", "error", err)
	}
	return nil
}

// safeCell keeps a spreadsheet from taking text for a formula: a name such
// as =HYPERLINK(...) becomes text by a leading apostrophe.
func safeCell(s string) string {
	t := strings.TrimLeft(s, " \u00a0\u3000")
	if t == "" {
		return s
	}
	if strings.ContainsRune("=+-@\t\r\n＝＋－＠|%", []rune(t)[0]) {
		return "'" + s
	}
	return s
}
