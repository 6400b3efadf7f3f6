package bbb

import (
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/hex"
	"html"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"kelas/classroom"
)

// What a lesson's Notes hold for this door. A note that begins with noteMeta
// is one of the caller's own.
const (
	noteViewerPW     = "attendeePW"
	noteModeratorPW  = "moderatorPW"
	noteVoiceBridge  = "voiceBridge"
	noteDialNumber   = "dialNumber"
	noteEndedURL     = "meetingEndedURL"
	noteMeta         = "meta_"
	meetingIDMin     = 2
	meetingIDMax     = 256
	nameMin          = 2
	nameMax          = 200
	passwordMax      = 64
	voiceBridgeMax   = 64
	welcomeMax       = 4000
	createDateLayout = "Mon Jan 02 15:04:05 MST 2006" // as Java writes a date
)

// create makes a meeting, or finds the one that was made by the same call
// before.
func create(ctx context.Context, c *call) ([]node, error) {
	id := c.p["meetingID"]
	if id == "" {
		return nil, failed(keyNoMeetingID, "You must give a meeting ID.")
	}
	title, settings, err := c.wanted(id)
	if err != nil {
		return nil, err
	}
	documents, err := c.documents()
	if err != nil {
		return nil, err
	}
	l, made, err := c.b.d.Classes.OpenLesson(ctx, id, title, settings)
	if err != nil {
		return nil, err
	}
	if !made && !samePasswords(c.p, l) {
		return nil, failed(keyNotUnique, "A meeting already exists with that meeting ID and other passwords.")
	}
	people, err := c.b.d.Classes.Participants(ctx, l.ID)
	if err != nil {
		return nil, err
	}
	in := []node{leaf("meetingID", l.External), leaf("internalMeetingID", internalID(l)), leaf("parentMeetingID", "bbb-none"),
		leaf("attendeePW", note(l, noteViewerPW)), leaf("moderatorPW", note(l, noteModeratorPW)), created(l),
		leaf("voiceBridge", note(l, noteVoiceBridge)), leaf("dialNumber", note(l, noteDialNumber)), createDate(l),
		truth("hasUserJoined", len(people) > 0), duration(l), truth("hasBeenForciblyEnded", false)}
	if !made {
		return withMessage("duplicateWarning", "This meeting was in existence already.", in...), nil
	}
	if err := c.b.meetingCreated(ctx, l); err != nil {
		return nil, err
	}
	if missing := c.add(ctx, l.ID, documents); len(missing) > 0 {
		return withMessage("documentsMissing", "The meeting is there, but these could not be fetched or kept: "+
			strings.Join(missing, ", ")+".", in...), nil
	}
	return withMessage("", "", in...), nil
}

// wanted reads what a meeting is to be like; all that is wrong with it is
// said at once.
func (c *call) wanted(id string) (title string, s classroom.Settings, err error) {
	var wrong failures
	check := func(err error) {
		if f, ok := err.(*failure); ok {
			wrong = append(wrong, f)
		}
	}
	if n := utf8.RuneCountInString(id); n < meetingIDMin || n > meetingIDMax || strings.Contains(id, ",") {
		check(failed(keyValidation, "meetingID has 2 to 256 characters and no comma."))
	}
	if title, err = c.title(id); err != nil {
		check(err)
	}
	s.Notes, err = c.notes()
	check(err)
	check(c.times(&s))
	check(c.rules(&s))
	if s.LeaveURL, err = c.p.address("logoutURL"); err != nil {
		check(err)
	}
	s.Welcome = c.words("welcome", title, s.Notes)
	s.WelcomeLeaders = c.words("moderatorOnlyMessage", title, s.Notes)
	if len(wrong) > 0 {
		return "", s, wrong
	}
	return title, s, nil
}

func (c *call) title(id string) (string, error) {
	if c.p["name"] == "" {
		return line(id, nameMax), nil
	}
	title := line(c.p["name"], nameMax)
	if utf8.RuneCountInString(title) < nameMin {
		return "", failed(keyValidation, "name has 2 characters or more.")
	}
	return title, nil
}

func (c *call) times(s *classroom.Settings) error {
	var err [4]error
	s.Duration, err[0] = c.p.minutes("duration", 0)
	s.ExpireUnjoined, err[1] = c.p.minutes("meetingExpireIfNoUserJoinedInMinutes", c.b.cfg.ExpireUnjoined)
	s.ExpireLeft, err[2] = c.p.minutes("meetingExpireWhenLastUserLeftInMinutes", c.b.cfg.ExpireLeft)
	if c.p.flag("endWhenNoModerator") {
		s.ExpireWithoutLeader, err[3] = c.p.minutes("endWhenNoModeratorDelayInMinutes", time.Minute)
	}
	for _, e := range err {
		if e != nil {
			return e
		}
	}
	return nil
}

func (c *call) rules(s *classroom.Settings) (err error) {
	if s.MaxParticipants, err = c.p.number("maxParticipants", 0); err != nil {
		return err
	}
	switch policy := c.p["guestPolicy"]; policy {
	case "", "ALWAYS_ACCEPT", "ALWAYS_ACCEPT_AUTH":
	case "ALWAYS_DENY":
		s.Guests = classroom.GuestsRefused
	case "ASK_MODERATOR":
		s.Guests = classroom.GuestsWait
	default:
		return failed(keyValidation, "guestPolicy is ALWAYS_ACCEPT, ALWAYS_DENY or ASK_MODERATOR.")
	}
	s.StartMuted = c.p.flag("muteOnStart")
	if c.p.flagOr("lockSettingsLockOnJoin", true) {
		s.NoPublicChat = c.p.flag("lockSettingsDisablePublicChat")
		s.NoPrivateChat = c.p.flag("lockSettingsDisablePrivateChat")
		s.HideRoster = c.p.flag("lockSettingsHideUserList")
	}
	for feature := range strings.SplitSeq(c.p["disabledFeatures"], ",") {
		switch strings.TrimSpace(feature) {
		case "chat":
			s.NoPublicChat, s.NoPrivateChat = true, true
		case "privateChat":
			s.NoPrivateChat = true
		}
	}
	return nil
}

func (c *call) notes() (map[string]string, error) {
	notes := map[string]string{}
	for param, pw := range map[string]string{"attendeePW": noteViewerPW, "moderatorPW": noteModeratorPW} {
		if notes[pw] = c.p[param]; notes[pw] == "" {
			notes[pw] = rand.Text()[:12]
		}
		if utf8.RuneCountInString(notes[pw]) > passwordMax {
			return nil, failed(keyValidation, param+" has 2 to 64 characters.")
		}
	}
	if notes[noteVoiceBridge] = c.p["voiceBridge"]; notes[noteVoiceBridge] == "" {
		n, err := rand.Int(rand.Reader, big.NewInt(90000))
		if err != nil {
			return nil, err
		}
		notes[noteVoiceBridge] = strconv.FormatInt(10000+n.Int64(), 10)
	}
	if len(notes[noteVoiceBridge]) > voiceBridgeMax || len(c.p["dialNumber"]) > voiceBridgeMax {
		return nil, failed(keyValidation, "voiceBridge or dialNumber is too long.")
	}
	notes[noteDialNumber] = c.p["dialNumber"]
	var err error
	if notes[noteEndedURL], err = c.p.address("meetingEndedURL"); err != nil {
		return nil, err
	}
	for name, value := range c.p {
		if key, ok := strings.CutPrefix(name, "meta_"); ok && metaName(key) {
			notes[noteMeta+strings.ToLower(key)] = value
		}
	}
	return notes, nil
}

var tag = regexp.MustCompile(`<[^<>]*>`)
var lineBreak = regexp.MustCompile(`(?i)<(br|/p|/div|/li)\s*/?>`)

// words are a message that may be HTML and have names for what it does not
// know yet, as plain text.
func (c *call) words(param, title string, notes map[string]string) string {
	text := html.UnescapeString(tag.ReplaceAllString(lineBreak.ReplaceAllString(c.p[param], "\n"), ""))
	text = strings.NewReplacer("%%CONFNAME%%", title, "%%CONFNUM%%", notes[noteVoiceBridge],
		"%%DIALNUM%%", notes[noteDialNumber]).Replace(text)
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, text)
	return strings.TrimSpace(cut(text, welcomeMax))
}

func samePasswords(p params, l classroom.Lesson) bool {
	same := func(param, pw string) bool { return p[param] == "" || p[param] == note(l, pw) }
	return same("attendeePW", noteViewerPW) && same("moderatorPW", noteModeratorPW)
}

func note(l classroom.Lesson, name string) string {
	if l.Settings == nil {
		return ""
	}
	return l.Settings.Notes[name]
}

// internalID names one meeting among all that were made under its ID; an LMS
// files recordings under it.
func internalID(l classroom.Lesson) string {
	sum := sha1.Sum([]byte(l.External))
	return hex.EncodeToString(sum[:]) + "-" + strconv.FormatInt(l.CreatedAt.UnixMilli(), 10)
}

func created(l classroom.Lesson) node { return number("createTime", l.CreatedAt.UnixMilli()) }

func createDate(l classroom.Lesson) node {
	return leaf("createDate", l.CreatedAt.UTC().Format(createDateLayout))
}

func duration(l classroom.Lesson) node {
	var d time.Duration
	if l.Settings != nil {
		d = l.Settings.Duration
	}
	return number("duration", int64(d/time.Minute))
}
