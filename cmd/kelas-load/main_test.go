package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// asBaseline makes the test binary the program itself, for the child that a
// comparison starts.
const asBaseline = "KELAS_LOAD_TEST_BASELINE"

func TestMain(m *testing.M) {
	if os.Getenv(asBaseline) != "" {
		main()
		return
	}
	var err error
	if built, err = os.MkdirTemp("", "kelas-load-test-"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(built)
		os.Exit(code)
	}),
		// The shared HTTP client's idle connections to the servers that were measured.
		goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
}

// built is the folder of the server's binary, which is built at most once.
var built string

func buildKelas(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(built, "kelas")
	if _, err := os.Stat(binary); err == nil {
		return binary
	}
	out, err := exec.Command("go", "build", "-o", binary, "kelas/cmd/kelas").CombinedOutput()
	if err != nil {
		t.Fatalf("building the server: %v\n%s", err, out)
	}
	return binary
}

// TestCompare runs the real server and the baseline with two viewers each. It
// looks at what came, not at how fast.
func TestCompare(t *testing.T) {
	t.Setenv(asBaseline, "1")
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	var out bytes.Buffer
	err := execute(t.Context(), []string{"--compare", "--kelas", buildKelas(t), "--ladder", "1,2", "--duration", "1s", "--settle", "200ms",
		"--json", file("r.json"), "--csv", file("r.csv"), "--html", file("r.html")}, &out, io.Discard)
	if err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	raw, err := os.ReadFile(file("r.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	if !r.Finished || len(r.Phases) != 2 || len(r.Ratios) != 2 {
		t.Fatalf("the report has %d phases and %d ratios, finished: %v", len(r.Phases), len(r.Ratios), r.Finished)
	}
	for i, name := range []string{"kelas", "pion"} {
		// The server's choice is its own; the baseline leaves it to the viewers, who choose as browsers do.
		profile := map[string]string{"kelas": "SRTP_AEAD_AES_128_GCM", "pion": "SRTP_AES128_CM_HMAC_SHA1_80"}[name]
		if p := r.Phases[i]; p.Server != name || len(p.Steps) != 2 || p.SRTP != profile {
			t.Fatalf("phase %d is of %s with %d steps and %s", i, p.Server, len(p.Steps), p.SRTP)
		}
		for _, s := range r.Phases[i].Steps {
			checkStep(t, name, s)
		}
	}
	if !strings.Contains(out.String(), "Kelas divided by the plain pion forwarder") {
		t.Errorf("no ratios were printed:\n%s", &out)
	}
	checkTable(t, file("r.csv"), 5)
	checkPage(t, file("r.html"))
}

func checkStep(t *testing.T, name string, s step) {
	t.Helper()
	// The sample is about 1.3 Mbit/s and 205 packets a second.
	switch {
	case s.PacketsPerViewer < 100 || s.KbitPerViewer < 700 || s.KbitWorstViewer <= 0:
		t.Errorf("%s, %d viewers: too little came: %+v", name, s.Viewers, s)
	case s.Strange > 0 || s.Undecryptable > 0:
		t.Errorf("%s, %d viewers: packets came that nobody sent: %+v", name, s.Viewers, s)
	case s.Loss > 20 || s.Delay.P50 <= 0 || s.Delay.P99 < s.Delay.P50 || s.DelaySound.Max <= 0:
		t.Errorf("%s, %d viewers: loss or delay: %+v", name, s.Viewers, s)
	case s.FirstPack == nil || s.FirstKey == nil || s.FirstPack.P50 <= 0 || s.FirstKey.P50 < s.FirstPack.P50:
		t.Errorf("%s, %d viewers: joins: %+v", name, s.Viewers, s)
	case s.SentKbit < s.KbitPerViewer*float64(s.Viewers) || s.ReceivedKbit < s.KbitPerViewer/2:
		t.Errorf("%s, %d viewers: bandwidth: %+v", name, s.Viewers, s)
	case s.ServerKnown && (s.RSS < 1000 || s.Goroutines < 5 || s.GoPerViewer <= 0):
		t.Errorf("%s, %d viewers: the server's figures: %+v", name, s.Viewers, s)
	}
}

func checkTable(t *testing.T, name string, rows int) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil || len(all) != rows || len(all[0]) != len(columns)+3 {
		t.Fatalf("the table has %d rows, %v", len(all), err)
	}
}

func checkPage(t *testing.T, name string) {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for _, want := range []string{"Server CPU", "kelas, webcam", "pion, webcam", "<path d=\"M"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	for _, bad := range []string{"ZgotmplZ", "NaN", "Inf", "http://", "https://"} {
		if strings.Contains(text, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	for _, rest := range strings.Split(text, "<svg")[1:] {
		drawing, _, _ := strings.Cut("<svg"+rest, "</svg>")
		d := xml.NewDecoder(strings.NewReader(drawing + "</svg>"))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("a drawing is no XML: %v", err)
			}
		}
	}
}

// TestScenario runs the whole scenario's path with the screen after the
// webcam on one server, shortened to two steps each.
func TestScenario(t *testing.T) {
	o := options{Self: true, Kelas: buildKelas(t), Scenario: "thesis", Duration: time.Second, JoinRate: 50}
	var out bytes.Buffer
	rep := &report{}
	m := &measurement{options: &o, out: &out, progress: newProgress(io.Discard), report: rep, cores: 1, steps: []int{1, 2}}
	if err := m.run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	if err := m.write(); err != nil {
		t.Fatal(err)
	}
	if len(rep.Phases) != 2 || rep.Phases[0].Stream != "webcam-small" || rep.Phases[1].Stream != "screen-small" {
		t.Fatalf("phases: %+v", rep.Phases)
	}
	for _, p := range rep.Phases {
		for _, s := range p.Steps {
			if s.KbitPerViewer < 50 || s.KbitPerViewer > 400 || s.Strange > 0 {
				t.Errorf("%s, %d viewers: %+v", p.Stream, s.Viewers, s)
			}
		}
	}
	for _, want := range []string{"Kurento", "61870 - 94867", "325 - 1990"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not printed:\n%s", want, &out)
		}
	}
}

// TestURL measures a server that runs already, by its address alone.
func TestURL(t *testing.T) {
	c, k, err := startKelas(t.Context(), buildKelas(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.stop(); err != nil {
			t.Error(err)
		}
	}()
	result := filepath.Join(t.TempDir(), "r.json")
	args := []string{"--url", k.url, "--class", k.class, "--token", k.token, "--viewer-token", k.viewers,
		"--stream", "screen", "--viewers", "2", "--duration", "1s", "--settle", "200ms", "--json", result}
	if err := execute(t.Context(), args, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(result)
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(raw, &r); err != nil || len(r.Phases) != 1 || len(r.Phases[0].Steps) != 1 {
		t.Fatalf("%v: %s", err, raw)
	}
	s := r.Phases[0].Steps[0]
	if !s.ServerKnown || s.RSS < 1000 || s.Goroutines < 5 || s.KbitPerViewer < 200 || s.Strange > 0 {
		t.Errorf("measured %+v", s)
	}
	if strings.Contains(string(raw), k.token) || strings.Contains(string(raw), k.viewers) {
		t.Error("the report has a token")
	}

	// A viewer's token does not let anybody present.
	args[5] = k.viewers
	if err := execute(t.Context(), args, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "notAllowed") {
		t.Errorf("presenting as a viewer: %v", err)
	}
}

// TestInterrupted: an end in the middle leaves a report and no server.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	result := filepath.Join(t.TempDir(), "r.json")
	stop := writerFunc(func(p []byte) (int, error) {
		if bytes.Contains(p, []byte("viewers")) { // the heading, with the first row
			cancel()
		}
		return len(p), nil
	})
	err := execute(ctx, []string{"--self", "--kelas", buildKelas(t), "--ladder", "1,2,3", "--endless", "--duration", "1s", "--settle", "0s", "--json", result}, stop, io.Discard)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	raw, err := os.ReadFile(result)
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(raw, &r); err != nil || r.Finished || len(r.Phases) != 1 || len(r.Phases[0].Steps) != 1 {
		t.Fatalf("%v: %s", err, raw)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestChurn: viewers come and leave, and everything that was theirs goes with them.
func TestChurn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "r.json")
	var out bytes.Buffer
	err := execute(t.Context(), []string{"--self", "--kelas", buildKelas(t), "--churn", "40", "--settle", "1s", "--json", file}, &out, io.Discard)
	if err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Phases) != 1 || r.Phases[0].Churn == nil {
		t.Fatalf("%s", raw)
	}
	c := r.Phases[0].Churn
	if c.Visits != 40 || c.FirstPack.P50 <= 0 || c.Empty.Goroutines == 0 || c.End.RSS == 0 {
		t.Errorf("%+v", c)
	}
	if c.End.Goroutines > c.Empty.Goroutines+churnGoroutines {
		t.Errorf("%d goroutines before, %d at the end", c.Empty.Goroutines, c.End.Goroutines)
	}
}

// TestPromises: what is said of figures, and that bad ones are not excused.
func TestPromises(t *testing.T) {
	good := step{Viewers: 350, Loss: .05, RSSPerViewer: 340, GoPerViewer: 14, Delay: quantiles{P99: 20},
		FirstPack: &quantiles{P50: 40, P99: 90}, JoinSeconds: 2, JoinKeys: 3}
	bad := step{Viewers: 350, Loss: .2, RSSPerViewer: 360, GoPerViewer: 16, Delay: quantiles{P99: 20},
		FirstPack: &quantiles{P50: 40, P99: 300}, JoinSeconds: 2, JoinKeys: 9}
	judged := func(s *step, cpu float64, end churnStop) (yes, no, other int) {
		m := &measurement{report: &report{Ratios: []compared{{Viewers: 100, MicrosPerPacket: cpu, DelayP99: 2 * cpu}}}}
		m.judgeRatios()
		m.judgeCrowd(s)
		m.judgeRush(s)
		m.judgeChurn(&churned{Visits: 100, Empty: churnStop{50000, 40}, Early: churnStop{60000, 40}, End: end})
		for _, p := range m.report.Promises {
			switch p.Holds {
			case "yes":
				yes++
			case "no":
				no++
			default:
				other++
			}
		}
		var out bytes.Buffer
		if err := m.report.writePromises(&out); err != nil || strings.Count(out.String(), "holds ") != yes || strings.Count(out.String(), "DOES NOT HOLD") != no {
			t.Errorf("%v\n%s", err, &out)
		}
		return yes, no, other
	}
	if yes, no, other := judged(&good, .4, churnStop{61000, 41}); yes != 9 || no+other != 0 {
		t.Errorf("good figures: %d, %d, %d", yes, no, other)
	}
	if yes, no, other := judged(&bad, .6, churnStop{70000, 60}); no != 9 || yes+other != 0 {
		t.Errorf("bad figures: %d, %d, %d", yes, no, other)
	}
	if yes, no, other := judged(nil, .6, churnStop{61000, 40}); yes == 9 || other == 0 {
		t.Errorf("no figures: %d, %d, %d", yes, no, other)
	}
}

// TestRefusals: what does not go together is said before anything starts.
func TestRefusals(t *testing.T) {
	for _, args := range [][]string{
		{}, {"--self", "--compare"}, {"--baseline", "kurento"}, {"--url", "http://127.0.0.1:1"}, {"--self", "--token", "x"},
		{"--self", "--ladder", "5,5"}, {"--self", "--viewers", "0"}, {"--self", "--duration", "0s"}, {"--self", "--scenario", "other"},
		{"--self", "--stream", "movie"}, {"--compare", "--scenario", "thesis"}, {"--self", "--join-rate", "0"},
		{"--url", "http://127.0.0.1:1", "--class", "a", "--token", "b", "--pin"}, {"--self", "--pin", "--no-pin"},
		{"--self", "--churn", "-1"}, {"--compare", "--churn", "5"}, {"--check", "--ladder", "1,2"}, {"--check", "--self"},
	} {
		if err := execute(t.Context(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%v is accepted", args)
		}
	}
	if err := execute(t.Context(), []string{"--self", "--kelas", "/nonexistent"}, io.Discard, io.Discard); err == nil {
		t.Error("a server that is not there is started")
	}
	got := hide([]string{"--token", "secret", "--viewer-token=secret", "--class", "c"})
	if strings.Contains(got, "secret") || got != "kelas-load --token (hidden) --viewer-token=(hidden) --class c" {
		t.Errorf("hidden: %s", got)
	}
}
