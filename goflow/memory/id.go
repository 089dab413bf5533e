package memory

import (
	"crypto/rand"
	"encoding/hex"
)

// uuidForm is what every UUID looks like, with hexadecimal digits for the x.
const (
	uuidForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
)

// newID returns a random UUID (version 4), as SQS gives its messages.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	out := []byte(uuidForm)
	hex.Encode(out[0:8], b[0:4])
	hex.Encode(out[9:13], b[4:6])
	hex.Encode(out[14:18], b[6:8])
	hex.Encode(out[19:23], b[8:10])
	hex.Encode(out[24:36], b[10:16])
	return string(out)
}

// isUUID reports whether s has the form of one, whatever its version.
func isUUID(s string) bool {
	if len(s) != len(uuidForm) {
		return false
	}
	for i := range len(s) {
		if hyphen := uuidForm[i] == '-'; hyphen != (s[i] == '-') || !hyphen && !hexDigit(s[i]) {
			return false
		}
	}
	return true
}

func hexDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
