package server

import (
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
)

// The limits of a server that Serve runs. Those without an option of their own
// can be changed by GRPC.
const (
	// DefaultMaxRequestBytes is the largest request, in bytes: three tasks of the
	// largest size, or a hundred of 40 KiB. A larger one is refused when its length
	// is known, without being read.
	DefaultMaxRequestBytes = 4 << 20
	// DefaultMaxStreams is how many calls a connection may have at a time. Those
	// that come after them wait at the client.
	DefaultMaxStreams = 100
	// DefaultMaxHeaderBytes is the largest metadata of a call.
	DefaultMaxHeaderBytes = 16 << 10
	// DefaultHandlerTimeout is the longest that a call may take from its metadata
	// on, other than WaitTask and streams. Five seconds later a request is given up
	// that has not arrived.
	DefaultHandlerTimeout = 30 * time.Second
	// DefaultDrain is how long a server that stops waits for running calls.
	DefaultDrain = goflow.DefaultDrain
	// DefaultConnectTimeout is the longest that a connection may take to be set up,
	// TLS included.
	DefaultConnectTimeout = 10 * time.Second
	// DefaultMaxConnectionAge is when a connection takes no more calls, so that
	// clients spread over new servers. What runs goes on.
	DefaultMaxConnectionAge = 30 * time.Minute
	// DefaultMaxConnectionIdle is when a connection without calls is closed.
	DefaultMaxConnectionIdle = 15 * time.Minute
	// DefaultKeepAlive is after how long without a sign of life a client is asked
	// for one, and DefaultKeepAliveTimeout how long it has to answer.
	DefaultKeepAlive = time.Minute
	// DefaultKeepAliveTimeout closes the connection of a client that is gone.
	DefaultKeepAliveTimeout = 20 * time.Second
	// DefaultMinPing is how far apart a client's own pings must be. Who pings more
	// often loses the connection.
	DefaultMinPing = 10 * time.Second

	// MaxCall is the longest that any call lasts.
	MaxCall = time.Hour
	// MaxIDs is how many tasks a call may name, and MaxFilterIDs a filter of dead
	// letters.
	MaxIDs = 100
	// MaxFilterIDs is that of DeadLetterFilter.ids.
	MaxFilterIDs = 1000

	// window is how much of one call's request may be on its way unread, in bytes.
	// It does not grow with the connection's speed, so that a client that sends
	// what is refused costs no more than this.
	window = 64 << 10
	// late is how long after the end of its call a request is given up that has not
	// arrived. It is later, so that a method whose time is over can say what became
	// of the call.
	late = 5 * time.Second
	// connectionWindow is the same of all calls of a connection.
	connectionWindow = 1 << 20
	// firstLook to lastLook is the pause of a watch between two looks.
	firstLook, lastLook = time.Second, 5 * time.Second
	// checkEvery is how long the answer of the parts' checks holds, and
	// checkTimeout how long they may take.
	checkEvery, checkTimeout = 5 * time.Second, 3 * time.Second
)
