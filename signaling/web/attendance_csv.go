package web

import (
	"net/http"
	"strconv"
	"time"
	_ "time/tzdata" // a fresh machine may have no zones, and the file shows the reader's

	"kelas/signaling/sheet"
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
	rows := sheet.New(out)
	rows.Row(v.t("attendance.name"), v.t("attendance.role"), v.t("attendance.joined")+" ("+zone.String()+")",
		v.t("attendance.left")+" ("+zone.String()+")", v.t("attendance.minutes"))
	clock := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.In(zone).Format("2006-01-02 15:04:05")
	}
	for _, a := range list {
		s := stayOf(a, w.cfg.Now())
		rows.Row(s.Name, v.t("site.role."+s.Role), clock(s.Joined), clock(s.Left), strconv.Itoa(s.Minutes))
	}
	if err := rows.Flush(); err != nil {
		w.log.Debug("the attendance was not read to its end", "error", err)
	}
	return nil
}
