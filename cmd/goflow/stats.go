package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/jamesTait-jt/goflow/internal/config"
)

// stats is what the queues hold, as SQS estimates it.
type stats struct {
	Visible  int  `json:"visible"`
	InFlight int  `json:"inFlight"`
	Delayed  int  `json:"delayed"`
	Dead     *int `json:"dead,omitempty"` // absent when no dead-letter queue is named
	// Approximate is always true: SQS promises no more.
	Approximate bool `json:"approximate"`
}

func newStats(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "stats",
		Short: "Print how many tasks the queues hold",
		Long:  "Print how many tasks the queue and the dead-letter queue hold. SQS estimates these figures (≈); they lag a little.",
		Args:  arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := starting(cmd.Context())
			defer cancel()
			s, err := c.stats(ctx)
			if err != nil {
				return err
			}
			return c.write(s.text(), s)
		},
	}
}

// stats are those of the server's own queue, if one is given.
func (c *cli) stats(ctx context.Context) (stats, error) {
	s, err := c.loader.Load()
	if err != nil {
		return stats{}, err
	}
	if s.Server == "" {
		_, parts, err := c.open(ctx, "queue-url")
		if err != nil {
			return stats{}, err
		}
		return measure(ctx, parts)
	}
	remote, err := c.dial(s)
	if err != nil {
		return stats{}, err
	}
	all, err := remote.Stats(ctx)
	if err != nil || len(all) == 0 {
		return stats{}, err
	}
	own := all[0]
	return stats{Visible: own.Waiting, InFlight: own.Leased, Delayed: own.Delayed, Dead: own.Dead, Approximate: true}, nil
}

func measure(ctx context.Context, parts config.Parts) (stats, error) {
	size, err := parts.Queue.Size(ctx)
	if err != nil {
		return stats{}, err
	}
	s := stats{Visible: size.Waiting, InFlight: size.Leased, Delayed: size.Delayed, Approximate: true}
	if parts.Dead == nil {
		return s, nil
	}
	dead, err := parts.Dead.Size(ctx)
	if err != nil {
		return stats{}, err
	}
	s.Dead = new(dead.Waiting + dead.Leased + dead.Delayed)
	return s, nil
}

func (s stats) text() string {
	dead := "unknown: no dead-letter queue is named"
	if s.Dead != nil {
		dead = fmt.Sprintf("≈ %d", *s.Dead)
	}
	return fmt.Sprintf("visible    ≈ %d\nin flight  ≈ %d\ndelayed    ≈ %d\ndead       %s", s.Visible, s.InFlight, s.Delayed, dead)
}
