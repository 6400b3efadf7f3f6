package bbb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"kelas/classroom"
	"kelas/signaling/webhook"
)

// HookStore keeps the subscriptions of hooks/create; classroom.Store is one.
type HookStore interface {
	PutWebhook(ctx context.Context, w classroom.Webhook) error
	Webhooks(ctx context.Context) ([]classroom.Webhook, error)
	DeleteWebhook(ctx context.Context, id string) error
}

const (
	hookDoor = "bbb" // classroom.Webhook.Door of ours
	hooksMax = 200
)

// hookRetry is about twelve tries in five minutes.
var hookRetry = webhook.Retry{First: 3 * time.Second, Max: 30 * time.Second, For: 5 * time.Minute}

// hook is one subscription.
type hook struct {
	id, url string
	meeting string   // external id; "" for all
	events  []string // empty for all
	made    time.Time
}

func hookOf(w classroom.Webhook) hook {
	return hook{id: w.ID, url: w.URL, meeting: w.Terms, events: w.Events, made: w.CreatedAt}
}

// readHooks reads the subscriptions anew.
func (b *Door) readHooks(ctx context.Context) error {
	b.reading.Lock()
	defer b.reading.Unlock()
	list, err := b.d.Hooks.Webhooks(ctx)
	if err != nil {
		return fmt.Errorf("reading the hooks: %w", err)
	}
	var own []hook
	for _, w := range list {
		if w.Door == hookDoor {
			own = append(own, hookOf(w))
		}
	}
	b.hooks.Store(&own)
	return nil
}

// hookID is the same for the same address and meeting: made twice it is one.
func hookID(address, meeting string) string {
	sum := sha256.Sum256([]byte(address + "\x00" + meeting))
	return "bbb" + hex.EncodeToString(sum[:10])
}

func createHook(ctx context.Context, c *call) ([]node, error) {
	address := strings.TrimSpace(c.p["callbackURL"])
	if address == "" {
		return nil, failed(keyNoCallback, "You must give a callback address.")
	}
	if err := c.b.d.Fetcher.CheckURL(address); err != nil {
		return nil, failed(keyValidation, "callbackURL cannot be called: "+err.Error()+".")
	}
	if c.p.flag("getRaw") {
		return nil, failed(keyValidation, "Raw events are not there: send getRaw=false.")
	}
	var events []string
	for name := range strings.SplitSeq(c.p["eventID"], ",") {
		if name = strings.TrimSpace(name); name != "" {
			events = append(events, line(name, 64))
		}
	}
	if len(events) > 50 || len(c.p["meetingID"]) > meetingIDMax*4 {
		return nil, failed(keyValidation, "eventID or meetingID is too long.")
	}
	id := hookID(address, c.p["meetingID"])
	in := []node{leaf("hookID", id), truth("permanentHook", false), truth("rawData", false)}
	if len(*c.b.hooks.Load()) >= hooksMax {
		return nil, failed(keyValidation, "There are too many hooks.")
	}
	err := c.b.d.Hooks.PutWebhook(ctx, classroom.Webhook{ID: id, URL: address, Events: events, Active: true, CreatedBy: "bbb",
		CreatedAt: c.b.cfg.Now(), Door: hookDoor, Terms: c.p["meetingID"]})
	if errors.Is(err, classroom.ErrExists) {
		return withMessage("duplicateWarning", "There is already a hook for this callback address.", in...), nil
	}
	if err == nil {
		err = c.b.readHooks(ctx)
	}
	return succeeded(in...), err
}

// listHooks lists all, or those that hear of one meeting.
func listHooks(ctx context.Context, c *call) ([]node, error) {
	if err := c.b.readHooks(ctx); err != nil {
		return nil, err
	}
	all := tree("hooks")
	for _, h := range *c.b.hooks.Load() {
		if m := c.p["meetingID"]; m != "" && h.meeting != "" && h.meeting != m {
			continue
		}
		in := []node{leaf("hookID", h.id), leaf("callbackURL", h.url)}
		if h.meeting != "" {
			in = append(in, leaf("meetingID", h.meeting))
		}
		if len(h.events) > 0 {
			in = append(in, leaf("eventID", strings.Join(h.events, ",")))
		}
		all.in = append(all.in, tree("hook", append(in, truth("permanentHook", false), truth("rawData", false))...))
	}
	return succeeded(all), nil
}

func destroyHook(ctx context.Context, c *call) ([]node, error) {
	id := c.p["hookID"]
	if id == "" {
		return nil, failed(keyMissingParamHookID, "You must give a hook ID.")
	}
	if !slices.ContainsFunc(*c.b.hooks.Load(), func(h hook) bool { return h.id == id }) {
		return nil, failed(keyHookMissing, "The hook does not exist.")
	}
	err := c.b.d.Hooks.DeleteWebhook(ctx, id)
	if errors.Is(err, classroom.ErrNotFound) {
		err = failed(keyHookMissing, "The hook does not exist.")
	}
	if err == nil {
		err = c.b.readHooks(ctx)
	}
	return succeeded(truth("removed", true)), err
}

// Wants is part of classroom.Observer.
func (b *Door) Wants(string) bool { return len(*b.hooks.Load()) > 0 }

// Happened is part of classroom.Observer: what an LMS subscribed to goes into
// the outbox. What is told twice has the name it had.
func (b *Door) Happened(ctx context.Context, list []classroom.Happening) error {
	for _, h := range list {
		if len(*b.hooks.Load()) == 0 {
			return nil
		}
		l, err := b.d.Classes.Lesson(ctx, h.ClassID)
		if errors.Is(err, classroom.ErrClassNotFound) || err == nil && l.External == "" {
			continue
		}
		if err != nil {
			return err
		}
		if name, attributes := b.event(l, h); name != "" {
			if err := b.tell(ctx, l, name, h.ID, h.At, attributes); err != nil {
				return err
			}
		}
	}
	return nil
}

// event is a happening in BigBlueButton's words; "" for what it has none for.
func (b *Door) event(l classroom.Lesson, h classroom.Happening) (name string, attributes map[string]any) {
	attributes = map[string]any{}
	if p := h.Participant; p != nil {
		attributes["user"] = map[string]any{"internal-user-id": internalUser(p.ClassID, p.Key), "external-user-id": externalUser(*p),
			"name": p.Name, "role": roleOf(*p), "presenter": h.Type == classroom.PresentingStarted}
	}
	switch h.Type {
	case classroom.ParticipantCame:
		return "user-joined", attributes
	case classroom.ParticipantWent:
		return "user-left", attributes
	case classroom.PresentingStarted:
		return "user-presenter-assigned", attributes
	case classroom.PresentingStopped:
		return "user-presenter-unassigned", attributes
	case classroom.ChatSent:
		attributes["chat-id"] = "MAIN-PUBLIC-GROUP-CHAT"
		attributes["chat-message"] = map[string]any{"id": h.ID, "message": h.Chat.Text, "sender": map[string]any{
			"internal-user-id": h.Chat.FromID, "name": h.Chat.FromName, "time": h.At.UnixMilli()}}
		return "chat-group-message-sent", attributes
	}
	return "", nil
}

// meetingEnded comes after all that happened in the meeting, and is the last
// that hooks of this meeting hear: they go with it.
func (b *Door) meetingEnded(ctx context.Context, l classroom.Lesson) error {
	if err := b.tell(ctx, l, "meeting-ended", "ended:"+l.ID, l.EndedAt, map[string]any{}); err != nil {
		return err
	}
	gone := false
	for _, h := range *b.hooks.Load() {
		if h.meeting != l.External || h.made.After(l.EndedAt) {
			continue
		}
		if err := b.d.Hooks.DeleteWebhook(ctx, h.id); err != nil && !errors.Is(err, classroom.ErrNotFound) {
			return fmt.Errorf("deleting a hook: %w", err)
		}
		gone = true
	}
	if !gone {
		return nil
	}
	return b.readHooks(ctx)
}

// meetingCreated is not a happening of the class: nobody is in it yet.
func (b *Door) meetingCreated(ctx context.Context, l classroom.Lesson) error {
	meta := map[string]string{}
	for name, value := range l.Settings.Notes {
		if key, ok := strings.CutPrefix(name, noteMeta); ok {
			meta[key] = value
		}
	}
	return b.tell(ctx, l, "meeting-created", "created:"+l.ID, l.CreatedAt, map[string]any{"meeting": map[string]any{
		"name": l.Title, "is-breakout": false, "duration": int64(l.Settings.Duration / time.Minute), "create-time": l.CreatedAt.UnixMilli(),
		"create-date": l.CreatedAt.UTC().Format(createDateLayout), "record": false, "voice-conf": note(l, noteVoiceBridge),
		"dial-number": note(l, noteDialNumber), "max-users": l.Settings.MaxParticipants, "metadata": meta}})
}

// tell puts one event into the queue of each hook that hears of it.
func (b *Door) tell(ctx context.Context, l classroom.Lesson, name, id string, at time.Time, attributes map[string]any) error {
	meeting, _ := attributes["meeting"].(map[string]any)
	if meeting == nil {
		meeting = map[string]any{}
		attributes["meeting"] = meeting
	}
	meeting["external-meeting-id"], meeting["internal-meeting-id"] = l.External, internalID(l)
	var body string
	for _, h := range *b.hooks.Load() {
		if h.meeting != "" && h.meeting != l.External || len(h.events) > 0 && !slices.Contains(h.events, name) || at.Before(h.made) {
			continue
		}
		if body == "" {
			event, err := json.Marshal([]any{map[string]any{"data": map[string]any{"type": "event", "id": name,
				"attributes": attributes, "event": map[string]any{"ts": at.UnixMilli()}}}})
			if err != nil {
				return err
			}
			body = "event=" + url.QueryEscape(string(event)) + "&timestamp=" + strconv.FormatInt(at.UnixMilli(), 10) +
				"&domain=" + url.QueryEscape(b.domain())
		}
		err := b.d.Outbox.Enqueue(ctx, webhook.Request{ID: "bbb-hook:" + h.id + ":" + id, Queue: "bbb-hook:" + h.id, ClassID: l.ID,
			Event: "bbb." + name, Method: http.MethodPost, URL: signedCallback(h.url, body, b.cfg.Secrets[0]), Body: []byte(body),
			Header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, Retry: hookRetry})
		if uncallable(err) {
			b.log.Warn("a hook's address cannot be called", "hook", h.id, "err", err)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// signedCallback adds the checksum over address, body and secret.
func signedCallback(address, body, secret string) string {
	sign := "?"
	if strings.Contains(address, "?") {
		sign = "&"
	}
	return address + sign + "checksum=" + algorithms[0].sum(address, body, secret)
}

// domain names this server to who is called.
func (b *Door) domain() string {
	if u, err := url.Parse(b.cfg.PublicURL); err == nil {
		return u.Host
	}
	return ""
}
