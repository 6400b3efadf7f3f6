package classroom

// Role is what a participant may do in one class. It is not the account's
// role: a teacher's account is the presenter of its own class and a viewer
// of a colleague's.
type Role string

// The three roles of a class.
const (
	RolePresenter Role = "presenter"
	RoleModerator Role = "moderator"
	RoleViewer    Role = "viewer"
)

// Valid reports whether r is one of the three roles.
func (r Role) Valid() bool {
	return r == RolePresenter || r == RoleModerator || r == RoleViewer
}

// AccountRole is what an account may do on the site.
type AccountRole string

// The three account roles.
const (
	AccountAdmin   AccountRole = "admin"
	AccountTeacher AccountRole = "teacher"
	AccountStudent AccountRole = "student"
)

// Valid reports whether r is one of the three account roles.
func (r AccountRole) Valid() bool {
	return r == AccountAdmin || r == AccountTeacher || r == AccountStudent
}
