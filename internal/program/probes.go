package program

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// ServeProbes lets h answer whoever watches the process, at addr, until stop is
// called; at "" and off nobody is answered, and listens is empty. failed is told
// if it ends by itself.
func ServeProbes(ctx context.Context, addr string, h http.Handler, failed func(error)) (listens string, stop func(), err error) {
	if addr == "" || addr == "off" {
		return "", func() {}, nil
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			failed(err)
		}
	}()
	return listener.Addr().String(), func() {
		_ = server.Close() // its connections are nobody's work
		<-done
	}, nil
}
