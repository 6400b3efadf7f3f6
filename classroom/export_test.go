package classroom

// Names for the tests, which live outside the package because their store
// imports it.
type (
	MediaServer   = mediaServer
	MediaPipeline = mediaPipeline
	MediaEndpoint = mediaEndpoint
)

// WithMedia returns d with a stand-in for the media server.
func (d Deps) WithMedia(m MediaServer) Deps {
	d.media = m
	return d
}

// PermissionRow is a line of the table: who may do an action, in the order
// presenter, guest presenter, moderator, viewer.
type PermissionRow struct {
	Action Action
	May    [4]bool
}

// Permissions returns the table.
func Permissions() []PermissionRow {
	rows := make([]PermissionRow, 0, len(permissions))
	for _, p := range permissions {
		rows = append(rows, PermissionRow{p.Action, [4]bool{
			p.May&colPresenter != 0, p.May&colGuest != 0, p.May&colModerator != 0, p.May&colViewer != 0,
		}})
	}
	return rows
}

// CleanText is the check of a chat message.
var CleanText = cleanText
