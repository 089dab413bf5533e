package server

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

// watched is what files say, read again when they have changed.
type watched[T any] struct {
	paths []string
	read  func() (T, error)
	log   *slog.Logger

	mu    sync.Mutex
	value T
	stamp string    // of value
	next  time.Time // look
	wrong string    // why it could not be read last time
}

// watchFiles reads once; nothing is watched while nobody asks.
func watchFiles[T any](log *slog.Logger, read func() (T, error), paths ...string) (*watched[T], error) {
	w := &watched[T]{paths: paths, read: read, log: cmp.Or(log, slog.Default())}
	w.stamp, w.next = w.look(), time.Now().Add(time.Second)
	var err error
	w.value, err = read()
	return w, err
}

// look tells one state of the files from another.
func (w *watched[T]) look() (stamp string) {
	for _, path := range w.paths {
		if info, err := os.Stat(path); err == nil {
			stamp += fmt.Sprint(info.ModTime().UnixNano(), info.Size(), " ")
		}
	}
	return stamp
}

func (w *watched[T]) get() T {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if now.Before(w.next) {
		return w.value
	}
	w.next = now.Add(time.Second)
	stamp := w.look()
	if stamp == w.stamp {
		w.wrong = ""
		return w.value
	}
	value, err := w.read()
	if err != nil { // the next look tries again: what keeps it from being read need not show in the stamp
		if w.wrong != err.Error() {
			w.log.Error("what was read before still holds", slog.Any("error", err))
		}
		w.wrong = err.Error()
		return w.value
	}
	w.stamp, w.wrong = stamp, ""
	w.log.Info("read again", slog.Any("files", w.paths))
	w.value = value
	return value
}

// FileTLS is a TLS configuration over files in PEM, which are read again when
// they have changed, as [CredentialsFile] is. With clientCA a client may show a
// certificate that one of its authorities has signed; who shows none needs a
// token. clientCA may be empty.
func FileTLS(cert, key, clientCA string, log *slog.Logger) (*tls.Config, error) {
	read := func() (*tls.Config, error) { return readTLS(cert, key, clientCA) }
	paths := []string{cert, key}
	if clientCA != "" {
		paths = append(paths, clientCA)
	}
	w, err := watchFiles(log, read, paths...)
	if err != nil {
		return nil, err
	}
	c := w.value.Clone()
	c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return w.get(), nil }
	return c, nil
}

func readTLS(cert, key, clientCA string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("goflow: server: TLS: %w", err)
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2"}}
	if clientCA == "" {
		return c, nil
	}
	text, err := os.ReadFile(clientCA) //nolint:gosec // the operator names it
	if err != nil {
		return nil, fmt.Errorf("goflow: server: TLS: %w", err)
	}
	c.ClientCAs, c.ClientAuth = x509.NewCertPool(), tls.VerifyClientCertIfGiven
	if !c.ClientCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("goflow: server: TLS: %w %s: there is no certificate in it", port.ErrInvalid, clientCA)
	}
	return c, nil
}
