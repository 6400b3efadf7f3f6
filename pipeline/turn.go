package pipeline

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pion/logging"
	"github.com/pion/turn/v5"
)

// turnServer relays for browsers that cannot reach the media port. It relays to
// that port only, so it is of no use to anybody else.
type turnServer struct {
	server *turn.Server
	addr   net.Addr
	urls   []string
	secret []byte
	ttl    time.Duration
	realm  string
	now    func() time.Time

	quota, most int
	mu          sync.Mutex
	held        map[string]int // allocations by user
	total       int
}

func startTURN(cfg Config, n *network, logs logging.LoggerFactory) (*turnServer, error) {
	t := &turnServer{
		secret: cfg.TURNSecret, ttl: cfg.TURNTTL, realm: cfg.TURNRealm, now: time.Now,
		quota: cfg.TURNQuota, most: cfg.TURNMaxAllocations, held: make(map[string]int),
	}
	if len(t.secret) == 0 {
		t.secret = make([]byte, 32)
		_, _ = rand.Read(t.secret) // never fails: crypto/rand ends the program instead
	}
	udp, tcp, err := listenTURN(cfg, n)
	if err != nil {
		return nil, fmt.Errorf("listening for TURN on %s: %w", cfg.TURNAddr, err)
	}
	closeBoth := func() {
		_ = udp.Close()
		if tcp != nil {
			_ = tcp.Close()
		}
	}
	t.addr = udp.LocalAddr()
	relays, err := newRelays(cfg, n, t.addr)
	if err != nil {
		closeBoth()
		return nil, err
	}
	t.urls = turnURLs(relays.public, t.addr, tcp != nil)
	config := turn.ServerConfig{
		Realm:         t.realm,
		LoggerFactory: logs,
		AuthHandler:   t.authenticate,
		QuotaHandler:  t.allow,
		EventHandler: turn.EventHandler{
			OnAllocationCreated: func(_, _ net.Addr, _, user, _ string, _ net.Addr, _ int) { t.count(user, 1) },
			OnAllocationDeleted: func(_, _ net.Addr, _, user, _ string) { t.count(user, -1) },
		},
		PacketConnConfigs: []turn.PacketConnConfig{{
			PacketConn: udp, RelayAddressGenerator: relays, PermissionHandler: relays.permits,
		}},
	}
	if tcp != nil {
		config.ListenerConfigs = []turn.ListenerConfig{{
			Listener: tcp, RelayAddressGenerator: relays, PermissionHandler: relays.permits,
		}}
	}
	if t.server, err = turn.NewServer(config); err != nil {
		closeBoth()
		return nil, fmt.Errorf("starting the TURN server: %w", err)
	}
	return t, nil
}

// listenTURN opens both listeners on one port. A virtual network has no TCP.
func listenTURN(cfg Config, n *network) (net.PacketConn, net.Listener, error) {
	if cfg.Net != nil {
		udp, err := n.net.ListenPacket("udp4", cfg.TURNAddr)
		return udp, nil, err
	}
	// With port 0 the UDP port that the system gives may be taken for TCP.
	for range 10 {
		udp, err := net.ListenPacket("udp", cfg.TURNAddr)
		if err != nil {
			return nil, nil, err
		}
		tcp, err := net.Listen("tcp", udp.LocalAddr().String())
		if err == nil {
			return udp, tcp, nil
		}
		_ = udp.Close()
		if _, port, _ := net.SplitHostPort(cfg.TURNAddr); port != "0" {
			return nil, nil, err
		}
	}
	return nil, nil, errors.New("no port is free for both UDP and TCP")
}

func turnURLs(public net.IP, addr net.Addr, tcp bool) []string {
	_, port, _ := net.SplitHostPort(addr.String())
	host := net.JoinHostPort(public.String(), port)
	urls := []string{"turn:" + host + "?transport=udp"}
	if tcp {
		urls = append(urls, "turn:"+host+"?transport=tcp")
	}
	return urls
}

// credentials follow the "REST API for access to TURN services": the name holds
// the end of its time, the password is an HMAC of the name.
func (t *turnServer) credentials(user string) ICEServer {
	name := strconv.FormatInt(t.now().Add(t.ttl).Unix(), 10) + ":" + user
	return ICEServer{URLs: t.urls, Username: name, Credential: t.password(name)}
}

func (t *turnServer) password(name string) string {
	mac := hmac.New(sha1.New, t.secret)
	mac.Write([]byte(name))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// authenticate gives pion the key to check the message with (RFC 8489, section
// 9.2.2); a name whose time is over has none.
func (t *turnServer) authenticate(ra *turn.RequestAttributes) (userID string, key []byte, ok bool) {
	end, user, found := strings.Cut(ra.Username, ":")
	if !found || ra.Realm != t.realm || len(ra.Username) > 256 {
		return "", nil, false
	}
	seconds, err := strconv.ParseInt(end, 10, 64)
	if err != nil || t.now().Unix() >= seconds {
		return "", nil, false
	}
	return user, turn.GenerateAuthKey(ra.Username, ra.Realm, t.password(ra.Username)), true
}

// allow is asked before an allocation.
func (t *turnServer) allow(user, _ string, _ net.Addr) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.total < t.most && t.held[user] < t.quota
}

func (t *turnServer) count(user string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total += n
	if t.held[user] += n; t.held[user] <= 0 {
		delete(t.held, user)
	}
}

func (t *turnServer) allocations() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.total
}

func (t *turnServer) close() error { return t.server.Close() }
