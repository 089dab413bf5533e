package faults

import (
	"context"
	"net"
	"net/http"
	"time"
)

// Serve serves h on a free port of 127.0.0.1 until stop is called, which cuts
// off what is under way.
func Serve(ctx context.Context, h http.Handler) (url string, stop func(), err error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener) // ends with the error that says that it was closed
	}()
	return "http://" + listener.Addr().String(), func() {
		_ = server.Close() // its connections are nobody's work
		<-ended
	}, nil
}
