package classroom

import (
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"
)

// Settings are what another system wants of a lesson's class. The zero value
// wants nothing. What is here is in force in the class; what a door only has
// to give back again stands in Notes.
type Settings struct {
	MaxParticipants int `json:"maxParticipants,omitempty"` // viewers are refused beyond; 0: the server's limit alone

	// When the class ends by itself. Zero: never for that reason.
	Duration            time.Duration `json:"duration,omitempty"`            // since the lesson was made
	ExpireUnjoined      time.Duration `json:"expireUnjoined,omitempty"`      // since it was made, while nobody ever came
	ExpireLeft          time.Duration `json:"expireLeft,omitempty"`          // since the last one left
	ExpireWithoutLeader time.Duration `json:"expireWithoutLeader,omitempty"` // since the last presenter or moderator left

	Guests GuestPolicy `json:"guests,omitempty"`

	// What viewers may not do.
	NoPublicChat  bool `json:"noPublicChat,omitempty"`
	NoPrivateChat bool `json:"noPrivateChat,omitempty"` // but with presenters and moderators
	HideRoster    bool `json:"hideRoster,omitempty"`    // they see presenters, moderators and themselves

	StartMuted bool `json:"startMuted,omitempty"` // a presenter's microphone is off until it is turned on

	Welcome        string `json:"welcome,omitempty"`        // plain text, shown to all who come in
	WelcomeLeaders string `json:"welcomeLeaders,omitempty"` // plain text, shown to presenters and moderators besides
	LeaveURL       string `json:"leaveUrl,omitempty"`       // where a page goes when it is over or has left

	Notes map[string]string `json:"notes,omitempty"` // the door's own; not read here
}

// GuestPolicy says what becomes of identities that are guests.
type GuestPolicy string

// Guests come in, are refused, or wait in the lobby for a presenter or
// moderator. It is not about presenters and moderators.
const (
	GuestsWelcome GuestPolicy = ""
	GuestsRefused GuestPolicy = "refused"
	GuestsWait    GuestPolicy = "wait"
)

// Limits of Settings.
const (
	maxWelcomeRunes = 8000
	maxURLBytes     = 2048
	maxNotes        = 200
	maxNotesBytes   = 64 << 10
	maxClassTime    = 365 * 24 * time.Hour
)

// Validate names what cannot be used; the error is ErrSettingsInvalid.
func (s *Settings) Validate() error {
	bad := func(what string) error { return fmt.Errorf("%w: %s", ErrSettingsInvalid, what) }
	if s.MaxParticipants < 0 {
		return bad("the number of participants is negative")
	}
	for _, d := range []time.Duration{s.Duration, s.ExpireUnjoined, s.ExpireLeft, s.ExpireWithoutLeader} {
		if d < 0 || d > maxClassTime {
			return bad("a time is negative or longer than a year")
		}
	}
	if s.Guests != GuestsWelcome && s.Guests != GuestsRefused && s.Guests != GuestsWait {
		return bad("the guest policy is not known")
	}
	for _, text := range []string{s.Welcome, s.WelcomeLeaders} {
		if utf8.RuneCountInString(text) > maxWelcomeRunes || !utf8.ValidString(text) {
			return bad("a welcome is too long or not text")
		}
	}
	if len(s.LeaveURL) > maxURLBytes || !utf8.ValidString(s.LeaveURL) {
		return bad("the address for those who leave is too long or not text")
	}
	size := 0
	for k, v := range s.Notes {
		if size += len(k) + len(v); !utf8.ValidString(k) || !utf8.ValidString(v) {
			return bad("a note is not text")
		}
	}
	if len(s.Notes) > maxNotes || size > maxNotesBytes {
		return bad("there are too many notes")
	}
	return nil
}

func (s *Settings) clone() *Settings {
	c := *s
	c.Notes = maps.Clone(s.Notes)
	return &c
}

// timed reports whether the class may end by itself.
func (s *Settings) timed() bool {
	return slices.Max([]time.Duration{s.Duration, s.ExpireUnjoined, s.ExpireLeft, s.ExpireWithoutLeader}) > 0
}

var noSettings Settings

// settingsLocked are never to be changed.
func (c *Class) settingsLocked() *Settings {
	if s := c.lesson.Settings; s != nil {
		return s
	}
	return &noSettings
}

// leads reports whether p's role is a presenter's or a moderator's, as its
// identity has it or as it was given in the class.
func (p *participant) leads() bool {
	return p.Role != RoleViewer
}
