package pipeline

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// How an offer's lines share one transport, and what is done to answers for it.

// bundled tells whether all m-lines are to share one transport.
func (o *offer) bundled() bool {
	if len(o.lines) == 1 {
		return true
	}
	for _, a := range o.described.Attributes {
		if a.Key != sdp.AttrKeyGroup || !strings.HasPrefix(a.Value, "BUNDLE ") {
			continue
		}
		mids := strings.Fields(a.Value)[1:]
		return !slices.ContainsFunc(o.lines, func(l offerLine) bool {
			return l.receives && !slices.Contains(mids, l.mid)
		})
	}
	return false
}

// makeBundle has an offer without a group have one, if one line is all that there
// is: groups, and names of lines, are for more (RFC 9143, section 7.2; RFC 5888).
// The answer loses them again. With more lines each would have a transport of its
// own, and an answer could only reject them.
func (o *offer) makeBundle(d *sdp.SessionDescription) error {
	if offersBundle(d) {
		return nil
	}
	alive := ""
	for _, l := range o.lines {
		switch {
		case l.rejected:
		case alive != "":
			return badSDP("its m-lines are not bundled (RFC 9143), and all media share one transport here")
		default:
			alive = l.mid
		}
	}
	if alive == "" {
		return nil
	}
	o.alone = true
	d.Attributes = append(d.Attributes, sdp.NewAttribute(sdp.AttrKeyGroup, "BUNDLE "+alive))
	return nil
}

// nameLine gives a line of an offer a mid that has none; true: it has one now.
func nameLine(m *sdp.MediaDescription, d *sdp.SessionDescription, index int) bool {
	if has(m, sdp.AttrKeyMID) || offersBundle(d) {
		return false
	}
	m.Attributes = append(m.Attributes, sdp.NewAttribute(sdp.AttrKeyMID, strconv.Itoa(index)))
	return true
}

// asOffered takes away from an answer what the offer did not have.
func (o *offer) asOffered(answer string) string {
	if !o.alone && !o.nameless {
		return answer
	}
	var b strings.Builder
	for line := range strings.SplitAfterSeq(answer, "\n") {
		if o.alone && strings.HasPrefix(line, "a=group:BUNDLE") || o.nameless && strings.HasPrefix(line, "a=mid:") {
			continue
		}
		b.WriteString(line)
	}
	return b.String()
}

// withoutData rejects in an answer the lines for data that are not taken
// (RFC 3264, section 6): pion takes them all.
func (o *offer) withoutData(answer string) (string, error) {
	refused := func(l offerLine) bool { return l.media == Data && l.rejected }
	if !slices.ContainsFunc(o.lines, refused) {
		return answer, nil
	}
	d, err := parseSDP(answer)
	if err != nil {
		return "", err
	}
	for i, m := range d.MediaDescriptions {
		if i < len(o.lines) && refused(o.lines[i]) {
			m.MediaName.Port.Value = 0
			m.Attributes = []sdp.Attribute{sdp.NewAttribute(sdp.AttrKeyMID, o.lines[i].mid)}
			unbundle(d, o.lines[i].mid)
		}
	}
	text, err := d.Marshal()
	return string(text), err
}

// unbundle takes a line out of the group (RFC 9143, section 7.3.3).
func unbundle(d *sdp.SessionDescription, mid string) {
	for i, a := range d.Attributes {
		if group, ok := strings.CutPrefix(a.Value, "BUNDLE "); ok && a.Key == sdp.AttrKeyGroup {
			mids := slices.DeleteFunc(strings.Fields(group), func(m string) bool { return m == mid })
			d.Attributes[i].Value = strings.Join(append([]string{"BUNDLE"}, mids...), " ")
		}
	}
}
