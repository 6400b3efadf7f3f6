package whip

import "strings"

// The offer is checked whole by the pipeline; this looks only for what the
// two protocols ask beyond it.

// checkOffer: one stream of at most one sound and one picture, in the
// direction of the protocol.
func checkOffer(k kind, text string) error {
	var audio, video, other int
	moves := false
	session, here, inMedia := "sendrecv", "", false
	done := func() {
		if !inMedia {
			return
		}
		way := here
		if way == "" {
			way = session
		}
		if way == "sendrecv" || k == whip && way == "sendonly" || k == whep && way == "recvonly" {
			moves = true
		}
	}
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(line, "\r")
		switch {
		case strings.HasPrefix(line, "m="):
			done()
			here, inMedia = "", true
			switch media, _, _ := strings.Cut(line[2:], " "); media {
			case "audio":
				audio++
			case "video":
				video++
			default:
				other++
				here = "inactive"
			}
		case line == "a=sendrecv", line == "a=sendonly", line == "a=recvonly", line == "a=inactive":
			if inMedia {
				here = line[2:]
			} else {
				session = line[2:]
			}
		}
	}
	done()
	switch {
	case audio > 1, video > 1, k == whip && other > 0, other > 1:
		return errManyTracks
	case !moves && k == whip:
		return errSendsNothing
	case !moves:
		return errTakesNothing
	}
	return nil
}

// credentials are the first ones of a description; with BUNDLE there is one
// transport.
func credentials(text string) (ufrag, pwd string) {
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(line, "\r")
		if v, ok := strings.CutPrefix(line, "a=ice-ufrag:"); ok && ufrag == "" {
			ufrag = v
		}
		if v, ok := strings.CutPrefix(line, "a=ice-pwd:"); ok && pwd == "" {
			pwd = v
		}
	}
	return ufrag, pwd
}

// restarted is an offer with other credentials, and without the candidates of
// before.
func restarted(offer, ufrag, pwd string) string {
	var b strings.Builder
	for line := range strings.SplitAfterSeq(offer, "\n") {
		switch {
		case strings.HasPrefix(line, "a=ice-ufrag:"):
			b.WriteString("a=ice-ufrag:" + ufrag + "\r\n")
		case strings.HasPrefix(line, "a=ice-pwd:"):
			b.WriteString("a=ice-pwd:" + pwd + "\r\n")
		case strings.HasPrefix(line, "a=candidate:"), strings.HasPrefix(line, "a=end-of-candidates"):
		default:
			b.WriteString(line)
		}
	}
	return b.String()
}
