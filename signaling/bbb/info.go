package bbb

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"kelas/classroom"
)

// isMeetingRunning says true only while somebody is in; that there is no such
// meeting is no error.
func isMeetingRunning(ctx context.Context, c *call) ([]node, error) {
	l, err := c.meeting(ctx)
	if f, _ := failureOf(err); err != nil && f.key != keyNotFound {
		return nil, err
	}
	return succeeded(truth("running", err == nil && len(c.b.d.Classes.People(l.ID)) > 0)), nil
}

func getMeetingInfo(ctx context.Context, c *call) ([]node, error) {
	l, err := c.meeting(ctx)
	if err != nil {
		return nil, err
	}
	in, err := c.info(ctx, l)
	return succeeded(in...), err
}

func getMeetings(ctx context.Context, c *call) ([]node, error) {
	list, err := c.b.d.Classes.OpenLessons(ctx)
	if err != nil {
		return nil, err
	}
	all := tree("meetings")
	for _, l := range list {
		in, err := c.info(ctx, l)
		if err != nil {
			return nil, err
		}
		all.in = append(all.in, tree("meeting", in...))
	}
	if len(all.in) == 0 {
		return withMessage(keyNoMeetings, "There are no meetings on this server.", all), nil
	}
	return succeeded(all), nil
}

// info is what is told of a meeting.
func (c *call) info(ctx context.Context, l classroom.Lesson) ([]node, error) {
	came, err := c.b.d.Classes.Participants(ctx, l.ID)
	if err != nil {
		return nil, err
	}
	people := c.b.d.Classes.People(l.ID)
	on := map[classroom.Slot]string{} // who is in a slot that is on
	for _, s := range c.b.d.Classes.Slots(l.ID) {
		if s.Live {
			on[s.Slot] = s.ParticipantID
		}
	}
	var start int64
	if len(came) > 0 {
		start = came[0].FirstSeen.UnixMilli()
	}
	moderators, listening, talking, pictures := int64(0), int64(0), int64(0), int64(0)
	attendees := tree("attendees")
	for _, a := range people {
		voice, video := on[classroom.SlotMic] == a.View.ID, on[classroom.SlotCamera] == a.View.ID
		hears := !voice && a.View.Media
		add := func(n *int64, yes bool) {
			if yes {
				*n++
			}
		}
		add(&moderators, roleOf(a.Participant) == roleModerator)
		add(&listening, hears)
		add(&talking, voice)
		add(&pictures, video)
		attendees.in = append(attendees.in, tree("attendee", leaf("userID", externalUser(a.Participant)),
			leaf("fullName", a.View.Name), leaf("role", roleOf(a.Participant)), truth("isPresenter", a.View.Presenting),
			truth("isListeningOnly", hears), truth("hasJoinedVoice", voice), truth("hasVideo", video),
			leaf("clientType", "HTML5"), tree("customdata")))
	}
	return []node{leaf("meetingName", l.Title), leaf("meetingID", l.External), leaf("internalMeetingID", internalID(l)),
		created(l), createDate(l), leaf("voiceBridge", note(l, noteVoiceBridge)), leaf("dialNumber", note(l, noteDialNumber)),
		leaf("attendeePW", note(l, noteViewerPW)), leaf("moderatorPW", note(l, noteModeratorPW)),
		truth("running", len(people) > 0), duration(l), truth("hasUserJoined", len(came) > 0), truth("recording", false),
		truth("hasBeenForciblyEnded", false), number("startTime", start), number("endTime", 0),
		number("participantCount", int64(len(people))), number("listenerCount", listening),
		number("voiceParticipantCount", talking), number("videoCount", pictures),
		number("maxUsers", int64(l.Settings.MaxParticipants)), number("moderatorCount", moderators),
		attendees, metadata(l), truth("isBreakout", false)}, nil
}

// metadata is what the caller wanted to find again.
func metadata(l classroom.Lesson) node {
	all := tree("metadata")
	for _, name := range slices.Sorted(maps.Keys(l.Settings.Notes)) {
		if key, ok := strings.CutPrefix(name, noteMeta); ok {
			all.in = append(all.in, leaf(key, l.Settings.Notes[name]))
		}
	}
	return all
}

// end ends a meeting for all. A password is not asked for any more, but one
// that is given must be the moderators'.
func end(ctx context.Context, c *call) ([]node, error) {
	l, err := c.meeting(ctx)
	if err != nil {
		return nil, err
	}
	if pw := c.p["password"]; pw != "" && pw != note(l, noteModeratorPW) {
		return nil, failed(keyPassword, "The password is not the moderators'.")
	}
	if err := c.b.d.Classes.EndClass(ctx, l.ID); err != nil && !errors.Is(err, classroom.ErrClassEnded) {
		return nil, err
	}
	return withMessage("sentEndMeetingRequest", "The meeting was ended; whoever is in it hears so at once."), nil
}
