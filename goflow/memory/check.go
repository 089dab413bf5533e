package memory

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

const (
	maxAttributes    = 10
	maxAttributeName = 256
	maxGroup         = 128
	// attributeType is what SQS counts beside the name and value of a text.
	attributeType = len("String")
)

// check says what SQS would refuse in a message.
func (b *Broker) check(m *port.Message) error {
	switch {
	case m.Value != nil:
		return fmt.Errorf("a Value towards a broker that moves bytes: %w", port.ErrInvalid)
	case len(m.Body) == 0:
		return fmt.Errorf("an empty body: %w", port.ErrInvalid)
	case m.Delay < 0 || m.Delay > maxDelay:
		return fmt.Errorf("a delay of %v, want 0 to %v: %w", m.Delay, maxDelay, port.ErrInvalid)
	case len(m.Group) > maxGroup || !only(m.Group, groupByte):
		return fmt.Errorf("group %q: %w", m.Group, port.ErrInvalid)
	case len(m.Attributes) > maxAttributes:
		return fmt.Errorf("%d attributes, want at most %d: %w", len(m.Attributes), maxAttributes, port.ErrInvalid)
	}
	if n := messageBytes(m); n > b.maxBytes {
		return fmt.Errorf("a message of %d bytes, want at most %d: %w", n, b.maxBytes, port.ErrTooLarge)
	}
	if err := checkText(string(m.Body)); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	return checkAttributes(m.Attributes)
}

// messageBytes is what SQS counts towards the limit.
func messageBytes(m *port.Message) int {
	n := len(m.Body)
	for name, value := range m.Attributes {
		n += len(name) + attributeType + len(value)
	}
	return n
}

func checkAttributes(attrs map[string]string) error {
	for name, value := range attrs {
		if !attributeName(name) {
			return fmt.Errorf("attribute name %q: %w", name, port.ErrInvalid)
		}
		if value == "" {
			return fmt.Errorf("attribute %s is empty: %w", name, port.ErrInvalid)
		}
		if err := checkText(value); err != nil {
			return fmt.Errorf("attribute %s: %w", name, err)
		}
	}
	return nil
}

// attributeName knows SQS's rules: some prefixes are its own, and periods only
// separate.
func attributeName(name string) bool {
	lower := strings.ToLower(name)
	return name != "" && len(name) <= maxAttributeName && only(name, nameByte) &&
		!strings.HasPrefix(lower, "aws.") && !strings.HasPrefix(lower, "amazon.") &&
		!strings.HasPrefix(name, ".") && !strings.HasSuffix(name, ".") && !strings.Contains(name, "..")
}

// checkText finds what SQS refuses: #x9 | #xA | #xD | #x20 to #xD7FF |
// #xE000 to #xFFFD | #x10000 to #x10FFFF is all that it takes.
func checkText(s string) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("not UTF-8: %w", port.ErrInvalid)
	}
	for i, r := range s {
		if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return fmt.Errorf("character %U at byte %d: %w", r, i, port.ErrInvalid)
		}
	}
	return nil
}

func only(s string, allowed func(byte) bool) bool {
	for i := range len(s) {
		if !allowed(s[i]) {
			return false
		}
	}
	return true
}

func nameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '.'
}

// groupByte: letters, digits and ASCII punctuation, so no blank.
func groupByte(c byte) bool { return '!' <= c && c <= '~' }
