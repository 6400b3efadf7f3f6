package rest

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"kelas/signaling/auth"
	"kelas/signaling/fault"
)

type user struct {
	ID          string    `json:"id" doc:"Id of the account"`
	Name        string    `json:"name" doc:"What one logs in with"`
	DisplayName string    `json:"displayName" doc:"As others see it"`
	Role        string    `json:"role" enum:"admin,teacher,student" doc:"What it may do on this site"`
	Language    string    `json:"language,omitempty" doc:"Of the pages; absent for the browser's"`
	Disabled    bool      `json:"disabled" doc:"Cannot log in"`
	CreatedAt   time.Time `json:"createdAt" doc:"When it was made"`
}

type userNew struct {
	Name        string `json:"name" min:"1" max:"64" doc:"What one logs in with; unique, upper and lower case the same"`
	DisplayName string `json:"displayName,omitempty" max:"64" doc:"As others see it; the name when absent"`
	Role        string `json:"role" enum:"admin,teacher,student" doc:"What it may do on this site; admin needs users:admin"`
	Password    string `json:"password" min:"8" max:"256" doc:"To log in with"`
	Language    string `json:"language,omitempty" enum:"id,en" doc:"Of the pages"`
}

type userPatch struct {
	DisplayName *string `json:"displayName,omitempty" min:"1" max:"64" doc:"As others see it"`
	Role        *string `json:"role,omitempty" enum:"admin,teacher,student" doc:"What it may do on this site; to and from admin needs users:admin"`
	Language    *string `json:"language,omitempty" enum:"id,en" doc:"Of the pages"`
	Disabled    *bool   `json:"disabled,omitempty" doc:"Cannot log in; ends its log-ins"`
	Password    *string `json:"password,omitempty" min:"8" max:"256" doc:"A new one; ends its log-ins"`
}

type userPath struct {
	User string `path:"user" max:"64" doc:"Id of an account"`
}

func userOperations() []operation {
	return []operation{
		define(operation{method: "GET", path: "/users", id: "listUsers", tag: "users", scope: "users:read",
			summary: "List accounts by name"}, listUsers),
		define(operation{method: "POST", path: "/users", id: "createUser", tag: "users", scope: "users:write",
			summary: "Make an account", status: http.StatusCreated, creates: true, etag: true, problems: []int{409}}, createUser),
		define(operation{method: "GET", path: "/users/{user}", id: "getUser", tag: "users", scope: "users:read",
			summary: "Read an account", etag: true, problems: []int{404}}, getUser),
		define(operation{method: "PATCH", path: "/users/{user}", id: "editUser", tag: "users", scope: "users:write",
			summary: "Change an account", about: "Members that are absent stay as they are. The last administrator stays one.",
			edits: true, etag: true, problems: []int{404}}, editUser),
		define(operation{method: "DELETE", path: "/users/{user}", id: "deleteUser", tag: "users", scope: "users:write",
			summary: "Delete an account", about: "Ends its log-ins and its API keys. What it did in classes stays. Not the last administrator.",
			status: http.StatusNoContent, problems: []int{404}}, deleteUser),
	}
}

func showUser(a auth.Account) user {
	return user{ID: a.ID, Name: a.Name, DisplayName: a.DisplayName, Role: a.Role, Language: a.Language, Disabled: a.Disabled,
		CreatedAt: a.CreatedAt.UTC()}
}

func listUsers(c *call, p paging, _ none) (list[user], error) {
	all, err := c.door.d.Accounts.List(c.gin.Request.Context())
	if err != nil {
		return list[user]{}, err
	}
	// The store's order of names is its own; an id is always the same.
	byID := func(a, b auth.Account) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.ID, b.ID))
	}
	return pageOf(p, sorted(all, byID), func(a auth.Account) place { return place{ID: strings.ToLower(a.Name) + "\x00" + a.ID} },
		func(a auth.Account, from place) bool { return strings.ToLower(a.Name)+"\x00"+a.ID > from.ID }, showUser)
}

func createUser(c *call, _ none, b userNew) (user, error) {
	if err := c.mayTouch(b.Role); err != nil {
		return user{}, err
	}
	a, err := c.door.d.Accounts.Create(c.gin.Request.Context(), auth.NewAccount{Name: b.Name, DisplayName: b.DisplayName, Role: b.Role,
		Password: b.Password, Language: b.Language})
	if err != nil {
		return user{}, err
	}
	c.location = Prefix + "/users/" + a.ID
	return getUser(c, userPath{a.ID}, none{})
}

// mayTouch: an administrator may do everything, so who makes or changes one
// needs a scope of its own.
func (c *call) mayTouch(roles ...string) error {
	for _, r := range roles {
		if r == auth.AccountAdmin && !c.key.Has("users:admin") {
			return fault.WithDetail(fault.ErrScopeMissing, "it needs users:admin")
		}
	}
	return nil
}

func getUser(c *call, p userPath, _ none) (user, error) {
	a, err := c.door.d.Accounts.ByID(c.gin.Request.Context(), p.User)
	c.etag = revision(a.Rev)
	return showUser(a), err
}

func editUser(c *call, p userPath, b userPatch) (user, error) {
	ctx := c.gin.Request.Context()
	a, err := c.door.d.Accounts.ByID(ctx, p.User)
	if err != nil {
		return user{}, err
	}
	if err := c.unchanged(revision(a.Rev)); err != nil {
		return user{}, err
	}
	roles := []string{a.Role}
	if b.Role != nil {
		roles = append(roles, *b.Role)
	}
	if err := c.mayTouch(roles...); err != nil {
		return user{}, err
	}
	a, err = c.door.d.Accounts.Change(ctx, a, auth.AccountChange{DisplayName: b.DisplayName, Role: b.Role, Language: b.Language,
		Disabled: b.Disabled, Password: b.Password})
	if err != nil {
		return user{}, stale(err)
	}
	c.etag = revision(a.Rev)
	return showUser(a), nil
}

func deleteUser(c *call, p userPath, _ none) (none, error) {
	ctx := c.gin.Request.Context()
	a, err := c.door.d.Accounts.ByID(ctx, p.User)
	if err == nil {
		err = c.mayTouch(a.Role)
	}
	if err != nil {
		return none{}, err
	}
	return none{}, c.door.d.Accounts.Delete(ctx, a)
}
