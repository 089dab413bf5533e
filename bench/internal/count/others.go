package count

import (
	"context"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

// Nobody is the meter of what asks nobody.
type Nobody struct{}

// Read returns None.
func (Nobody) Read(context.Context) (Reading, error) { return None, nil }

// Settle returns at once.
func (Nobody) Settle(context.Context, string) error { return nil }

// Clear has nothing to do.
func (Nobody) Clear(context.Context, string) {}

// Redis counts commands, those within scripts too.
type Redis struct {
	Nobody
	Client *redis.Client
}

// Read adds up what Redis has counted.
func (r Redis) Read(ctx context.Context) (Reading, error) {
	stats, err := r.Client.Info(ctx, "commandstats").Result()
	calls := 0.0
	for line := range strings.Lines(stats) {
		name, rest, _ := strings.Cut(line, ":calls=")
		n, _, _ := strings.Cut(rest, ",")
		if count, err := strconv.ParseFloat(n, 64); err == nil && name != "cmdstat_info" {
			calls += count
		}
	}
	return Reading{Calls: calls, Dollars: -1}, err
}

// Version is the server's.
func (r Redis) Version(ctx context.Context) string {
	info, _ := r.Client.Info(ctx, "server").Result() // without it, nothing is known
	_, rest, _ := strings.Cut(info, "redis_version:")
	version, _, _ := strings.Cut(rest, "\r")
	return version
}

// Clear forgets everything.
func (r Redis) Clear(ctx context.Context, _ string) { r.Client.FlushAll(ctx) }

// Postgres counts SQL statements.
type Postgres struct {
	Nobody
	conn *pgx.Conn
}

// NewPostgres has the server count.
func NewPostgres(ctx context.Context, url string) (*Postgres, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	_, err = conn.Exec(ctx, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
	return &Postgres{conn: conn}, err
}

// Read adds up what PostgreSQL has counted.
func (p *Postgres) Read(ctx context.Context) (r Reading, err error) {
	r.Dollars = -1
	err = p.conn.QueryRow(ctx, "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements").Scan(&r.Calls)
	return r, err
}

// Version is the server's.
func (p *Postgres) Version(ctx context.Context) (version string) {
	_ = p.conn.QueryRow(ctx, "SHOW server_version").Scan(&version) // without it, nothing is known
	return version
}

// Clear empties River's table.
func (p *Postgres) Clear(ctx context.Context, _ string) {
	_, _ = p.conn.Exec(ctx, "TRUNCATE river_job") // there is none before the first run
}
