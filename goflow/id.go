package goflow

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// newID makes a UUIDv7 (RFC 9562, 5.7): 48 bits of milliseconds, then random
// bits, so that IDs sort by the time they were made.
func newID(now time.Time) string {
	var u [16]byte
	_, _ = rand.Read(u[6:]) // never fails: crypto/rand crashes the program instead
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(max(now.UnixMilli(), 0)))
	copy(u[:6], ms[2:])
	u[6] = u[6]&0x0f | 0x70
	u[8] = u[8]&0x3f | 0x80
	return formatID(u)
}

// formatID writes a UUID in its 36-character form.
func formatID(u [16]byte) string {
	var text [36]byte
	hex.Encode(text[0:], u[0:4])
	text[8] = '-'
	hex.Encode(text[9:], u[4:6])
	text[13] = '-'
	hex.Encode(text[14:], u[6:8])
	text[18] = '-'
	hex.Encode(text[19:], u[8:10])
	text[23] = '-'
	hex.Encode(text[24:], u[10:])
	return string(text[:])
}

// parseID reads a UUID in its 36-character form.
func parseID(id string) (u [16]byte, ok bool) {
	if len(id) != 36 || id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-' {
		return u, false
	}
	n, err := hex.Decode(u[:], []byte(strings.ReplaceAll(id, "-", "")))
	return u, err == nil && n == 16
}

// normalID returns the one form of a task's ID that records know.
func normalID(id string) (string, error) {
	u, ok := parseID(id)
	if !ok {
		return "", fmt.Errorf("goflow: %w task ID %.60q: give a UUID", ErrInvalid, id)
	}
	return formatID(u), nil
}

// ownID is an ID that a message names in the form of normalID; as it is, and false,
// if it is none.
func ownID(id string) (string, bool) {
	u, ok := parseID(id)
	if !ok {
		return id, false
	}
	return formatID(u), true
}

// idTime returns when a UUIDv7 was made. Other IDs don't know.
func idTime(id string) (time.Time, bool) {
	u, ok := parseID(id)
	if !ok || u[6]>>4 != 7 {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(u[:8]) >> 16)), true
}
