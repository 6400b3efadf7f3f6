package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	yaml "go.yaml.in/yaml/v3"
	"golang.org/x/term"
)

// commandLine is the whole command line; kong reads it.
type commandLine struct {
	Config kong.ConfigFlag `name:"config" env:"KELAS_CONFIG" help:"YAML file whose keys are the options' names." placeholder:"FILE"`
	storeFlags

	Serve      serveCommand  `cmd:"" help:"Run the server."`
	ShowConfig configCommand `cmd:"" name:"config" help:"Print the effective configuration, secrets hidden."`
	User       struct {
		Add userAddCommand `cmd:"" help:"Add an account. Works while the server runs."`
	} `cmd:"" help:"Accounts."`
	Class struct {
		Add classAddCommand `cmd:"" help:"Add a class and print its id. Works while the server runs."`
	} `cmd:"" help:"Classes."`
	APIKey struct {
		Add    keyAddCommand    `cmd:"" help:"Make an API key and print it, once. Works while the server runs."`
		List   keyListCommand   `cmd:"" help:"List the API keys."`
		Revoke keyRevokeCommand `cmd:"" help:"End an API key at once."`
	} `cmd:"" name:"apikey" help:"API keys of programs."`
	Key struct {
		Rotate rotateCommand `cmd:"" help:"Sign with a new key from now on. Works while the server runs."`
	} `cmd:"" help:"The key that join tokens are signed with."`
	Token   tokenCommand   `cmd:"" help:"Print a signed join token for a class. Works while the server runs."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

type serveCommand struct{ serveFlags }
type configCommand struct{ serveFlags }
type versionCommand struct{}

type userAddCommand struct {
	Role          string `name:"role" enum:"teacher,student,admin" required:"" help:"teacher, student or admin."`
	PasswordStdin bool   `name:"password-stdin" help:"Read the password from standard input instead of asking."`
	DisplayName   string `name:"display-name" help:"Name as others see it; the log-in name when not given."`
	Name          string `arg:"" help:"Name to log in with."`
}

type classAddCommand struct {
	Title string `name:"title" required:"" help:"Title of the class."`
	Owner string `name:"owner" help:"Log-in name of the teacher who owns it."`
}

type keyAddCommand struct {
	Name    string        `name:"name" required:"" help:"What it is for; also the name of its bot in classes."`
	Scope   []string      `name:"scope" required:"" help:"What it may do, such as lessons:write; may be given more than once, or with commas." placeholder:"SCOPE"`
	Expires time.Duration `name:"expires" help:"When it ends by itself, such as 8760h; never when not given."`
	Owner   string        `name:"owner" help:"Log-in name of the account that it falls with."`
}

type keyListCommand struct{}

type keyRevokeCommand struct {
	ID string `arg:"" help:"Id of the key, as the list has it."`
}

type rotateCommand struct {
	DropFormer bool `name:"drop-former" help:"Forget the former keys: every join link and seat that was given out stops working. For a key that got out."`
}

type tokenCommand struct {
	Class      string        `name:"class" required:"" help:"Id of the class."`
	Role       string        `name:"role" enum:"presenter,moderator,viewer" required:"" help:"presenter, moderator or viewer."`
	Name       string        `name:"name" help:"Name of the one person that it is for; without it, it is an invitation for many who give their own names."`
	TTL        time.Duration `name:"ttl" default:"2h" help:"How long the token may be used to join."`
	ExternalID string        `name:"external-id" help:"The person's id in another system: the same id is the same participant."`
	Encoder    bool          `name:"encoder" help:"A token for OBS and other encoders alone, with which they are the class's owner; needs --role presenter."`
	Once       bool          `name:"once" help:"The token opens one browser only."`
	Link       bool          `name:"link" help:"Print a whole join link instead of the bare token (uses --public-url)."`
	URL        string        `name:"public-url" env:"KELAS_PUBLIC_URL" default:"http://127.0.0.1:8080" help:"Address that people type, for --link."`
}

// run is what kong calls on the chosen command, with these values bound.
type runner struct {
	ctx context.Context
	io  streams
	cli *commandLine
}

func execute(ctx context.Context, args []string, io streams) error {
	cli, command, err := parse(args, io)
	if err != nil {
		return err
	}
	return command.Run(&runner{ctx: ctx, io: io, cli: cli})
}

// parse reads flags, environment and configuration file.
func parse(args []string, io streams) (*commandLine, *kong.Context, error) {
	var cli commandLine
	parser, err := kong.New(&cli,
		kong.Name("kelas"),
		kong.Description("A virtual classroom server: one teacher live to many students, with chat and files."),
		kong.DefaultEnvars("KELAS"),
		kong.Configuration(yamlResolver),
		kong.Writers(io.out, io.err),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		return nil, nil, fmt.Errorf("preparing the command line: %w", err)
	}
	command, err := parser.Parse(args)
	return &cli, command, err
}

func (c *serveCommand) Run(r *runner) error {
	return serve(r.ctx, &r.cli.storeFlags, &c.serveFlags, r.io)
}

func (c *configCommand) Run(r *runner) error {
	doc, err := effective(&r.cli.storeFlags, &c.serveFlags)
	if err != nil {
		return err
	}
	out, err := yaml.Marshal(doc)
	if err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	_, err = r.io.out.Write(out)
	return err
}

func (versionCommand) Run(r *runner) error {
	_, err := fmt.Fprintln(r.io.out, "kelas", version)
	return err
}

// readPassword asks twice on a terminal, or takes the first line of standard
// input where that was asked for.
func readPassword(io streams, fromStdin bool) (string, error) {
	if fromStdin {
		return readLine(io.in)
	}
	file, ok := io.in.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return "", errors.New("standard input is no terminal to ask for the password: give --password-stdin")
	}
	ask := func(prompt string) (string, error) {
		fmt.Fprint(io.err, prompt)
		pw, err := term.ReadPassword(int(file.Fd()))
		fmt.Fprintln(io.err)
		return string(pw), err
	}
	first, err := ask("Password: ")
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	second, err := ask("The same again: ")
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	if first != second {
		return "", errors.New("the two passwords differ")
	}
	return first, nil
}

func readLine(in io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}
