package classroom_test

import (
	"os"
	"strings"
	"testing"

	. "kelas/classroom"
)

// README.md shows the table as it is in the code.
func TestPermissionTable(t *testing.T) {
	text, err := os.ReadFile("README.md")
	must(t, err)
	_, table, ok := strings.Cut(string(text), "| action | presenter | guest presenter | moderator | viewer |\n")
	if !ok {
		t.Fatal("README.md has no table of permissions")
	}
	lines := strings.Split(table, "\n")[1:] // without the rule
	rows := Permissions()
	for i, row := range rows {
		cells := strings.Split(strings.Trim(lines[i], "| "), "|")
		if len(cells) != 5 {
			t.Fatalf("README.md has no line for %s", row.Action)
		}
		if got := strings.Trim(strings.TrimSpace(cells[0]), "`"); got != string(row.Action) {
			t.Fatalf("line %d of the table is %s, want %s", i, got, row.Action)
		}
		for k, may := range row.May {
			if strings.TrimSpace(cells[k+1]) != map[bool]string{true: "yes", false: "-"}[may] {
				t.Errorf("%s, column %d: README.md says %q, the code %v", row.Action, k+1, cells[k+1], may)
			}
		}
	}
	if strings.HasPrefix(lines[len(rows)], "|") {
		t.Errorf("README.md has a line too many: %s", lines[len(rows)])
	}
}

// May says what the table says, for roles and for guests.
func TestMay(t *testing.T) {
	for _, row := range Permissions() {
		for i, p := range []Participant{
			{Role: RolePresenter, Base: RolePresenter},
			{Role: RolePresenter, Base: RoleViewer},
			{Role: RoleModerator, Base: RoleModerator},
			{Role: RoleViewer, Base: RoleViewer},
		} {
			want := row.May[i]
			if i == 1 {
				want = row.May[1] || row.May[3]
			}
			if p.May(row.Action) != want {
				t.Errorf("%+v may %s: %v", p, row.Action, !want)
			}
			if i != 1 && p.Role.May(row.Action) != want {
				t.Errorf("%s may %s: %v", p.Role, row.Action, !want)
			}
		}
		if Role("").May(row.Action) || Role("boss").May(row.Action) {
			t.Errorf("no role may %s", row.Action)
		}
	}
	for _, r := range []Role{RolePresenter, RoleModerator, RoleViewer} {
		if r.May("fly") {
			t.Errorf("%s may fly", r)
		}
	}
	guest := Participant{Role: RolePresenter, Base: RoleModerator}
	if !guest.May(ActPresent) || !guest.May(ActLock) {
		t.Error("a moderator who presents loses something")
	}
}
