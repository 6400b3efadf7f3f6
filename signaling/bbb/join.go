package bbb

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"kelas/classroom"
	"kelas/signaling/auth"
)

// keyPrefix begins the identity of somebody whom an LMS sent: its userID
// follows.
const (
	keyPrefix     = "lms:"
	keyUnnamed    = "lms-visit:" // of somebody without a userID: another one each time
	fullNameMax   = 64
	userIDMax     = 256
	guestWaits    = "WAIT"
	guestComes    = "ALLOW"
	roleModerator = "MODERATOR"
	roleViewer    = "VIEWER"
)

// join sends a browser to the class page as whom the LMS says it is.
func join(ctx context.Context, c *call) ([]node, error) {
	in, err := c.seat(ctx)
	if err == nil {
		if c.p.flagOr("redirect", true) {
			http.Redirect(c.w, c.r, in.url, http.StatusFound)
			return nil, nil
		}
		return withMessage("successfullyJoined", "You have joined successfully.",
			leaf("meeting_id", internalID(in.lesson)), leaf("user_id", internalUser(in.lesson.ID, in.key)),
			leaf("auth_token", in.token), leaf("session_token", in.token), leaf("guestStatus", in.guest),
			leaf("url", in.url)), nil
	}
	if to := c.errorAddress(in.lesson); to != "" && c.p.flagOr("redirect", true) {
		f, known := failureOf(err)
		if !known {
			c.b.log.Error("call failed", "call", c.name, "err", err)
		}
		http.Redirect(c.w, c.r, withErrors(to, f), http.StatusFound)
		return nil, nil
	}
	return nil, err
}

type seated struct {
	lesson     classroom.Lesson
	key        string
	token, url string
	guest      string
}

// seat makes the seat that the browser takes. The lesson is returned also
// beside an error, where it was found.
func (c *call) seat(ctx context.Context) (in seated, err error) {
	if in.lesson, err = c.anyMeeting(ctx); err != nil {
		return in, err
	}
	name := line(c.p["fullName"], fullNameMax)
	if name == "" {
		return in, failed(keyNoFullName, "You must give the full name of who joins.")
	}
	role, err := c.role(in.lesson)
	if err != nil {
		return in, err
	}
	if t := c.p["createTime"]; t != "" && t != strconv.FormatInt(in.lesson.CreatedAt.UnixMilli(), 10) {
		return in, failed(keyCreateTime, "createTime is not that of the meeting: it has been made anew.")
	}
	in.key = keyUnnamed + rand.Text()
	if user := c.p["userID"]; user != "" {
		if in.key = keyPrefix + user; len(user) > userIDMax {
			return in, failed(keyValidation, "userID is too long.")
		}
	}
	id := classroom.Identity{Key: in.key, Name: name, Role: role, Guest: c.p.flag("guest") && role == classroom.RoleViewer}
	in.guest = guestComes
	err = c.b.d.Classes.MayEnter(ctx, in.lesson.ID, id)
	if errors.Is(err, classroom.ErrInLobby) {
		in.guest, err = guestWaits, nil // its page waits
	}
	if err != nil {
		return in, err
	}
	in.token, err = c.b.d.Signer.Seat(in.lesson.ID, auth.Seat{Expires: c.b.cfg.Now().Add(c.b.cfg.SeatTTL),
		Identity: auth.Identity{Key: id.Key, Name: id.Name, Role: string(id.Role), Guest: id.Guest}})
	in.url = c.origin() + "/c/" + in.lesson.ID + "?token=" + url.QueryEscape(in.token)
	return in, err
}

// role is what a role or, without one, a password makes of who joins.
// Whoever moderates may present: which of them does is theirs to settle.
func (c *call) role(l classroom.Lesson) (classroom.Role, error) {
	switch role := strings.ToUpper(c.p["role"]); role {
	case roleModerator:
		return classroom.RolePresenter, nil
	case roleViewer:
		return classroom.RoleViewer, nil
	case "":
	default:
		return "", failed(keyValidation, "role is MODERATOR or VIEWER.")
	}
	password := []byte(c.p["password"])
	switch {
	case subtle.ConstantTimeCompare(password, []byte(note(l, noteModeratorPW))) == 1:
		return classroom.RolePresenter, nil
	case subtle.ConstantTimeCompare(password, []byte(note(l, noteViewerPW))) == 1:
		return classroom.RoleViewer, nil
	}
	return "", failed(keyPassword, "The password is neither the moderators' nor the attendees'.")
}

// errorAddress is where a browser goes that cannot join, "" when nobody said.
func (c *call) errorAddress(l classroom.Lesson) string {
	for _, name := range []string{"errorRedirectUrl", "logoutURL"} {
		if to, err := c.p.address(name); err == nil && to != "" {
			return to
		}
	}
	if l.Settings != nil {
		return l.Settings.LeaveURL
	}
	return ""
}

// withErrors adds the failure to an address as clients read it there.
func withErrors(to string, f *failure) string {
	list, err := json.Marshal([]map[string]string{{"key": f.key, "message": f.text}})
	u, perr := url.Parse(to)
	if err != nil || perr != nil {
		return to
	}
	q := "errors=" + url.QueryEscape(string(list))
	if u.RawQuery != "" {
		q = u.RawQuery + "&" + q
	}
	u.RawQuery = q
	return u.String()
}

// internalUser names somebody in one class without saying who it is.
func internalUser(classID, key string) string {
	sum := sha256.Sum256([]byte(classID + " " + key))
	return "w_" + hex.EncodeToString(sum[:6])
}

// externalUser is what the LMS calls a participant, or a name of ours where
// it called it nothing.
func externalUser(p classroom.Participant) string {
	if user, ok := strings.CutPrefix(p.Key, keyPrefix); ok {
		return user
	}
	return internalUser(p.ClassID, p.Key)
}

// roleOf is a participant's role in the LMS's words. One who was lent the
// right to present is what it was before.
func roleOf(p classroom.Participant) string {
	if p.May(classroom.ActEndClass) {
		return roleModerator
	}
	return roleViewer
}
