package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/rpc"
)

// The limits of a connection.
const (
	// maxRequest is what a server takes by default, less what a call's frame needs.
	maxRequest = 4<<20 - 16<<10
	// maxAnswer is room for a hundred records of the largest size.
	maxAnswer = 64 << 20
	// keepAlive is after how long without a sign of life the server is asked for
	// one, while calls wait. Servers close connections that ask every ten seconds.
	keepAlive, keepAliveTimeout = 30 * time.Second, 20 * time.Second
)

// serviceConfig spreads calls over all addresses, and repeats what only reads.
// https://github.com/grpc/grpc/blob/master/doc/service_config.md
const serviceConfig = `{
	"loadBalancingConfig": [{"round_robin": {}}],
	"methodConfig": [{
		"name": [
			{"service": "goflow.GoFlow", "method": "GetResult"},
			{"service": "goflow.GoFlow", "method": "GetRecords"},
			{"service": "goflow.GoFlow", "method": "WaitTask"},
			{"service": "goflow.GoFlow", "method": "WatchTasks"},
			{"service": "goflow.GoFlow", "method": "GetStats"}
		],
		"retryPolicy": {
			"maxAttempts": 5, "initialBackoff": "0.1s", "maxBackoff": "2s", "backoffMultiplier": 2,
			"retryableStatusCodes": ["UNAVAILABLE"]
		}
	}]
}`

// Client is a goflow.Client that works through servers, and what only servers
// tell. It is safe for concurrent use.
type Client struct {
	*goflow.Client

	conn *grpc.ClientConn
	api  rpc.GoFlowClient
}

// Dial returns a client of the servers at target: host:port, several of them with
// commas between, or a target of gRPC's, such as dns:///goflow:9090; a service
// config of the name service is ignored. Calls are spread over all addresses, and
// go to another one when a server is gone. It makes no connection before the
// first call. A token goes over plain text only to an address of this machine, or
// with PlainText. goflow.ErrInvalid: a bad target or option.
func Dial(target string, opts ...Option) (*Client, error) {
	var o options
	for _, opt := range opts {
		if err := opt(&o); err != nil {
			return nil, err
		}
	}
	a, err := addressOf(target)
	if err != nil {
		return nil, err
	}
	secure, err := o.security(a)
	if err != nil {
		return nil, err
	}
	dial := append([]grpc.DialOption{
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithDisableServiceConfig(), // that of a name service could have pushes repeated
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepAlive, Timeout: keepAliveTimeout}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer)),
		grpc.WithStatsHandler(sentHandler{}),
	}, secure...)
	conn, err := grpc.NewClient(a.target, append(append(dial, a.options...), o.dial...)...)
	if err != nil {
		return nil, fmt.Errorf("goflow: client: %w target %.200q: %w", goflow.ErrInvalid, target, err)
	}
	c := &Client{conn: conn, api: rpc.NewGoFlowClient(conn)}
	if c.Client, err = goflow.NewRemoteClient(&remote{api: c.api}, o.client...); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return c, nil
}

// Close refuses new pushes with goflow.ErrClosed, waits for those under way, ends
// all waiting and watching with goflow.ErrClosed, and closes the connections. What
// else is read later is goflow.ErrClosed too. To close it again does nothing.
func (c *Client) Close() error {
	err := c.Client.Close()
	if closeErr := c.conn.Close(); !errors.Is(closeErr, grpc.ErrClientConnClosing) { //nolint:staticcheck // conn.Close returns it
		err = errors.Join(err, closeErr)
	}
	return err
}

// QueueStats is how much a queue holds, as its broker estimates it.
type QueueStats struct {
	Name string // "" for the server's own queue
	// Waiting can be received, Leased was, Delayed cannot be yet.
	Waiting, Leased, Delayed int
	// Dead counts dead letters; nil: the server knows none of this queue.
	Dead *int
}

// Stats asks for the server's queues, its own first.
func (c *Client) Stats(ctx context.Context) ([]QueueStats, error) {
	answer, err := c.api.GetStats(ctx, &rpc.GetStatsRequest{})
	if err != nil {
		return nil, readError(ctx, "stats", err)
	}
	all := make([]QueueStats, len(answer.GetQueues()))
	for i, q := range answer.GetQueues() {
		all[i] = QueueStats{Name: q.GetName(), Waiting: int(q.GetWaiting()), Leased: int(q.GetLeased()), Delayed: int(q.GetDelayed())}
		if q.Dead != nil {
			all[i].Dead = new(int(q.GetDead()))
		}
	}
	return all, nil
}
