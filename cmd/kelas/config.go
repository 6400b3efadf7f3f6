package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	yaml "go.yaml.in/yaml/v3"

	"kelas/signaling/auth"
	"kelas/signaling/bbb"
	"kelas/signaling/outbound"
	"kelas/signaling/rest"
	"kelas/signaling/web"
)

// storeFlags say where everything that outlives the process is kept. All
// commands that touch the store share them.
type storeFlags struct {
	DataDir    string `name:"data-dir" default:"./data" help:"Folder of the embedded database, the shared files and the certificates." placeholder:"DIR"`
	MongoDBURI string `name:"mongodb-uri" env:"KELAS_MONGODB_URI,MONGODB_URI" help:"Keep everything but the files' bytes in this MongoDB instead of the embedded database." placeholder:"URI" secret:"uri"`
}

// serveFlags are the options of the server. The name of each is its flag,
// its key in the YAML file and, with KELAS_ before it, its variable.
type serveFlags struct {
	HTTP      string `name:"http" default:"127.0.0.1:8080" help:"Address of the pages, the API and the signaling." placeholder:"ADDR" group:"Addresses"`
	PublicURL string `name:"public-url" help:"Address that people type, where a proxy or a name makes it another one: https://class.example.org" placeholder:"URL" group:"Addresses"`

	MediaAddr    string   `name:"media-addr" default:":8189" help:"The one UDP port of all media." placeholder:"ADDR" group:"Media"`
	MediaTCPAddr string   `name:"media-tcp-addr" default:":8189" help:"TCP port of media for networks without UDP; \"off\" for none." placeholder:"ADDR" group:"Media"`
	ExternalIP   []string `name:"external-ip" help:"Public address of the server where it stands behind NAT; may be given more than once." placeholder:"IP" group:"Media"`

	RTPAddr      string   `name:"rtp-addr" help:"IP address of the sockets of RtpEndpoints; the host of --media-addr when empty." placeholder:"IP" group:"Media"`
	RTPPorts     string   `name:"rtp-ports" help:"Range of their UDP ports, such as 20000-20999; any that the system gives when empty." placeholder:"FROM-TO" group:"Media"`
	RTPPeer      []string `name:"rtp-peer" help:"Network that an RtpEndpoint sends to as soon as a description names it; may be given more than once. This machine and private networks when empty. Others have to send something first." placeholder:"CIDR" group:"Media"`
	RTPMulticast bool     `name:"rtp-multicast" help:"Let an RtpEndpoint send to multicast groups, so that the players of a hall receive a class once." group:"Media"`

	TURNAddr       string        `name:"turn-addr" help:"Address of the built-in TURN server (UDP and TCP), such as :3478; none when empty." placeholder:"ADDR" group:"TURN"`
	TURNExternalIP string        `name:"turn-external-ip" help:"Address that TURN is reached at, where it differs from --external-ip." placeholder:"IP" group:"TURN"`
	TURNRealm      string        `name:"turn-realm" default:"kelas" help:"Realm of the TURN server." group:"TURN"`
	TURNTTL        time.Duration `name:"turn-ttl" default:"12h" help:"How long a TURN credential is good for." group:"TURN"`

	TLS          string   `name:"tls" enum:"off,self-signed,files,acme" default:"off" help:"off, self-signed, files or acme. Browsers open cameras only on https or on the machine itself." group:"TLS"`
	TLSCert      string   `name:"tls-cert" help:"Certificate chain in PEM, for --tls files." placeholder:"FILE" group:"TLS"`
	TLSKey       string   `name:"tls-key" help:"Private key in PEM, for --tls files." placeholder:"FILE" group:"TLS"`
	TLSDomain    []string `name:"tls-domain" help:"Name (for acme) or name or address (for self-signed) that the certificate is for; may be given more than once." placeholder:"NAME" group:"TLS"`
	ACMEEmail    string   `name:"acme-email" help:"Address that the certificate authority may write to." placeholder:"EMAIL" group:"TLS"`
	ACMEURL      string   `name:"acme-url" default:"https://acme-v02.api.letsencrypt.org/directory" help:"Directory of the certificate authority." placeholder:"URL" group:"TLS"`
	ACMEHTTPAddr string   `name:"acme-http" help:"Also answer HTTP challenges here and send visitors on to https, such as :80; TLS-ALPN on the main port otherwise." placeholder:"ADDR" group:"TLS"`

	KurentoToken         string        `name:"kurento-token" help:"Opens /kurento to applications written for Kurento, as ?access_token= or a bearer token." placeholder:"TOKEN" secret:"all" group:"Kurento"`
	KurentoAddr          string        `name:"kurento-addr" help:"Also speak Kurento's protocol on an address of its own, such as 127.0.0.1:8888; elsewhere than on the machine itself it needs --kurento-token." placeholder:"ADDR" group:"Kurento"`
	KurentoTLSAddr       string        `name:"kurento-tls-addr" help:"The same over TLS (wss), with the certificate of --tls, such as :8433." placeholder:"ADDR" group:"Kurento"`
	KurentoFileRoot      string        `name:"kurento-file-root" help:"Folder that Kurento's recorders and players may use; none when empty." placeholder:"DIR" group:"Kurento"`
	KurentoPlayFrom      []string      `name:"kurento-play-from" help:"Host, *.domain, address or network (with or without :port) that Kurento's players may read from by http and rtsp, * for every public address; may be given more than once." placeholder:"HOST" group:"Kurento"`
	KurentoSTUN          string        `name:"kurento-stun" help:"STUN server (IP:PORT) of Kurento's endpoints that set none." placeholder:"ADDR" group:"Kurento"`
	KurentoTURN          string        `name:"kurento-turn" help:"TURN server of Kurento's endpoints that set none: user:password@ip:port, with ?transport=tcp or tls where it is not UDP." placeholder:"URL" secret:"all" group:"Kurento"`
	KurentoInterfaces    string        `name:"kurento-interfaces" help:"Network interfaces, with commas between them, whose addresses Kurento's endpoints tell where they set none." placeholder:"NAMES" group:"Kurento"`
	KurentoStrict        bool          `name:"kurento-strict" help:"Keep each Kurento session to the objects it made itself." group:"Kurento"`
	KurentoMaxObjects    int           `name:"kurento-max-objects" default:"10000" help:"Objects that one Kurento session may hold." group:"Kurento"`
	KurentoMaxMessage    byteSize      `name:"kurento-max-message" default:"1MiB" help:"Largest message of the Kurento protocol." group:"Kurento"`
	KurentoMaxSessions   int           `name:"kurento-max-sessions-per-address" default:"256" help:"Kurento sessions, and connections, of one address." group:"Kurento"`
	KurentoCollectPeriod time.Duration `name:"kurento-collect-period" default:"240s" help:"How often Kurento sessions without a connection that nobody used lose their objects." group:"Kurento"`

	MaxParticipants int           `name:"max-participants" default:"500" help:"Participants in one class." group:"Limits"`
	MaxClasses      int           `name:"max-classes" default:"200" help:"Classes with media at once." group:"Limits"`
	MaxFileSize     byteSize      `name:"max-file-size" default:"500MB" help:"Largest shared file." group:"Limits"`
	ClassQuota      byteSize      `name:"class-quota" default:"5GB" help:"All shared files of one class together." group:"Limits"`
	ConnsPerAddress int           `name:"max-connections-per-address" default:"600" help:"Signaling connections from one address; a school is often behind one." group:"Limits"`
	JoinsPerMinute  int           `name:"max-joins-per-minute" default:"1200" help:"Joins a minute from one address." group:"Limits"`
	ResumeWindow    time.Duration `name:"resume-window" default:"30s" help:"How long a cut line may come back as if nothing had happened." group:"Limits"`
	LoginTTL        time.Duration `name:"login-ttl" default:"336h" help:"How long a log-in lasts." group:"Limits"`
	TrustedProxy    []string      `name:"trusted-proxy" help:"Address or network of a proxy whose X-Forwarded-For is believed; may be given more than once." placeholder:"CIDR" group:"Proxy"`
	AllowedOrigin   []string      `name:"allowed-origin" help:"Further origin whose pages may open signaling connections; may be given more than once." placeholder:"ORIGIN" group:"Proxy"`
	BBBSecret       []string      `name:"bbb-secret" help:"Shared secret of an LMS that speaks BigBlueButton's API, which is offered at /bigbluebutton/api/ then; a second one while it is being exchanged." placeholder:"SECRET" secret:"all" group:"LMS"`
	JWTSecret       []string      `name:"jwt-secret" help:"NAME=SECRET of an LMS that signs join tokens itself (HS256, iss NAME); the secret has at least 32 bytes; may be given more than once." placeholder:"NAME=SECRET" secret:"all" group:"LMS"`
	FrameAncestors  []string      `name:"frame-ancestors" help:"Origin of an LMS that may show classes in a frame, such as https://lms.example.org; may be given more than once." placeholder:"ORIGIN" group:"LMS"`
	APIOrigin       []string      `name:"api-origin" help:"Origin whose pages' scripts may use the API (CORS); may be given more than once." placeholder:"ORIGIN" group:"LMS"`
	APIRate         int           `name:"api-rate" default:"600" help:"Requests that an API key may make in a minute." group:"LMS"`
	SigningKeyAge   time.Duration `name:"signing-key-age" default:"2160h" help:"When a new key for join tokens takes over by itself; what the former one signed stays valid. 0 for never." group:"LMS"`
	BBBAlgorithms   []string      `name:"bbb-checksum" help:"Checksums taken there: of sha1, sha256, sha384, sha512; all when not given." placeholder:"NAME" group:"LMS"`
	WebhookAllow    []string      `name:"webhook-allow" help:"Address or network inside that webhooks, callbacks and requests for an LMS's documents may be sent to, besides the public internet; may be given more than once." placeholder:"CIDR" group:"Operation"`

	MetricsToken     string        `name:"metrics-token" help:"Bearer token for /metrics from elsewhere than the machine itself." placeholder:"TOKEN" secret:"all" group:"Operation"`
	LogLevel         string        `name:"log-level" enum:"debug,info,warn,error" default:"info" help:"debug, info, warn or error." group:"Operation"`
	LogFormat        string        `name:"log-format" enum:"text,json" default:"text" help:"text or json." group:"Operation"`
	ShutdownDuration time.Duration `name:"shutdown-timeout" default:"15s" help:"How long a graceful stop may take." group:"Operation"`
}

// byteSize is a number of bytes written as people do: 500MB, 5GB, 1GiB.
type byteSize int64

var byteUnits = []struct {
	suffix string
	factor int64
}{
	{"KIB", 1 << 10}, {"MIB", 1 << 20}, {"GIB", 1 << 30}, {"TIB", 1 << 40},
	{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1}, {"", 1},
}

// UnmarshalText reads a size; kong and YAML use it.
func (b *byteSize) UnmarshalText(text []byte) error {
	s := strings.ToUpper(strings.TrimSpace(string(text)))
	for _, u := range byteUnits {
		digits, ok := strings.CutSuffix(s, u.suffix)
		if !ok {
			continue
		}
		var n int64
		if _, err := fmt.Sscanf(strings.TrimSpace(digits)+"\n", "%d\n", &n); err != nil || n <= 0 || n > (1<<62)/u.factor {
			return fmt.Errorf("%q is not a size such as 500MB", text)
		}
		*b = byteSize(n * u.factor)
		return nil
	}
	return fmt.Errorf("%q is not a size such as 500MB", text)
}

// MarshalText writes the size in the largest decimal unit that divides it.
func (b byteSize) MarshalText() ([]byte, error) {
	for _, u := range []struct {
		name   string
		factor int64
	}{{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}} {
		if b != 0 && int64(b)%u.factor == 0 {
			return fmt.Appendf(nil, "%d%s", int64(b)/u.factor, u.name), nil
		}
	}
	return fmt.Appendf(nil, "%dB", int64(b)), nil
}

// Validate names the option that cannot be used.
func (f *serveFlags) Validate() error {
	var errs []error
	addr := func(name, value string) {
		if _, port, err := net.SplitHostPort(value); err != nil || port == "" {
			errs = append(errs, fmt.Errorf("--%s: %q is not an address such as 127.0.0.1:8080 or :8080", name, value))
		}
	}
	if _, _, err := portRange(f.RTPPorts); err != nil {
		errs = append(errs, fmt.Errorf("--rtp-ports: %w", err))
	}
	addr("http", f.HTTP)
	addr("media-addr", f.MediaAddr)
	if f.MediaTCPAddr != "" && f.MediaTCPAddr != "off" {
		addr("media-tcp-addr", f.MediaTCPAddr)
	}
	if f.TURNAddr != "" {
		addr("turn-addr", f.TURNAddr)
	}
	if f.ACMEHTTPAddr != "" {
		addr("acme-http", f.ACMEHTTPAddr)
	}
	for _, ip := range append(append([]string{}, f.ExternalIP...), f.TURNExternalIP) {
		if _, err := netip.ParseAddr(ip); ip != "" && err != nil {
			errs = append(errs, fmt.Errorf("--external-ip, --turn-external-ip: %q is not an IP address", ip))
		}
	}
	for _, p := range f.TrustedProxy {
		_, errAddr := netip.ParseAddr(p)
		_, errNet := netip.ParsePrefix(p)
		if errAddr != nil && errNet != nil {
			errs = append(errs, fmt.Errorf("--trusted-proxy: %q is neither an address nor a network", p))
		}
	}
	if len(f.BBBSecret) > 0 || len(f.BBBAlgorithms) > 0 {
		if err := (bbb.Config{Secrets: f.BBBSecret, Algorithms: f.BBBAlgorithms}).Validate(); err != nil {
			errs = append(errs, fmt.Errorf("--bbb-secret, --bbb-checksum: %w", err))
		}
	}
	if _, err := outbound.ParseNetworks(f.WebhookAllow); err != nil {
		errs = append(errs, fmt.Errorf("--webhook-allow: %w", err))
	}
	for _, o := range append(append([]string{}, f.AllowedOrigin...), f.PublicURL) {
		if u, err := url.Parse(o); o != "" && (err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https")) {
			errs = append(errs, fmt.Errorf("--public-url, --allowed-origin: %q is not an address such as https://class.example.org", o))
		}
	}
	if _, err := f.signer(); err != nil {
		errs = append(errs, err)
	}
	if err := (rest.Config{Rate: f.APIRate, Origins: f.APIOrigin}).Validate(); err != nil || f.APIRate < 1 {
		errs = append(errs, errors.Join(errors.New("--api-rate, --api-origin cannot be used"), err))
	}
	if err := (web.Config{FrameAncestors: f.FrameAncestors}).Validate(); err != nil {
		errs = append(errs, fmt.Errorf("--frame-ancestors: %w", err))
	}
	switch f.TLS {
	case "files":
		if f.TLSCert == "" || f.TLSKey == "" {
			errs = append(errs, errors.New("--tls files needs --tls-cert and --tls-key"))
		}
	case "acme":
		if len(f.TLSDomain) == 0 {
			errs = append(errs, errors.New("--tls acme needs --tls-domain"))
		}
	}
	errs = append(errs, f.validateKurento(addr)...)
	if n := len(f.MetricsToken); n > 0 && n < 16 {
		errs = append(errs, errors.New("--metrics-token must have at least 16 characters"))
	}
	for name, n := range map[string]int{"max-participants": f.MaxParticipants, "max-classes": f.MaxClasses, "max-connections-per-address": f.ConnsPerAddress, "max-joins-per-minute": f.JoinsPerMinute,
		"kurento-max-objects": f.KurentoMaxObjects, "kurento-max-sessions-per-address": f.KurentoMaxSessions} {
		if n < 1 {
			errs = append(errs, fmt.Errorf("--%s must be at least 1", name))
		}
	}
	for name, d := range map[string]time.Duration{"resume-window": f.ResumeWindow, "login-ttl": f.LoginTTL, "shutdown-timeout": f.ShutdownDuration, "turn-ttl": f.TURNTTL, "kurento-collect-period": f.KurentoCollectPeriod} {
		if d < time.Second {
			errs = append(errs, fmt.Errorf("--%s must be at least 1s", name))
		}
	}
	return errors.Join(errs...)
}

func (f *serveFlags) validateKurento(addr func(name, value string)) []error {
	var errs []error
	if n := len(f.KurentoToken); n > 0 && n < 16 {
		errs = append(errs, errors.New("--kurento-token must have at least 16 characters"))
	}
	if f.KurentoMaxMessage < 4096 {
		errs = append(errs, errors.New("--kurento-max-message must be at least 4KiB"))
	}
	for name, value := range map[string]string{"kurento-addr": f.KurentoAddr, "kurento-tls-addr": f.KurentoTLSAddr} {
		if value == "" {
			continue
		}
		addr(name, value)
		host, _, _ := net.SplitHostPort(value)
		if ip, err := netip.ParseAddr(host); f.KurentoToken == "" && host != "localhost" && (err != nil || !ip.IsLoopback()) {
			errs = append(errs, fmt.Errorf("--%s elsewhere than on the machine itself (127.0.0.1) needs --kurento-token", name))
		}
	}
	if err := f.kurentoAddresses().Check(); err != nil {
		errs = append(errs, fmt.Errorf("--kurento-stun, --kurento-turn: %w", err))
	}
	if f.KurentoTLSAddr != "" && f.TLS == "off" {
		errs = append(errs, errors.New("--kurento-tls-addr needs --tls self-signed, files or acme"))
	}
	return errs
}

// signer is how tokens are signed and whose are taken.
func (f *serveFlags) signer() (auth.SignerConfig, error) {
	c := auth.SignerConfig{MaxAge: f.SigningKeyAge, Shared: map[string]string{}}
	if c.MaxAge == 0 {
		c.MaxAge = -1
	}
	if f.SigningKeyAge < 0 || f.SigningKeyAge > 0 && f.SigningKeyAge < time.Hour {
		return c, errors.New("--signing-key-age must be 0 or at least 1h")
	}
	for _, pair := range f.JWTSecret {
		name, secret, ok := strings.Cut(pair, "=")
		if _, twice := c.Shared[name]; !ok || twice {
			return c, errors.New("--jwt-secret must be NAME=SECRET, each name once")
		}
		c.Shared[name] = secret
	}
	if err := c.Validate(); err != nil {
		return c, fmt.Errorf("--jwt-secret: %w", err)
	}
	return c, nil
}

// yamlResolver gives kong the values of a configuration file. An unknown key
// is an error: a mistyped option must not be ignored in silence.
func yamlResolver(r io.Reader) (kong.Resolver, error) {
	values := map[string]any{}
	if err := yaml.NewDecoder(r).Decode(&values); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading the configuration file: %w", err)
	}
	return &fileResolver{values: values}, nil
}

type fileResolver struct{ values map[string]any }

// Validate refuses keys that no command has an option for. Commands share
// one file, so an option of another command is fine.
func (f *fileResolver) Validate(app *kong.Application) error {
	known := map[string]bool{}
	var visit func(n *kong.Node)
	visit = func(n *kong.Node) {
		for _, fl := range n.Flags {
			known[fl.Name] = true
		}
		for _, c := range n.Children {
			visit(c)
		}
	}
	visit(app.Node)
	for key := range f.values {
		if !known[key] || key == "config" || key == "help" {
			return fmt.Errorf("the configuration file has %q, which is no option", key)
		}
	}
	return nil
}

// Resolve hands out a key's value unless the environment has the option:
// the environment goes before the file.
func (f *fileResolver) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if _, ok := os.LookupEnv(name); ok {
			return nil, nil
		}
	}
	value, ok := f.values[flag.Name]
	if !ok {
		return nil, nil
	}
	if list, ok := value.([]any); ok {
		out := make([]string, len(list))
		for i, v := range list {
			out[i] = fmt.Sprint(v)
		}
		return strings.Join(out, ","), nil
	}
	return fmt.Sprint(value), nil
}

// effective returns the options as they came out, in the order they are
// declared, with secrets hidden.
func effective(parts ...any) (*yaml.Node, error) {
	doc := &yaml.Node{Kind: yaml.MappingNode}
	for _, part := range parts {
		v := reflect.ValueOf(part).Elem()
		for i := range v.NumField() {
			field := v.Type().Field(i)
			name := field.Tag.Get("name")
			if name == "" {
				continue
			}
			value := v.Field(i).Interface()
			if secret := field.Tag.Get("secret"); secret != "" {
				value = hideAll(secret, v.Field(i))
			}
			if d, ok := value.(time.Duration); ok {
				value = d.String()
			}
			var key, val yaml.Node
			key.SetString(name)
			if err := val.Encode(value); err != nil {
				return nil, fmt.Errorf("writing --%s: %w", name, err)
			}
			doc.Content = append(doc.Content, &key, &val)
		}
	}
	return doc, nil
}

// hideAll hides a secret or each of a list of them.
func hideAll(kind string, v reflect.Value) any {
	list, ok := v.Interface().([]string)
	if !ok {
		return hide(kind, v.String())
	}
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = hide(kind, s)
	}
	return out
}

// hide replaces a secret; of a URI the user information and passwords among
// its parameters are.
func hide(kind, value string) string {
	if value == "" {
		return ""
	}
	if kind == "uri" {
		u, err := url.Parse(value)
		if err != nil {
			return "(hidden)"
		}
		if u.User != nil {
			u.User = url.UserPassword("hidden", "hidden")
		}
		query := u.Query()
		for key := range query { // such as tlsCertificateKeyFilePassword
			if low := strings.ToLower(key); strings.Contains(low, "password") || strings.Contains(low, "mechanismproperties") {
				query.Set(key, "hidden")
				u.RawQuery = query.Encode()
			}
		}
		return u.String()
	}
	return "(hidden)"
}
