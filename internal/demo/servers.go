package main

import (
	"context"
	"fmt"
	"net"
	"time"
)

// workRemotely has two servers and two workers. The producer knows the servers
// only, of which one is killed in the middle.
func (d *demo) workRemotely(ctx context.Context, shop *workshop) error {
	for _, name := range []string{"worker-1", "worker-2"} {
		if _, err := shop.start(name, "cmd/localworker"); err != nil {
			return err
		}
	}
	first, one, err := shop.serve(ctx, "server-1")
	if err != nil {
		return err
	}
	_, other, err := shop.serve(ctx, "server-2")
	if err != nil {
		return err
	}
	if d.producer, err = shop.program("internal/demo/remote"); err != nil {
		return err
	}
	err = d.runProducer(ctx, shop.env, func(n int) error {
		if n == killAt {
			return first.kill()
		}
		return nil
	}, one+","+other)
	if err != nil {
		d.say("producer: %v", err) // what it leaves open shows in the table
	}
	return nil
}

// serve starts a server and waits until it listens.
func (w *workshop) serve(ctx context.Context, name string) (p *process, address string, err error) {
	if address, err = freeAddress(ctx); err != nil {
		return nil, "", err
	}
	if p, err = w.start(name, "cmd/goflow", "server", "--grpc-addr", address, "--http-addr", "off"); err != nil {
		return nil, "", err
	}
	if err = reachable(ctx, address); err != nil {
		err = fmt.Errorf("%w; its log ends with: %s", err, lastWords(p.log()))
	}
	return p, address, err
}

// freeAddress is an address of this machine that nobody listens on.
func freeAddress(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// reachable waits until somebody listens on an address.
func reachable(ctx context.Context, address string) error {
	const most = 30 * time.Second
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		if ctx.Err() != nil {
			return fmt.Errorf("nobody listens on %s: %w", address, err)
		}
		pause(ctx, again)
	}
}
