package rest

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"kelas/signaling/auth"
	"kelas/signaling/fault"
)

type apiKey struct {
	ID         string     `json:"id" doc:"Id of the key"`
	Name       string     `json:"name" doc:"Also the name of its bot"`
	Scopes     []string   `json:"scopes" doc:"What it may do"`
	OwnerID    string     `json:"ownerId,omitempty" doc:"Account that it falls with"`
	CreatedAt  time.Time  `json:"createdAt" doc:"When it was made"`
	LastUsedAt *time.Time `json:"lastUsedAt,omitempty" doc:"When it was last used, up to a minute late"`
	ExpiresAt  *time.Time `json:"expiresAt,omitempty" doc:"When it ends by itself"`
	RevokedAt  *time.Time `json:"revokedAt,omitempty" doc:"When it was ended"`
}

type apiKeyNew struct {
	Name      string     `json:"name" min:"1" max:"64" doc:"Also the name of its bot"`
	Scopes    []string   `json:"scopes" min:"1" max:"30" doc:"What it may do; none that this key has not"`
	ExpiresAt *time.Time `json:"expiresAt,omitempty" doc:"When it ends by itself; never when absent"`
}

type apiKeyMade struct {
	apiKey
	Secret string `json:"secret,omitempty" doc:"The key itself, shown once: a repetition with the same Idempotency-Key does not have it"`
}

func (k apiKeyMade) withoutSecret() any {
	k.Secret = ""
	return k
}

type keyPath struct {
	Key string `path:"key" max:"64" doc:"Id of a key"`
}

func keyOperations() []operation {
	return []operation{
		define(operation{method: "GET", path: "/me", id: "getMe", tag: "keys",
			summary: "See the key of this request"}, getMe),
		define(operation{method: "GET", path: "/api-keys", id: "listKeys", tag: "keys", scope: "keys:read",
			summary: "List API keys, newest first"}, listKeys),
		define(operation{method: "POST", path: "/api-keys", id: "createKey", tag: "keys", scope: "keys:write",
			summary: "Make an API key", about: "Its secret is in the answer and never again.", status: http.StatusCreated, creates: true}, createKey),
		define(operation{method: "GET", path: "/api-keys/{key}", id: "getKey", tag: "keys", scope: "keys:read",
			summary: "See an API key", problems: []int{404}}, getKey),
		define(operation{method: "DELETE", path: "/api-keys/{key}", id: "revokeKey", tag: "keys", scope: "keys:write",
			summary: "Revoke an API key", about: "At once and for good; it stays in the list.", status: http.StatusNoContent, problems: []int{404}}, revokeKey),
	}
}

func showKey(k auth.APIKey) apiKey {
	return apiKey{ID: k.ID, Name: k.Name, Scopes: k.Scopes, OwnerID: k.OwnerID, CreatedAt: k.CreatedAt.UTC(),
		LastUsedAt: moment(k.LastUsedAt), ExpiresAt: moment(k.ExpiresAt), RevokedAt: moment(k.RevokedAt)}
}

func getMe(c *call, _ none, _ none) (apiKey, error) { return showKey(c.key), nil }

func listKeys(c *call, p paging, _ none) (list[apiKey], error) {
	all, err := c.door.d.Keys.List(c.gin.Request.Context())
	if err != nil {
		return list[apiKey]{}, err
	}
	return pageOf(p, all, func(k auth.APIKey) place { return place{At: k.CreatedAt.UnixMilli(), ID: k.ID} },
		func(k auth.APIKey, from place) bool {
			return cmp.Or(cmp.Compare(k.CreatedAt.UnixMilli(), from.At), cmp.Compare(k.ID, from.ID)) < 0
		}, showKey)
}

func createKey(c *call, _ none, b apiKeyNew) (apiKeyMade, error) {
	for _, s := range b.Scopes {
		if !c.key.Has(s) {
			return apiKeyMade{}, fault.WithDetail(fault.ErrScopeMissing, "a key gives no scope that it has not")
		}
	}
	n := auth.NewAPIKey{Name: b.Name, Scopes: b.Scopes, OwnerID: c.key.OwnerID}
	if b.ExpiresAt != nil {
		n.Expires = b.ExpiresAt.UTC()
	}
	if !c.key.ExpiresAt.IsZero() && (n.Expires.IsZero() || n.Expires.After(c.key.ExpiresAt)) {
		n.Expires = c.key.ExpiresAt // it outlives nobody it came from
	}
	k, secret, err := c.door.d.Keys.Create(c.gin.Request.Context(), n)
	if err != nil {
		return apiKeyMade{}, err
	}
	c.location = Prefix + "/api-keys/" + k.ID
	return apiKeyMade{apiKey: showKey(k), Secret: secret}, nil
}

func getKey(c *call, p keyPath, _ none) (apiKey, error) {
	k, err := c.door.d.Keys.ByID(c.gin.Request.Context(), p.Key)
	return showKey(k), err
}

func revokeKey(c *call, p keyPath, _ none) (none, error) {
	_, err := c.door.d.Keys.Revoke(c.gin.Request.Context(), p.Key)
	return none{}, err
}

func sorted[T any](all []T, order func(a, b T) int) []T {
	slices.SortFunc(all, order)
	return all
}
