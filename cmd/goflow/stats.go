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
	Approximate bool   `json:"approximate"`
	Cost        *costs `json:"cost,omitempty"`
}

func newStats(c *cli) *cobra.Command {
	price := &costing{}
	cmd := &cobra.Command{
		Use:     "stats",
		Example: "  goflow stats\n  goflow stats -o json\n  goflow stats --cost --payload 2000 --result 500",
		Short:   "Print how many tasks the queues hold, and what tasks cost",
		Long: "Print how many tasks the queue and the dead-letter queue hold. SQS estimates these figures (≈); they lag a little.\n\n" +
			"With --cost, also what tasks cost on AWS: in full batches, which a saturated pool comes close to, and one by one, each read once.\n" +
			"A server does not say whether its queue is FIFO: with --server the prices are those of a standard queue.",
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := price.check(cmd.Flags()); err != nil {
				return err
			}
			ctx, cancel := starting(cmd.Context())
			defer cancel()
			s, err := c.stats(ctx, price)
			if err != nil {
				return err
			}
			return c.write(s.text(), s)
		},
	}
	price.flags(cmd.Flags())
	return cmd
}

// stats are those of the server's own queue, if one is given.
func (c *cli) stats(ctx context.Context, price *costing) (s stats, err error) {
	settings, err := c.loader.Load()
	if err != nil {
		return s, err
	}
	ordered, assumed := false, ""
	if settings.Server == "" {
		if price.on {
			c.watch = append(c.watch, price.meter.Watch)
		}
		var parts config.Parts
		if settings, parts, err = c.open(ctx, "queue-url"); err != nil {
			return s, err
		}
		ordered = parts.Queue.Ordered()
		s, err = measure(ctx, parts)
	} else {
		assumed = "a standard queue"
		s, err = c.distantStats(ctx, settings)
	}
	if price.on {
		s.Cost = price.of(ordered, settings.RecordTTL)
		s.Cost.Assumed = assumed
	}
	return s, err
}

func (c *cli) distantStats(ctx context.Context, settings config.Settings) (stats, error) {
	remote, err := c.dial(settings)
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
	text := fmt.Sprintf("visible    ≈ %d\nin flight  ≈ %d\ndelayed    ≈ %d\ndead       %s", s.Visible, s.InFlight, s.Delayed, dead)
	if s.Cost != nil {
		text += s.Cost.text()
	}
	return text
}
