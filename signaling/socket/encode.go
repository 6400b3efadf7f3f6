package socket

import (
	"hash/maphash"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"kelas/classroom"
	"kelas/pipeline"
	"kelas/signaling/wire"
)

// shelf keeps the newest encoded events of some classes, so that an event is
// turned into JSON once and not for each of its receivers.
type shelf struct {
	mu   sync.Mutex
	ring [32]*encoded
	next int
}

type encoded struct {
	event classroom.Event
	once  sync.Once
	name  string
	body  rawJSON
}

// shelves spread classes over locks.
type shelves struct {
	seed maphash.Seed
	all  [32]shelf
}

func (s *shelves) of(classID string) *shelf {
	return &s.all[maphash.String(s.seed, classID)%uint64(len(s.all))]
}

// encode returns the event as self, a participant's id, is to see it.
func (s *shelf) encode(e classroom.Event, self string) (name string, body rawJSON) {
	if own, ok := e.(classroom.ChatAdded); ok && own.Entry.FromID == self && own.Entry.ClientID != "" {
		// Only the sender learns its own clientId back, in all its tabs.
		return wire.Chat, rawJSON(mustJSON(wire.ChatEvent{Entry: entryFor(own.Entry, self)}))
	}
	if !shared(e) {
		return encodeEvent(e)
	}
	kept := s.find(e)
	kept.once.Do(func() { kept.name, kept.body = encodeEvent(e) })
	return kept.name, kept.body
}

func (s *shelf) find(e classroom.Event) *encoded {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.ring {
		k := s.ring[(s.next-1-i+2*len(s.ring))%len(s.ring)] // newest first
		if k == nil {
			break
		}
		if sameEvent(k.event, e) {
			return k
		}
	}
	k := &encoded{event: e}
	s.ring[s.next] = k
	s.next = (s.next + 1) % len(s.ring)
	return k
}

// shared reports whether an event goes to more than one session.
func shared(e classroom.Event) bool {
	switch e.(type) {
	case classroom.IceCandidateFound, classroom.MediaState, classroom.SlotUnplayable,
		classroom.LayerChanged, classroom.LayersWanted, classroom.RoleChanged, classroom.HandOverOffered, classroom.LobbyShown,
		classroom.LobbyAdmitted, classroom.ChatFailed:
		return false
	}
	return true
}

// sameEvent compares by value: events that are equal read equal, whether or
// not they are one.
func sameEvent(a, b classroom.Event) bool {
	switch a := a.(type) {
	case classroom.SlotsChanged:
		b, ok := b.(classroom.SlotsChanged)
		return ok && slices.Equal(a.Slots, b.Slots)
	case classroom.ClassChanged:
		b, ok := b.(classroom.ClassChanged)
		if !ok || !slices.Equal(a.Class.Slots, b.Class.Slots) {
			return false
		}
		return reflect.DeepEqual(a, b)
	}
	t := reflect.TypeOf(a)
	return t == reflect.TypeOf(b) && t.Comparable() && a == b
}

// encodeEvent returns no name for an event that this door does not know.
func encodeEvent(e classroom.Event) (name string, body rawJSON) {
	name, v := eventToWire(e)
	if name == "" {
		return "", ""
	}
	return name, rawJSON(mustJSON(v))
}

func eventToWire(e classroom.Event) (name string, body any) {
	switch e := e.(type) {
	case classroom.ParticipantJoined:
		return wire.ParticipantJoined, wire.ParticipantEvent{Participant: participant(e.Participant)}
	case classroom.ParticipantChanged:
		return wire.ParticipantChanged, wire.ParticipantEvent{Participant: participant(e.Participant)}
	case classroom.ParticipantLeft:
		return wire.ParticipantLeft, wire.ParticipantLeftEvent{ID: e.ID, Reason: e.Reason}
	case classroom.ClassChanged:
		return wire.ClassChanged, wire.ClassEvent{Class: class(e.Class)}
	case classroom.SlotsChanged:
		return wire.Slots, wire.SlotsEvent{Slots: slots(e.Slots)}
	case classroom.SlotUnplayable:
		supported := e.Supported
		if supported == nil {
			supported = []string{}
		}
		return wire.SlotUnplayable, wire.SlotUnplayableEvent{Slot: string(e.Slot), Codec: e.Codec, Supported: supported}
	case classroom.LayerChanged:
		return wire.Layer, wire.LayerEvent{Slot: string(e.Slot), Layer: e.RID, Temporal: e.Temporal, Paused: e.Paused}
	case classroom.LayersWanted:
		return wire.LayersWanted, wire.LayersWantedEvent{Slot: string(e.Slot), Layers: append([]string{}, e.RIDs...)}
	case classroom.StopCommunication:
		return wire.StopCommunication, wire.StopCommunicationEvent{Reason: e.Reason}
	case classroom.ChatAdded:
		return wire.Chat, wire.ChatEvent{Entry: entryFor(e.Entry, "")}
	case classroom.ChatStored:
		return wire.ChatStored, wire.ChatStoredEvent{Seq: e.Seq}
	case classroom.ChatDelayed:
		return wire.ChatDelayed, wire.ChatDelayedEvent{Waiting: e.Waiting}
	case classroom.ChatFailed:
		return wire.ChatFailed, wire.ChatFailedEvent{Seq: e.Seq, ClientID: e.ClientID}
	case classroom.FileAdded:
		return wire.File, wire.FileEvent{File: file(e.File)}
	case classroom.FileRemoved:
		return wire.FileRemoved, wire.FileRemovedEvent{ID: e.ID}
	case classroom.IceCandidateFound:
		return wire.IceCandidate, wire.CandidateRequest{Endpoint: string(e.Endpoint), Candidate: wire.Candidate{
			Candidate: e.Candidate.Candidate, SDPMid: e.Candidate.SDPMid, SDPMLineIndex: e.Candidate.SDPMLineIndex}}
	case classroom.MediaState:
		if e.State == string(pipeline.ConnectionClosed) {
			return "", nil
		}
		return wire.MediaState, wire.MediaStateEvent{Endpoint: string(e.Endpoint), State: e.State}
	case classroom.RoleChanged:
		return wire.RoleChanged, wire.RoleEvent{Role: string(e.Role)}
	case classroom.HandOverOffered:
		return wire.HandOverOffered, wire.HandOverOfferedEvent{By: e.ByID, Name: e.ByName}
	case classroom.LobbyShown:
		return wire.Lobby, wire.LobbyEvent{Waiting: each(e.Waiting, waiting)}
	case classroom.LobbyEntered:
		return wire.LobbyEntered, wire.LobbyEnteredEvent{Waiting: waiting(e.Waiting)}
	case classroom.LobbyLeft:
		return wire.LobbyLeft, wire.LobbyLeftEvent{ID: e.ID}
	case classroom.LobbyAdmitted:
		return wire.LobbyAdmitted, wire.EmptyEvent{}
	case classroom.ServerClosing:
		return wire.ServerClosing, wire.ServerClosingEvent{RetryAfter: e.RetryAfter.Milliseconds()}
	}
	return "", nil
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func participant(p classroom.ParticipantView) wire.Participant {
	return wire.Participant{ID: p.ID, Name: p.Name, Role: string(p.Role), Presence: string(p.Presence),
		Media: p.Media, Presenting: p.Presenting, Bot: p.Bot, JoinedAt: millis(p.JoinedAt)}
}

func waiting(w classroom.Waiting) wire.Waiting {
	return wire.Waiting{ID: w.ID, Name: w.Name, Since: millis(w.Since)}
}

func class(c classroom.ClassView) wire.Class {
	return wire.Class{EndsAt: millis(c.EndsAt), StartMuted: c.StartMuted, NoPublicChat: c.NoPublicChat, NoPrivateChat: c.NoPrivateChat,
		ID: c.ID, Title: c.Title, Locked: c.Locked, LiveSince: millis(c.LiveSince),
		Presenter: c.PresenterID, PresenterLostUntil: millis(c.PresenterLostUntil), Slots: slots(c.Slots)}
}

func slots(in []classroom.SlotView) []wire.Slot {
	return each(in, func(s classroom.SlotView) wire.Slot {
		return wire.Slot{Slot: string(s.Slot), Participant: s.ParticipantID, Live: s.Live, Codec: s.Codec, Encoder: s.Encoder}
	})
}

// entryFor is an entry as participant self sees it: clientId is the sender's.
func entryFor(e classroom.ChatEntry, self string) wire.Entry {
	w := wire.Entry{Seq: e.Seq, Kind: string(e.Kind), Text: e.Text, At: millis(e.At), Deleted: e.Deleted, Target: e.Target,
		From: wire.Person{ID: e.FromID, Name: e.FromName, Role: string(e.FromRole)}}
	if e.ToID != "" {
		w.To = &wire.Person{ID: e.ToID, Name: e.ToName}
	}
	if self != "" && e.FromID == self {
		w.ClientID = e.ClientID
	}
	return w
}

func entriesFor(in []classroom.ChatEntry, self string) []wire.Entry {
	return each(in, func(e classroom.ChatEntry) wire.Entry { return entryFor(e, self) })
}

// file gives a file the addresses that signaling/web serves it at.
func file(f classroom.FileInfo) wire.FileInfo {
	url := "/c/" + f.ClassID + "/files/" + f.ID
	w := wire.FileInfo{ID: f.ID, Name: f.Name, Size: f.Size, Type: f.Type, Hash: f.Hash, At: millis(f.CreatedAt),
		Owner: wire.Person{ID: f.OwnerID, Name: f.OwnerName}, URL: url}
	if previewable(f.Type) {
		w.PreviewURL = url + "/preview"
	}
	return w
}

func previewable(mediaType string) bool {
	mediaType, _, _ = strings.Cut(mediaType, ";")
	switch strings.TrimSpace(mediaType) {
	case "image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf":
		return true
	}
	return false
}

func files(in []classroom.FileInfo) []wire.FileInfo { return each(in, file) }

func iceServers(in []pipeline.ICEServer) []wire.IceServer {
	return each(in, func(s pipeline.ICEServer) wire.IceServer {
		return wire.IceServer{URLs: s.URLs, Username: s.Username, Credential: s.Credential}
	})
}

// each never returns nil, since JSON would say null.
func each[A, B any](in []A, f func(A) B) []B {
	out := make([]B, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}
