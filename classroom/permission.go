package classroom

// Action is something that a role may or may not do in a class.
type Action string

// The actions of a class.
const (
	ActPresent       Action = "present"
	ActView          Action = "view"
	ActChat          Action = "chat"
	ActChatPrivate   Action = "chatPrivate"
	ActAnnounce      Action = "announce"
	ActDeleteOwnChat Action = "deleteOwnChat"
	ActDeleteAnyChat Action = "deleteAnyChat"
	ActShareFile     Action = "shareFile"
	ActDeleteOwnFile Action = "deleteOwnFile"
	ActDeleteAnyFile Action = "deleteAnyFile"
	ActHandOver      Action = "handOver"
	ActTakeBack      Action = "takeBack"
	ActSetRole       Action = "setRole"
	ActRemove        Action = "remove"
	ActLock          Action = "lock"
	ActEndClass      Action = "endClass"
	ActSeeAttendance Action = "seeAttendance"
	ActInvite        Action = "invite"
	ActAdmit         Action = "admit"
)

// column is a bit for each column of the table.
type column uint8

const (
	colPresenter column = 1 << iota
	colGuest            // a presenter by hand-over or SetRole alone
	colModerator
	colViewer

	everybody = colPresenter | colGuest | colModerator | colViewer
)

// permissions is the one table of who may do what; README.md shows it and a
// test compares the two. A guest presenter, one whose identity is not a
// presenter's, keeps what its former role may and gets this column besides.
var permissions = []struct {
	Action Action
	May    column
}{
	{ActPresent, colPresenter | colGuest},
	{ActView, everybody},
	{ActChat, everybody},
	{ActChatPrivate, everybody},
	{ActAnnounce, colPresenter | colGuest | colModerator},
	{ActDeleteOwnChat, everybody},
	{ActDeleteAnyChat, colPresenter | colModerator},
	{ActShareFile, everybody},
	{ActDeleteOwnFile, everybody},
	{ActDeleteAnyFile, colPresenter | colModerator},
	{ActHandOver, colPresenter | colGuest | colModerator},
	{ActTakeBack, colPresenter | colModerator},
	{ActSetRole, colPresenter | colModerator},
	{ActRemove, colPresenter | colModerator},
	{ActLock, colPresenter | colModerator},
	{ActEndClass, colPresenter | colModerator},
	{ActSeeAttendance, colPresenter | colModerator},
	{ActInvite, colPresenter | colModerator},
	{ActAdmit, colPresenter | colModerator},
}

var columnsOf = func() map[Action]column {
	m := make(map[Action]column, len(permissions))
	for _, p := range permissions {
		m[p.Action] = p.May
	}
	return m
}()

// May reports whether a participant whose identity has this role may do a.
func (r Role) May(a Action) bool {
	switch r {
	case RolePresenter:
		return columnsOf[a]&colPresenter != 0
	case RoleModerator:
		return columnsOf[a]&colModerator != 0
	case RoleViewer:
		return columnsOf[a]&colViewer != 0
	}
	return false
}

// May is Role.May, but for a guest presenter (one whose identity, Base, is
// not a presenter's): that one may do what its identity may, and present.
func (p Participant) May(a Action) bool {
	if !p.guestPresenter() {
		return p.Role.May(a)
	}
	return columnsOf[a]&colGuest != 0 || p.Base.May(a)
}

func (p Participant) guestPresenter() bool {
	return p.Role == RolePresenter && p.Base != "" && p.Base != RolePresenter
}
