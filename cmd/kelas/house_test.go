package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// pkg is what `go list -json` says of a package.
type pkg struct {
	ImportPath                string
	Doc                       string
	Imports                   []string
	TestImports, XTestImports []string
	GoFiles, TestGoFiles      []string
}

func listPackages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Doc,Imports,TestImports,XTestImports,GoFiles", "kelas/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []pkg
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

// mayImport is the house's table: for each package the packages of ours it
// may import. A package that is not here fails the test, so that a new room
// gets its place in the table first.
var mayImport = map[string][]string{
	"kelas/pipeline/codec":        {},
	"kelas/pipeline/udp":          {},
	"kelas/pipeline/estimate":     {},
	"kelas/pipeline/sfu":          {"kelas/pipeline/codec", "kelas/pipeline/estimate"},
	"kelas/pipeline/record":       {"kelas/pipeline/codec"},
	"kelas/pipeline/viewer":       {"kelas/pipeline/udp"},
	"kelas/pipeline":              {"kelas/pipeline/sfu", "kelas/pipeline/record", "kelas/pipeline/udp", "kelas/pipeline/codec", "kelas/pipeline/viewer"},
	"kelas/pipeline/pipelinetest": {"kelas/pipeline", "kelas/pipeline/codec"},
	// Real media for tests, by ffmpeg.
	"kelas/pipeline/record/recordtest": {},

	"kelas/classroom":                 {"kelas/pipeline"},
	"kelas/classroom/classroomtest":   {"kelas/classroom", "kelas/pipeline"},
	"kelas/classroom/store":           {"kelas/classroom"},
	"kelas/classroom/store/storetest": {"kelas/classroom"},
	"kelas/classroom/files":           {"kelas/classroom"},

	"kelas/signaling/auth":     {},
	"kelas/signaling/outbound": {},
	"kelas/signaling/webhook":  {"kelas/classroom", "kelas/signaling/outbound"},
	"kelas/signaling/whip":     {"kelas/classroom", "kelas/pipeline", "kelas/signaling/fault"},
	"kelas/signaling/wire":     {},
	"kelas/signaling/client":   {"kelas/signaling/wire"},
	"kelas/signaling/fault":    {"kelas/classroom", "kelas/pipeline"},
	"kelas/signaling/socket":   {"kelas/classroom", "kelas/pipeline", "kelas/signaling/auth", "kelas/signaling/wire", "kelas/signaling/fault"},
	// fault has the numbers that Kurento gives to errors; classes stay unknown.
	"kelas/signaling/kurento": {"kelas/pipeline", "kelas/signaling/fault"},
	"kelas/signaling/web":     {"kelas/classroom", "kelas/classroom/files", "kelas/signaling/auth", "kelas/signaling/fault", "kelas/signaling/patient", "kelas/signaling/sheet", "kelas/templates", "kelas/static"},
	"kelas/signaling/bbb":     {"kelas/classroom", "kelas/classroom/files", "kelas/signaling/auth", "kelas/signaling/webhook", "kelas/signaling/outbound"},
	"kelas/signaling/sheet":   {},
	"kelas/signaling/patient": {},
	"kelas/signaling/rest": {"kelas/classroom", "kelas/classroom/files", "kelas/signaling/auth", "kelas/signaling/fault",
		"kelas/signaling/patient", "kelas/signaling/sheet"},
	"kelas/signaling": {"kelas/signaling/bbb", "kelas/signaling/rest", "kelas/classroom", "kelas/classroom/files", "kelas/pipeline", "kelas/signaling/auth", "kelas/signaling/wire",
		"kelas/signaling/fault", "kelas/signaling/socket", "kelas/signaling/kurento", "kelas/signaling/web", "kelas/signaling/webhook", "kelas/signaling/outbound", "kelas/signaling/whip",
		"kelas/templates", "kelas/static"},

	"kelas/static":    {},
	"kelas/templates": {},

	// The load tool knows the server as any client does: by its protocol.
	"kelas/cmd/kelas-load": {"kelas/signaling/client", "kelas/signaling/wire"},
	"kelas/cmd/kelas": {"kelas/pipeline", "kelas/classroom", "kelas/classroom/store", "kelas/classroom/files", "kelas/signaling",
		"kelas/signaling/auth", "kelas/signaling/bbb", "kelas/signaling/kurento", "kelas/signaling/rest", "kelas/signaling/socket", "kelas/signaling/web", "kelas/signaling/webhook", "kelas/signaling/outbound", "kelas/signaling/whip",
		"kelas/templates", "kelas/static"},
}

// onlyThese says which of ours may import a third party's module (by prefix),
// with the reason it stands behind one door.
var onlyThese = []struct {
	prefix string
	ours   []string
	reason string
}{
	{"github.com/googollee/go-socket.io", []string{"kelas/signaling/socket"}, "the library can be exchanged in one package"},
	{"go.mongodb.org/mongo-driver", []string{"kelas/classroom/store"}, "the domain knows no database"},
	{"modernc.org/sqlite", []string{"kelas/classroom/store"}, "the domain knows no database"},
	{"github.com/gin-gonic/gin", []string{"kelas/signaling", "kelas/signaling/web", "kelas/signaling/rest"}, "HTTP stays in the doors"},
	{"github.com/prometheus", []string{"kelas/signaling"}, "nothing below signaling knows Prometheus"},
	{"github.com/go-jose", []string{"kelas/signaling/auth"}, "tokens are made and checked in one place"},
	{"github.com/gorilla/websocket", []string{"kelas/signaling/socket", "kelas/signaling/client", "kelas/signaling/kurento"}, "one transport, its other end, and Kurento's"},
	{"github.com/alecthomas/kong", []string{"kelas/cmd/kelas", "kelas/cmd/kelas-load"}, "packages own their Config, the command composes them"},
	{"github.com/pion/webrtc", []string{"kelas/pipeline", "kelas/pipeline/pipelinetest", "kelas/signaling/client", "kelas/cmd/kelas-load"}, "the classroom knows no PeerConnection"},
	{"github.com/pion/ice", []string{"kelas/pipeline", "kelas/pipeline/viewer", "kelas/pipeline/pipelinetest", "kelas/cmd/kelas-load"}, "as webrtc"},
	{"github.com/pion/dtls", []string{"kelas/pipeline", "kelas/pipeline/viewer", "kelas/pipeline/pipelinetest", "kelas/cmd/kelas-load"}, "as webrtc"},
	{"github.com/pion/srtp", []string{"kelas/pipeline", "kelas/pipeline/viewer", "kelas/pipeline/pipelinetest", "kelas/cmd/kelas-load"}, "as webrtc"},
	{"github.com/pion/stun", []string{"kelas/pipeline", "kelas/cmd/kelas-load"}, "the pipeline asks STUN servers; the load's viewers are lighter than a PeerConnection"},
	{"github.com/pion/turn", []string{"kelas/pipeline", "kelas/pipeline/pipelinetest"}, "as webrtc"},
	{"github.com/pion/rtp", []string{"kelas/pipeline", "kelas/pipeline/viewer", "kelas/pipeline/pipelinetest", "kelas/pipeline/codec", "kelas/pipeline/sfu", "kelas/pipeline/record/recordtest", "kelas/cmd/kelas-load"}, "packets stay in the pipeline"},
	{"github.com/bluenviron/gortsplib", []string{"kelas/pipeline"}, "players of cameras are elements"},
	{"github.com/Eyevinn/mp4ff", []string{"kelas/pipeline/record"}, "containers are one room's business"},
	{"github.com/pion/rtcp", []string{"kelas/pipeline", "kelas/pipeline/viewer", "kelas/pipeline/pipelinetest", "kelas/pipeline/sfu", "kelas/cmd/kelas-load"}, "packets stay in the pipeline"},
	{"github.com/pion/interceptor", []string{"kelas/pipeline", "kelas/pipeline/pipelinetest", "kelas/pipeline/sfu", "kelas/cmd/kelas-load"}, "packets stay in the pipeline"},
}

// TestHouseImports keeps the map of the rooms true.
func TestHouseImports(t *testing.T) {
	pkgs := listPackages(t)
	if len(pkgs) < 10 {
		t.Fatalf("go list found only %d packages", len(pkgs))
	}
	for _, p := range pkgs {
		allowed, known := mayImport[p.ImportPath]
		if !known {
			t.Errorf("%s is not in the table of rooms", p.ImportPath)
			continue
		}
		for _, imp := range p.Imports {
			if strings.HasPrefix(imp, "kelas/") && !slices.Contains(allowed, imp) {
				t.Errorf("%s may not import %s", p.ImportPath, imp)
			}
			if p.ImportPath == "kelas/classroom" && strings.Contains(strings.SplitN(imp, "/", 2)[0], ".") {
				t.Errorf("kelas/classroom may import only the standard library and the pipeline, not %s", imp)
			}
			for _, rule := range onlyThese {
				if strings.HasPrefix(imp, rule.prefix) && !slices.Contains(rule.ours, p.ImportPath) {
					t.Errorf("%s may not import %s: %s", p.ImportPath, imp, rule.reason)
				}
			}
		}
	}
}

// TestHouseDocs holds every package to a comment that says what it owns, and
// to a name that says what it is.
func TestHouseDocs(t *testing.T) {
	vague := []string{"utils", "util", "common", "helpers", "types", "models", "config"}
	for _, p := range listPackages(t) {
		if len(p.GoFiles) > 0 && strings.TrimSpace(p.Doc) == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
		if name := p.ImportPath[strings.LastIndex(p.ImportPath, "/")+1:]; slices.Contains(vague, name) {
			t.Errorf("%s: the name says nothing", p.ImportPath)
		}
	}
}
