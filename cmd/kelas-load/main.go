package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := execute(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "kelas-load:", err)
		stop()
		os.Exit(1)
	}
}

// commandLine is what kong reads.
type commandLine struct {
	Run      options         `cmd:"" default:"withargs" help:"Measure a server."`
	Baseline baselineCommand `cmd:"" name:"baseline-server" hidden:"" help:"Run the plain pion forwarder."`
}

type baselineCommand struct{}

func (baselineCommand) Run(r *runner) error {
	return serveBaseline(r.ctx, "127.0.0.1:0", r.out)
}

// options are those of a measurement.
type options struct {
	Self     bool   `help:"Start a Kelas server of its own on loopback, with a class in it." group:"What to measure"`
	URL      string `name:"url" help:"A server that runs already." placeholder:"http://HOST:PORT" group:"What to measure"`
	Baseline string `help:"Measure a baseline instead: \"pion\" is a plain forwarder in a process of its own." placeholder:"pion" group:"What to measure"`
	Check    bool   `help:"Measure what Kelas promises of itself, one promise after the other (some four minutes), and say what holds." group:"What to measure"`
	Compare  bool   `help:"Measure a server of its own and the baseline, one after the other, and print ratios." group:"What to measure"`

	Class        string `help:"Id of the class, with --url." group:"With --url"`
	Token        string `help:"Join token of the presenter, with --url." env:"KELAS_LOAD_TOKEN" group:"With --url"`
	ViewerToken  string `help:"Join token of the viewers, an invitation for many (no name); that of the presenter when not given." env:"KELAS_LOAD_VIEWER_TOKEN" group:"With --url"`
	PID          int    `name:"pid" help:"The server's process, where it runs on this machine; its /metrics otherwise." group:"With --url"`
	MetricsToken string `help:"Bearer token for the server's /metrics." env:"KELAS_METRICS_TOKEN" group:"With --url"`

	Kelas string `help:"The server's program for --self and --compare; looked for beside this one, in ./bin and in the path." placeholder:"FILE" group:"With --self"`
	Pin   bool   `help:"Insist on giving the server one core of its own, and the generator the others, as is done anyhow where there are two." group:"With --self"`
	NoPin bool   `help:"Leave server and generator on all cores." group:"With --self"`

	Viewers  int           `help:"One step with that many viewers." default:"9" group:"Load"`
	Ladder   []int         `help:"Steps, such as 1,9,25,50,100; ends where loss passes 0.5 %%, p99 of the delay passes 50 ms, or the generator is at its limit." group:"Load"`
	Churn    int           `help:"Instead of steps: so many times one of 100 viewers comes, sees a picture and leaves, some at a time; memory and goroutines before and after." placeholder:"10000" group:"Load"`
	Scenario string        `help:"\"thesis\": one to nine viewers, first a webcam, then a screen, as published of a Kurento classroom." enum:",thesis" default:"" placeholder:"thesis" group:"Load"`
	Stream   string        `help:"webcam (1.5 Mbit/s, 720p), screen (0.6 Mbit/s), webcam-small or screen-small (0.2 Mbit/s)." enum:"webcam,screen,webcam-small,screen-small" default:"webcam" group:"Load"`
	Duration time.Duration `help:"Length of a step's measurement." default:"10s" group:"Load"`
	Settle   time.Duration `help:"Pause between the last join and the measurement." default:"2s" group:"Load"`
	JoinRate int           `help:"Joins a second." default:"25" group:"Load"`
	Endless  bool          `help:"Go on with the ladder past its limits." group:"Load"`
	GCM      bool          `name:"prefer-gcm" help:"Viewers prefer AES-GCM. Browsers put AES-CM first; that counts only where the server leaves the choice to them, as the baseline does." group:"Load"`

	JSON string `name:"json" help:"Write all figures there." placeholder:"FILE" group:"Report"`
	CSV  string `name:"csv" help:"Write the table there." placeholder:"FILE" group:"Report"`
	HTML string `name:"html" help:"Write a page with plots there." placeholder:"FILE" group:"Report"`
}

// Validate says what does not go together.
func (o *options) Validate() error {
	given := 0
	for _, yes := range []bool{o.Self, o.URL != "", o.Baseline != "", o.Compare, o.Check} {
		if yes {
			given++
		}
	}
	switch {
	case given != 1:
		return errors.New("give one of --self, --url, --baseline pion, --compare and --check")
	case o.Baseline != "" && o.Baseline != "pion":
		return fmt.Errorf("--baseline: there is no %q, only pion", o.Baseline)
	case o.URL != "" && (o.Class == "" || o.Token == ""):
		return errors.New("--url needs --class and --token")
	case o.URL == "" && (o.Class != "" || o.Token != "" || o.PID != 0):
		return errors.New("--class, --token and --pid go with --url")
	case o.Pin && o.NoPin:
		return errors.New("--pin and --no-pin contradict each other")
	case o.Churn < 0 || o.Churn > 1000000:
		return errors.New("--churn must be between 1 and 1000000")
	case o.Churn > 0 && (o.Compare || o.Scenario != "" || len(o.Ladder) > 0):
		return errors.New("--churn has no steps, and no --compare")
	case o.Check && (o.Churn > 0 || o.Scenario != "" || len(o.Ladder) > 0):
		return errors.New("--check has steps of its own")
	case o.Pin && o.URL != "":
		return errors.New("--pin goes with a server that is started here")
	case o.Duration < time.Second || o.Duration > time.Hour:
		return errors.New("--duration must be between 1s and 1h")
	case o.Settle < 0 || o.Settle > time.Hour:
		return errors.New("--settle must be between 0s and 1h")
	case o.JoinRate < 1 || o.JoinRate > 10000:
		return errors.New("--join-rate must be between 1 and 10000")
	case o.Scenario != "" && (len(o.Ladder) > 0 || o.Compare):
		return errors.New("--scenario has a ladder of its own, and no --compare")
	}
	last := 0
	for _, n := range o.ladder() {
		if n <= last || n > 100000 {
			return errors.New("--viewers and --ladder must be rising numbers from 1 to 100000")
		}
		last = n
	}
	return nil
}

func (o *options) ladder() []int {
	switch {
	case o.Scenario == "thesis":
		return []int{1, 2, 3, 4, 5, 6, 7, 8, 9}
	case len(o.Ladder) > 0:
		return o.Ladder
	}
	return []int{o.Viewers}
}

// runner is what a command is given.
type runner struct {
	ctx      context.Context
	args     []string
	out, err io.Writer
}

func execute(ctx context.Context, args []string, out, errOut io.Writer) error {
	var cli commandLine
	parser, err := kong.New(&cli, kong.Name("kelas-load"),
		kong.Description("Measures a Kelas server: one presenter, many viewers, real media, real signaling."),
		kong.Writers(out, errOut), kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.UsageOnError())
	if err != nil {
		return fmt.Errorf("preparing the command line: %w", err)
	}
	kctx, err := parser.Parse(args)
	if err != nil {
		return err
	}
	return kctx.Run(&runner{ctx: ctx, args: args, out: out, err: errOut})
}

// hide keeps tokens out of reports.
func hide(args []string) string {
	shown := make([]string, len(args))
	copy(shown, args)
	for i, a := range shown {
		name, _, glued := strings.Cut(a, "=")
		if !strings.HasSuffix(name, "token") || !strings.HasPrefix(name, "--") {
			continue
		}
		if glued {
			shown[i] = name + "=(hidden)"
		} else if i+1 < len(shown) {
			shown[i+1] = "(hidden)"
		}
	}
	return "kelas-load " + strings.Join(shown, " ")
}
