package server

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/rpc"
)

// Credentials are callers that are known beforehand. Their roles are push, read
// and admin.
type Credentials struct {
	Tokens       []Token       `json:"tokens"`
	Certificates []Certificate `json:"certificates"`
}

// Token is a bearer token, of which only the digest is kept. Tokens have to be
// random: 32 bytes or more of them, since nothing slows down who tries.
type Token struct {
	// Name is its owner's, for the log.
	Name string `json:"name"`
	// SHA256 is the digest of the token's bytes, in 64 hexadecimal digits.
	SHA256 string   `json:"sha256"`
	Roles  []string `json:"roles"`
	// Expires is when it is over; zero: never.
	Expires time.Time `json:"expires"`
}

// Certificate is a client certificate, which TLS has verified.
type Certificate struct {
	// Name is its common name, or one of the DNS names, mail addresses or URIs among
	// its alternative names. If a certificate has several that are listed, the
	// caller has the roles of the first in this list.
	Name  string   `json:"name"`
	Roles []string `json:"roles"`
}

// Static is an Authenticator over c. port.ErrInvalid names what of c is wrong.
func Static(c Credentials) (Authenticator, error) {
	s := static{}
	for i, t := range c.Tokens {
		digest, err := hex.DecodeString(t.SHA256)
		if err != nil || len(digest) != sha256.Size {
			return nil, fmt.Errorf("goflow: server: %w token %d (%.80s): sha256 is not 64 hexadecimal digits", port.ErrInvalid, i+1, t.Name)
		}
		caller, err := newCaller(fmt.Sprintf("token %d", i+1), t.Name, t.Roles)
		if err != nil {
			return nil, err
		}
		caller.Expires = t.Expires
		s.tokens = append(s.tokens, knownToken{[sha256.Size]byte(digest), caller})
	}
	for i, cert := range c.Certificates {
		caller, err := newCaller(fmt.Sprintf("certificate %d", i+1), cert.Name, cert.Roles)
		if err != nil {
			return nil, err
		}
		s.certificates = append(s.certificates, caller)
	}
	return s, nil
}

func newCaller(what, name string, roles []string) (Caller, error) {
	c := Caller{Name: name}
	if name == "" || len(roles) == 0 {
		return c, fmt.Errorf("goflow: server: %w %s (%.80s): give it a name and one or more roles", port.ErrInvalid, what, name)
	}
	for _, role := range roles {
		value, ok := rpc.Role_value["ROLE_"+strings.ToUpper(role)]
		if !ok || value == 0 {
			return c, fmt.Errorf("goflow: server: %w %s (%.80s): role %.80q: give push, read or admin", port.ErrInvalid, what, name, role)
		}
		c.Roles = append(c.Roles, rpc.Role(value))
	}
	return c, nil
}

type static struct {
	tokens       []knownToken
	certificates []Caller
}

type knownToken struct {
	digest [sha256.Size]byte
	caller Caller
}

// Authenticate takes the same time whichever token it is, and whether it is one.
func (s static) Authenticate(_ context.Context, c Credential) (Caller, error) {
	switch {
	case c.Token != "":
		return s.byToken(c.Token)
	case c.Certificate != nil:
		return s.byCertificate(c.Certificate)
	}
	return Caller{}, ErrUnknownCaller
}

func (s static) byToken(token string) (Caller, error) {
	digest := sha256.Sum256([]byte(token))
	found := -1
	for i := range s.tokens {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(digest[:], s.tokens[i].digest[:]), i, found)
	}
	if found < 0 {
		return Caller{}, ErrUnknownCaller
	}
	return s.tokens[found].caller, nil
}

func (s static) byCertificate(c *x509.Certificate) (Caller, error) {
	names := slices.Concat([]string{c.Subject.CommonName}, c.DNSNames, c.EmailAddresses)
	for _, uri := range c.URIs {
		names = append(names, uri.String())
	}
	for _, caller := range s.certificates {
		if slices.Contains(names, caller.Name) {
			caller.Expires = c.NotAfter
			return caller, nil
		}
	}
	return Caller{}, ErrUnknownCaller
}

// CredentialsFile is Static over a file of Credentials in YAML or JSON. It is
// read again when it has changed, which is looked for once a second while calls
// come. If it cannot be read then, what was read before holds, and log says so;
// nil is slog.Default.
func CredentialsFile(path string, log *slog.Logger) (Authenticator, error) {
	f, err := watchFiles(log, func() (Authenticator, error) {
		text, err := os.ReadFile(path) //nolint:gosec // the operator names it
		if err != nil {
			return nil, fmt.Errorf("goflow: server: credentials: %w", err)
		}
		var c Credentials
		if err := yaml.UnmarshalStrict(text, &c); err != nil {
			return nil, fmt.Errorf("goflow: server: %w credentials in %s: %w", port.ErrInvalid, path, err)
		}
		a, err := Static(c)
		if err != nil {
			return nil, fmt.Errorf("%w, in %s", err, path)
		}
		return a, nil
	}, path)
	return credentialsFile{f}, err
}

type credentialsFile struct{ *watched[Authenticator] }

func (f credentialsFile) Authenticate(ctx context.Context, c Credential) (Caller, error) {
	return f.get().Authenticate(ctx, c)
}
