package web

import (
	"errors"
	"net/http"
	"net/url"

	"kelas/classroom"
	"kelas/signaling/auth"
	"kelas/signaling/fault"
)

// classConfig is what the class page's scripts read.
type classConfig struct {
	ClassID            string      `json:"classId"`
	Title              string      `json:"title"`
	Language           string      `json:"language"`
	Languages          []string    `json:"languages"`
	CSRF               string      `json:"csrf"`
	Me                 classMe     `json:"me"`
	SocketPath         string      `json:"socketPath"`
	Limits             classLimits `json:"limits"`
	ICETransportPolicy string      `json:"iceTransportPolicy,omitempty"`
	URLs               classURLs   `json:"urls"`
}

type classMe struct {
	Name    string `json:"name"`
	Role    string `json:"role"`
	Base    string `json:"base"` // the identity's role, where Role is lent by a hand-over
	Account bool   `json:"account"`
}

type classLimits struct {
	ChatMaxRunes int   `json:"chatMaxRunes"`
	FileMaxSize  int64 `json:"fileMaxSize"`
}

type classURLs struct {
	Leave      string `json:"leave"`
	Back       string `json:"back,omitempty"` // of the system that made the lesson
	Links      string `json:"links,omitempty"`
	Attendance string `json:"attendance,omitempty"`
	Files      string `json:"files"`
	Uploads    string `json:"uploads"`
	Language   string `json:"language"`
}

type classPage struct {
	page
	Title, ClassID string
	Role           string
	Config         classConfig
}

// classPage opens the class. A token in the address becomes a seat in a
// cookie and leaves the address; an invitation asks a guest's name first.
func (w *Web) classPage(v *visit) error {
	classID := v.c.Param("class")
	lesson, err := v.lesson(classID)
	if err != nil {
		return err
	}
	// The address may hold a token: no other site must learn it.
	v.c.Writer.Header().Set("Referrer-Policy", "no-referrer")
	if token := v.c.Query("token"); token != "" {
		seat, err := w.d.Gate.Seat(v.c.Request, classID, token, "")
		if errors.Is(err, auth.ErrNameNeeded) {
			return v.render(http.StatusOK, "enter", enterPage{page: v.page(), Title: lesson.Title, ClassID: classID, Token: token})
		}
		if err != nil {
			return err
		}
		return v.sit(classID, seat)
	}
	if v.c.Query("me") != "" { // "Open" in my classes: as the account, not as an earlier guest
		v.dropCookie(auth.SeatCookie(classID))
		return v.redirect("/c/" + classID)
	}
	p, err := v.visitor()
	if errors.Is(err, auth.ErrNoIdentity) && v.account == nil {
		return fault.ErrNoIdentity
	}
	if err != nil {
		return err
	}
	if p.lockedOut() {
		return classroom.ErrClassLocked
	}
	role := p.identity.Role
	if p.participant != nil {
		role = string(p.participant.Role)
	}
	return v.render(http.StatusOK, classPageName, classPage{page: v.page(), Title: lesson.Title, ClassID: classID,
		Role: role, Config: w.classConfig(v, p, role)})
}

func (w *Web) classConfig(v *visit, p person, role string) classConfig {
	base := "/c/" + p.lesson.ID
	c := classConfig{ClassID: p.lesson.ID, Title: p.lesson.Title, Language: v.lang, CSRF: v.page().CSRF,
		Me:         classMe{Name: p.identity.Name, Role: role, Base: p.identity.Role, Account: p.identity.UserID != ""},
		SocketPath: "/socket.io/", Limits: classLimits{w.cfg.ChatMaxRunes, w.cfg.FileMaxSize},
		ICETransportPolicy: w.cfg.ICETransportPolicy,
		URLs:               classURLs{Leave: base + "/after", Files: base + "/files", Uploads: base + "/uploads", Language: "/language"}}
	if s := p.lesson.Settings; s != nil {
		c.URLs.Back = s.LeaveURL
	}
	for _, l := range languages {
		c.Languages = append(c.Languages, l.Code)
	}
	if p.may(classroom.ActInvite) {
		c.URLs.Links = base + "/links"
	}
	if p.may(classroom.ActSeeAttendance) {
		c.URLs.Attendance = base + "/attendance"
	}
	return c
}

// sit leaves a seat in the browser and goes to the class without the token.
func (v *visit) sit(classID string, seat auth.Seat) error {
	signed, err := v.w.d.Signer.Seat(classID, seat)
	if err != nil {
		return err
	}
	v.setCookie(auth.SeatCookie(classID), signed, seat.Expires)
	return v.redirect("/c/" + classID)
}

type enterPage struct {
	page
	Title, ClassID, Token, Name string
	Error                       string // key
}

// enter takes a guest's name. A client without cookies sends its invitation
// as Authorization and gets its seat as JSON.
func (w *Web) enter(v *visit) error {
	classID := v.c.Param("class")
	lesson, err := v.lesson(classID)
	if err != nil {
		return err
	}
	f := v.c.Request.PostForm
	p := enterPage{page: v.page(), Title: lesson.Title, ClassID: classID, Token: f.Get("token"), Name: f.Get("name")}
	if b := v.bearer(); b != "" {
		p.Token = b
	}
	if p.Token == "" {
		return fault.ErrNoIdentity
	}
	seat, err := w.d.Gate.Seat(v.c.Request, classID, p.Token, p.Name)
	if (errors.Is(err, auth.ErrNameNeeded) || errors.Is(err, auth.ErrNameInvalid)) && !v.wantsJSON() {
		p.Error = "site.enter.name.invalid"
		return v.render(http.StatusUnprocessableEntity, "enter", p)
	}
	if err != nil {
		return err
	}
	if !v.wantsJSON() {
		return v.sit(classID, seat)
	}
	signed, err := w.d.Signer.Seat(classID, seat)
	if err != nil {
		return err
	}
	v.c.Writer.Header().Set("Cache-Control", "no-store")
	v.c.JSON(http.StatusOK, map[string]any{"seat": signed, "name": seat.Identity.Name, "role": seat.Identity.Role,
		"expires": seat.Expires.UnixMilli()})
	return nil
}

type linkPage struct {
	page
	Title, ClassID, URL, Role string
	Expires                   string
}

// makeLink signs an invitation for many: JSON {url} for scripts, a page to
// copy from for browsers without.
func (w *Web) makeLink(v *visit) error {
	p, err := v.person()
	if err != nil {
		return err
	}
	if !p.may(classroom.ActInvite) {
		return classroom.ErrNotAllowed
	}
	role := v.c.Request.PostForm.Get("role")
	if role == "" {
		role = auth.RoleViewer
	}
	if role != auth.RoleViewer && role != auth.RoleModerator {
		return fault.WithDetail(fault.ErrBadMessage, "a link's role is viewer or moderator")
	}
	expires := w.cfg.Now().Add(w.cfg.LinkTTL)
	token, err := w.d.Signer.Join(auth.JoinClaims{ClassID: p.lesson.ID, Role: role, Expires: expires})
	if err != nil {
		return err
	}
	link := v.origin() + "/c/" + p.lesson.ID + "?token=" + url.QueryEscape(token)
	if v.wantsJSON() {
		v.c.Writer.Header().Set("Cache-Control", "no-store")
		v.c.JSON(http.StatusOK, map[string]any{"url": link, "role": role, "expires": expires.UnixMilli()})
		return nil
	}
	return v.render(http.StatusOK, "link", linkPage{page: v.page(), Title: p.lesson.Title, ClassID: p.lesson.ID,
		URL: link, Role: role, Expires: stamp(expires)})
}

// origin is what stands before the path in links for others.
func (v *visit) origin() string {
	if v.w.cfg.PublicURL != "" {
		return v.w.cfg.PublicURL
	}
	scheme := "http"
	if v.client.Secure {
		scheme = "https"
	}
	return scheme + "://" + v.c.Request.Host
}
