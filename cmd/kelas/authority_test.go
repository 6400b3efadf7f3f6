package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// authority is a certificate authority that speaks as much of ACME (RFC 8555)
// as a client needs for one order, and looks itself whether the server
// answers its challenge. It believes every signature: the protocol's client
// is not what is tested.
type authority struct {
	t         *testing.T
	url       string
	challenge string                           // http-01 or tls-alpn-01
	look      func(token string) (bool, error) // whether the challenge is answered
	key       *ecdsa.PrivateKey
	root      *x509.Certificate

	mu     sync.Mutex
	status string // of the authorization
	cert   []byte
	orders int
	names  []string
}

func newAuthority(t *testing.T, challenge string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{t: t, challenge: challenge, key: key, root: root, status: "pending"}
	s := httptest.NewServer(a)
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections() // acme.Client uses it
		s.Close()
	})
	a.url = s.URL
	return a
}

// trust is what a browser that knows the authority would use.
func (a *authority) trust(name string) *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(a.root)
	return &tls.Config{RootCAs: pool, ServerName: name}
}

func (a *authority) order(status string) map[string]any {
	o := map[string]any{"status": status, "authorizations": []string{a.url + "/authz"}, "finalize": a.url + "/finalize",
		"identifiers": []map[string]string{{"type": "dns", "value": "class.example.org"}}}
	if status == "valid" {
		o["certificate"] = a.url + "/cert"
	}
	return o
}

func (a *authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w.Header().Set("Replay-Nonce", rand.Text())
	var jws struct{ Payload string }
	body, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(body, &jws) // a GET has none
	payload, _ := base64.RawURLEncoding.DecodeString(jws.Payload)
	say := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	token := "token-of-the-authority-0123456789"
	challenges := []map[string]string{{"type": a.challenge, "url": a.url + "/challenge", "token": token, "status": a.status}}
	authorization := map[string]any{"status": a.status, "identifier": map[string]string{"type": "dns", "value": "class.example.org"}, "challenges": challenges}
	switch r.URL.Path {
	case "/directory":
		say(200, map[string]string{"newNonce": a.url + "/nonce", "newAccount": a.url + "/account", "newOrder": a.url + "/order"})
	case "/nonce":
	case "/account":
		w.Header().Set("Location", a.url+"/account/1")
		say(201, map[string]string{"status": "valid"})
	case "/order":
		a.orders++
		w.Header().Set("Location", a.url+"/order/1")
		say(201, a.order("pending"))
	case "/order/1":
		status := map[string]string{"pending": "pending", "valid": "ready", "invalid": "invalid"}[a.status]
		if a.cert != nil {
			status = "valid"
		}
		say(200, a.order(status))
	case "/authz":
		say(200, authorization)
	case "/challenge":
		a.status = "invalid"
		if ok, err := a.look(token); ok {
			a.status = "valid"
		} else {
			a.t.Errorf("the challenge is not answered: %v", err)
		}
		challenges[0]["status"] = a.status
		say(200, challenges[0])
	case "/finalize":
		if err := a.issue(payload); err != nil {
			a.t.Error(err)
			say(400, map[string]string{"type": "urn:ietf:params:acme:error:badCSR"})
			return
		}
		w.Header().Set("Location", a.url+"/order/1")
		say(200, a.order("valid"))
	case "/cert":
		w.Header().Set("Content-Type", "application/pem-certificate-chain")
		_, _ = w.Write(a.cert)
	default:
		http.NotFound(w, r)
	}
}

func (a *authority) issue(payload []byte) error {
	var asked struct{ CSR string }
	if err := json.Unmarshal(payload, &asked); err != nil {
		return err
	}
	der, err := base64.RawURLEncoding.DecodeString(asked.CSR)
	if err != nil {
		return err
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return err
	}
	a.names = csr.DNSNames
	template := &x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: csr.DNSNames,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	leaf, err := x509.CreateCertificate(rand.Reader, template, a.root, csr.PublicKey, a.key)
	if err != nil {
		return err
	}
	a.cert = append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.root.Raw})...)
	return nil
}

// lookHTTP asks as an authority does: over plain HTTP, by the name.
func lookHTTP(c *http.Client, addr, name string) func(string) (bool, error) {
	return func(token string) (bool, error) {
		req, err := http.NewRequest("GET", "http://"+addr+"/.well-known/acme-challenge/"+token, nil)
		if err != nil {
			return false, err
		}
		req.Host = name
		answer, err := c.Do(req)
		if err != nil {
			return false, err
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK || !strings.HasPrefix(string(body), token+".") {
			return false, fmt.Errorf("%d %q, %v", answer.StatusCode, body, err)
		}
		return true, nil
	}
}

// lookALPN asks by a TLS handshake (RFC 8737).
func lookALPN(addr, name string) func(string) (bool, error) {
	return func(string) (bool, error) {
		c, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", addr, &tls.Config{ServerName: name, NextProtos: []string{"acme-tls/1"}, InsecureSkipVerify: true})
		if err != nil {
			return false, err
		}
		defer c.Close()
		state := c.ConnectionState()
		for _, e := range state.PeerCertificates[0].Extensions {
			if e.Id.String() == "1.3.6.1.5.5.7.1.31" && state.NegotiatedProtocol == "acme-tls/1" {
				return true, nil
			}
		}
		return false, fmt.Errorf("protocol %q, no extension of the challenge", state.NegotiatedProtocol)
	}
}
