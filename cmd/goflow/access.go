package main

import (
	"context"
	"iter"
	"path"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/rpc/client"
)

// deadLetters is what the commands do with dead letters, here or through a
// server.
type deadLetters interface {
	List(ctx context.Context, f goflow.DeadLetterFilter) iter.Seq2[goflow.DeadLetter, error]
	Redrive(ctx context.Context, f goflow.DeadLetterFilter) iter.Seq2[goflow.DeadLetter, error]
	Settle(ctx context.Context, f goflow.DeadLetterFilter) iter.Seq2[goflow.DeadLetter, error]
	Drop(ctx context.Context, f goflow.DeadLetterFilter) iter.Seq2[goflow.DeadLetter, error]
}

// client returns a client, and what says whether all that it needs is there: of
// the server if one is given, else of the queue and the table. Without a queue
// that only reads, without a table it only pushes.
func (c *cli) client(ctx context.Context, need ...string) (*goflow.Client, port.Checker, error) {
	if s, err := c.loader.Load(); err != nil {
		return nil, nil, err
	} else if s.Server != "" {
		remote, err := c.dial(s)
		if err != nil {
			return nil, nil, err
		}
		return remote.Client, remote, nil
	}
	s, parts, err := c.open(ctx, need...)
	if err != nil {
		return nil, nil, err
	}
	client, err := goflow.NewClient(parts.Queue, parts.Table, goflow.RecordTTL(s.RecordTTL))
	return client, parts, err
}

// dial returns a client of the server, which ends with the command.
func (c *cli) dial(s config.Settings) (*client.Client, error) {
	opts := []client.Option{client.With(goflow.RecordTTL(s.RecordTTL))}
	if s.PlainText {
		opts = append(opts, client.PlainText())
	}
	if s.TokenFile != "" {
		token, err := readToken(s.TokenFile)
		if err != nil {
			return nil, config.Errorf("%s: %v", c.loader.Where("token-file"), err)
		}
		opts = append(opts, client.Token(token))
	}
	if (s.ClientCert == "") != (s.ClientKey == "") {
		return nil, config.Errorf("%s and %s go together: give both, or none", c.loader.Where("client-cert"), c.loader.Where("client-key"))
	}
	if s.ServerCA != "" || s.ClientCert != "" || s.ClientKey != "" {
		opts = append(opts, client.TLSFiles(s.ServerCA, s.ClientCert, s.ClientKey))
	}
	remote, err := client.Dial(s.Server, opts...)
	if err == nil {
		c.ending = append(c.ending, remote.Close)
	}
	return remote, err
}

// direct refuses a server where a command is about AWS itself.
func (c *cli) direct(command string) error {
	if c.loader.Given("server") {
		return config.Errorf("%s: goflow %s works on AWS itself: leave it out", c.loader.Where("server"), command)
	}
	return nil
}

// place is where dead letters are: their name, how many there are about, and a
// client of their tasks.
type place struct {
	name   string
	size   func(context.Context) (int, error)
	client *goflow.Client
	remote *client.Client // nil: it is AWS itself
}

// letters opens the dead letters.
func (d *dlq) letters(ctx context.Context, need ...string) (deadLetters, error) {
	ctx, cancel := starting(ctx)
	defer cancel()
	if s, err := d.loader.Load(); err != nil {
		return nil, err
	} else if s.Server != "" {
		return d.distantLetters(s)
	}
	s, err := d.dlqSettings(ctx, need...)
	if err != nil {
		return nil, err
	}
	s.PollWait, s.Lease = dlqPoll, dlqLease
	parts, err := config.Open(ctx, s, d.watch...)
	if err != nil {
		return nil, err
	}
	client, err := goflow.NewClient(parts.Queue, parts.Table, goflow.RecordTTL(s.RecordTTL))
	if err != nil {
		return nil, err
	}
	d.place = place{name: path.Base(s.DLQURL), client: client, size: func(ctx context.Context) (int, error) {
		size, err := parts.Dead.Size(ctx)
		return size.Waiting + size.Leased + size.Delayed, err
	}}
	return goflow.NewDeadLetterQueue(parts.Dead, parts.Queue, parts.Table, goflow.RecordTTL(s.RecordTTL))
}

func (d *dlq) distantLetters(s config.Settings) (deadLetters, error) {
	remote, err := d.dial(s)
	if err != nil {
		return nil, err
	}
	d.place = place{name: "server " + s.Server, client: remote.Client, remote: remote, size: func(ctx context.Context) (int, error) {
		all, err := remote.Stats(ctx)
		if err != nil || len(all) == 0 || all[0].Dead == nil {
			return 0, err
		}
		return *all[0].Dead, nil
	}}
	return remote.DeadLetters(), nil
}
