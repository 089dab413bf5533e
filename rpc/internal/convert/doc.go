// Package convert translates between the core's words and those of the wire. A
// server and a client are each one half of it.
package convert
