package goflow

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"
)

// newID makes a UUIDv7 (RFC 9562, 5.7): 48 bits of milliseconds, then random
// bits, so that IDs sort by the time they were made.
func newID(now time.Time) string {
	var random [randomOfID]byte
	_, _ = rand.Read(random[:]) // never fails: crypto/rand crashes the program instead
	return formatID(uuidOf(now, random))
}

// randomOfID is how many random bytes an ID takes.
const randomOfID = 10

// uuidOf is the UUIDv7 of a time and random bytes.
func uuidOf(now time.Time, random [randomOfID]byte) (u [16]byte) {
	copy(u[6:], random[:])
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(max(now.UnixMilli(), 0)))
	copy(u[:6], ms[2:])
	u[6] = u[6]&0x0f | 0x70
	u[8] = u[8]&0x3f | 0x80
	return u
}

// formatID writes a UUID in its 36-character form.
func formatID(u [16]byte) string {
	text := idText(u)
	return string(text[:])
}

func idText(u [16]byte) (text [36]byte) {
	const digits = "0123456789abcdef"
	at := 0
	for i, b := range u {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			text[at] = '-'
			at++
		}
		text[at], text[at+1] = digits[b>>4], digits[b&0xf]
		at += 2
	}
	return text
}

// parseID reads a UUID in its 36-character form.
func parseID(id string) (u [16]byte, ok bool) {
	if len(id) != 36 || id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-' {
		return u, false
	}
	var digits [32]byte
	copy(digits[0:], id[0:8])
	copy(digits[8:], id[9:13])
	copy(digits[12:], id[14:18])
	copy(digits[16:], id[19:23])
	copy(digits[20:], id[24:])
	_, err := hex.Decode(u[:], digits[:])
	return u, err == nil
}

// normalID returns the one form of a task's ID that records know.
func normalID(id string) (string, error) {
	own, ok := ownID(id)
	if !ok {
		return "", fmt.Errorf("goflow: %w task ID %.60q: give a UUID", ErrInvalid, id)
	}
	return own, nil
}

// ownID is an ID that a message names in the form of normalID; as it is, and false,
// if it is none.
func ownID(id string) (string, bool) {
	u, ok := parseID(id)
	if !ok {
		return id, false
	}
	if text := idText(u); string(text[:]) != id {
		return string(text[:]), true
	}
	return id, true
}

// idTime returns when a UUIDv7 was made. Other IDs don't know.
func idTime(id string) (time.Time, bool) {
	u, ok := parseID(id)
	if !ok || u[6]>>4 != 7 {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(u[:8]) >> 16)), true
}
