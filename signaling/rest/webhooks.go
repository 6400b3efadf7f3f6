package rest

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"time"

	"kelas/classroom"
)

// Webhooks is what the door needs of webhook.Engine.
type Webhooks interface {
	List() []classroom.Webhook
	Get(id string) (classroom.Webhook, error)
	Create(ctx context.Context, w classroom.Webhook) (classroom.Webhook, error)
	Update(ctx context.Context, w classroom.Webhook) (classroom.Webhook, error)
	Delete(ctx context.Context, id string) error
	Test(ctx context.Context, id string) (classroom.Delivery, error)
	Deliveries(ctx context.Context, id string, state classroom.DeliveryState, before int64, limit int) ([]classroom.Delivery, error)
	Resend(ctx context.Context, id, deliveryID string) error
}

type webhook struct {
	ID        string    `json:"id" doc:"Id of the webhook"`
	URL       string    `json:"url" format:"uri" doc:"Where it is told"`
	Events    []string  `json:"events" doc:"What it is told; everything when empty"`
	ClassID   string    `json:"classId,omitempty" doc:"The one class that it is about; all when absent"`
	Active    bool      `json:"active" doc:"It is told now"`
	Disabled  string    `json:"disabled,omitempty" doc:"Why the server switched it off"`
	CreatedBy string    `json:"createdBy,omitempty" doc:"Who made it"`
	CreatedAt time.Time `json:"createdAt" doc:"When it was made"`
}

type webhookMade struct {
	webhook
	Secret string `json:"secret,omitempty" doc:"What deliveries are signed with (Standard Webhooks), shown once: a repetition with the same Idempotency-Key does not have it"`
}

func (w webhookMade) withoutSecret() any {
	w.Secret = ""
	return w
}

type webhookNew struct {
	URL     string   `json:"url" min:"8" max:"2000" format:"uri" doc:"Where it is told; addresses inside the server's network are refused unless the administrator allows them"`
	Events  []string `json:"events,omitempty" max:"20" enum:"lesson.started,lesson.ended,participant.joined,participant.left,presenting.started,presenting.stopped,chat.message,chat.deleted,file.added,file.removed" doc:"What it is told; everything when absent"`
	ClassID string   `json:"classId,omitempty" max:"64" doc:"The one class that it is about; all when absent"`
	Secret  string   `json:"secret,omitempty" max:"128" doc:"whsec_ and 24 to 64 bytes in base64; one is made when absent"`
}

type webhookPatch struct {
	URL     *string       `json:"url,omitempty" min:"8" max:"2000" format:"uri" doc:"Where it is told"`
	Events  *[]string     `json:"events,omitempty" max:"20" enum:"lesson.started,lesson.ended,participant.joined,participant.left,presenting.started,presenting.stopped,chat.message,chat.deleted,file.added,file.removed" doc:"What it is told; everything when empty"`
	ClassID maybe[string] `json:"classId,omitzero" max:"64" doc:"The one class that it is about; null for all"`
	Active  *bool         `json:"active,omitempty" doc:"It is told; what waits is sent when it is switched on again"`
	Secret  *string       `json:"secret,omitempty" max:"128" doc:"A new one"`
}

type webhookPath struct {
	Webhook string `path:"webhook" max:"64" doc:"Id of a webhook"`
}

type deliveryPath struct {
	webhookPath
	Delivery string `path:"delivery" max:"128" doc:"Id of a delivery"`
}

type deliveryFilter struct {
	webhookPath
	paging
	State string `query:"state" enum:"pending,done,failed" doc:"Only those in this state"`
}

type delivery struct {
	ID         string     `json:"id" doc:"Also the webhook-id that the receiver sees"`
	Event      string     `json:"event" doc:"What it tells"`
	ClassID    string     `json:"classId,omitempty" doc:"The class that it is about"`
	State      string     `json:"state" enum:"pending,done,failed" doc:"Waits or is tried again, was taken, or was given up"`
	CreatedAt  time.Time  `json:"createdAt" doc:"When it happened"`
	NextAt     *time.Time `json:"nextAt,omitempty" doc:"When it is tried next, at the soonest"`
	FinishedAt *time.Time `json:"finishedAt,omitempty" doc:"When it was taken or given up"`
	Attempts   int        `json:"attempts" doc:"How often it was tried"`
	Status     int        `json:"status,omitempty" doc:"HTTP status of the last answer"`
	Error      string     `json:"error,omitempty" doc:"What was wrong with the last try"`
}

func webhookOperations() []operation {
	return []operation{
		define(operation{method: "GET", path: "/webhooks", id: "listWebhooks", tag: "webhooks", scope: "webhooks:read",
			summary: "List webhooks, oldest first"}, listWebhooks),
		define(operation{method: "POST", path: "/webhooks", id: "createWebhook", tag: "webhooks", scope: "webhooks:write",
			summary: "Be told what happens", about: "Each delivery is signed as Standard Webhooks has it, comes in order and at least once, and is tried again for a day.",
			status: http.StatusCreated, creates: true, etag: true, problems: []int{404, 409}}, createWebhook),
		define(operation{method: "GET", path: "/webhooks/{webhook}", id: "getWebhook", tag: "webhooks", scope: "webhooks:read",
			summary: "See a webhook", etag: true, problems: []int{404}}, getWebhook),
		define(operation{method: "PATCH", path: "/webhooks/{webhook}", id: "editWebhook", tag: "webhooks", scope: "webhooks:write",
			summary: "Change a webhook", about: "Members that are absent stay as they are.", edits: true, etag: true, problems: []int{404}}, editWebhook),
		define(operation{method: "DELETE", path: "/webhooks/{webhook}", id: "deleteWebhook", tag: "webhooks", scope: "webhooks:write",
			summary: "Delete a webhook and what waits for it", status: http.StatusNoContent, problems: []int{404}}, deleteWebhook),
		define(operation{method: "POST", path: "/webhooks/{webhook}/test", id: "testWebhook", tag: "webhooks", scope: "webhooks:write",
			summary: "Send a webhook a test", about: "It waits its turn behind what is to be sent.", status: http.StatusAccepted, problems: []int{404}}, testWebhook),
		define(operation{method: "GET", path: "/webhooks/{webhook}/deliveries", id: "listDeliveries", tag: "webhooks", scope: "webhooks:read",
			summary: "See what was sent to a webhook, newest first", about: "What is finished stays for a week.", problems: []int{404}}, listDeliveries),
		define(operation{method: "POST", path: "/webhooks/{webhook}/deliveries/{delivery}/resend", id: "resendDelivery", tag: "webhooks",
			scope: "webhooks:write", summary: "Send a delivery once more, next of all", status: http.StatusAccepted, problems: []int{404}}, resendDelivery),
	}
}

func showWebhook(w classroom.Webhook) webhook {
	if w.Events == nil {
		w.Events = []string{}
	}
	return webhook{ID: w.ID, URL: w.URL, Events: w.Events, ClassID: w.ClassID, Active: w.Active, Disabled: w.Disabled,
		CreatedBy: w.CreatedBy, CreatedAt: w.CreatedAt.UTC()}
}

func listWebhooks(c *call, p paging, _ none) (list[webhook], error) {
	return pageOf(p, c.door.d.Webhooks.List(), func(w classroom.Webhook) place { return place{At: w.CreatedAt.UnixMilli(), ID: w.ID} },
		func(w classroom.Webhook, from place) bool {
			return cmp.Or(cmp.Compare(w.CreatedAt.UnixMilli(), from.At), cmp.Compare(w.ID, from.ID)) > 0
		}, showWebhook)
}

func createWebhook(c *call, _ none, b webhookNew) (webhookMade, error) {
	if b.ClassID != "" {
		if _, err := c.lessonOf(b.ClassID); err != nil {
			return webhookMade{}, err
		}
	}
	w, err := c.door.d.Webhooks.Create(c.gin.Request.Context(), classroom.Webhook{URL: b.URL, Events: b.Events, ClassID: b.ClassID,
		Secret: b.Secret, CreatedBy: c.by()})
	if err != nil {
		return webhookMade{}, err
	}
	c.etag, c.location = revision(w.Rev), Prefix+"/webhooks/"+w.ID
	return webhookMade{webhook: showWebhook(w), Secret: w.Secret}, nil
}

func getWebhook(c *call, p webhookPath, _ none) (webhook, error) {
	w, err := c.door.d.Webhooks.Get(p.Webhook)
	c.etag = revision(w.Rev)
	return showWebhook(w), err
}

func editWebhook(c *call, p webhookPath, b webhookPatch) (webhook, error) {
	w, err := c.door.d.Webhooks.Get(p.Webhook)
	if err != nil {
		return webhook{}, err
	}
	if err := c.unchanged(revision(w.Rev)); err != nil {
		return webhook{}, err
	}
	if b.URL != nil {
		w.URL = *b.URL
	}
	if b.Events != nil {
		w.Events = *b.Events
	}
	if b.ClassID.Set {
		w.ClassID = ""
		if b.ClassID.Value != nil && *b.ClassID.Value != "" {
			if _, err := c.lessonOf(*b.ClassID.Value); err != nil {
				return webhook{}, err
			}
			w.ClassID = *b.ClassID.Value
		}
	}
	if b.Active != nil {
		w.Active = *b.Active
	}
	if b.Secret != nil {
		w.Secret = *b.Secret
	}
	if w, err = c.door.d.Webhooks.Update(c.gin.Request.Context(), w); err != nil {
		return webhook{}, stale(err)
	}
	c.etag = revision(w.Rev)
	return showWebhook(w), nil
}

func deleteWebhook(c *call, p webhookPath, _ none) (none, error) {
	return none{}, c.door.d.Webhooks.Delete(c.gin.Request.Context(), p.Webhook)
}

func showDelivery(d classroom.Delivery) delivery {
	out := delivery{ID: d.ID, Event: d.Event, ClassID: d.ClassID, State: string(d.State), CreatedAt: d.CreatedAt.UTC(),
		FinishedAt: moment(d.FinishedAt), Attempts: d.Attempts, Status: d.Status, Error: d.Error}
	if d.State == classroom.DeliveryPending {
		out.NextAt = moment(d.NextAt)
	}
	return out
}

func testWebhook(c *call, p webhookPath, _ none) (delivery, error) {
	d, err := c.door.d.Webhooks.Test(c.gin.Request.Context(), p.Webhook)
	return showDelivery(d), err
}

func listDeliveries(c *call, p deliveryFilter, _ none) (list[delivery], error) {
	out := list[delivery]{Items: []delivery{}}
	from, ok, err := p.begin()
	if err != nil {
		return out, err
	}
	before := int64(0)
	if ok {
		if before, err = strconv.ParseInt(from.ID, 10, 64); err != nil || before < 1 {
			return out, badCursor()
		}
	}
	page, err := c.door.d.Webhooks.Deliveries(c.gin.Request.Context(), p.Webhook, classroom.DeliveryState(p.State), before, p.Limit+1)
	if err != nil {
		return out, err
	}
	if len(page) > p.Limit {
		page = page[:p.Limit]
		out.Next = place{ID: strconv.FormatInt(page[p.Limit-1].Seq, 10)}.cursor()
	}
	for _, d := range page {
		out.Items = append(out.Items, showDelivery(d))
	}
	return out, nil
}

func resendDelivery(c *call, p deliveryPath, _ none) (none, error) {
	return none{}, c.door.d.Webhooks.Resend(c.gin.Request.Context(), p.Webhook, p.Delivery)
}
