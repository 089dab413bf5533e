package dynamo

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// key is a task's ID as the table has it.
type key [16]byte

// parseID reads a UUID in its usual form of 36 characters.
func parseID(id string) (k key, ok bool) {
	if len(id) != 36 || id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-' {
		return k, false
	}
	n, err := hex.Decode(k[:], []byte(strings.ReplaceAll(id, "-", "")))
	return k, err == nil && n == len(k)
}

// keyOf is a row's; that of nobody if the row has none.
func keyOf(row item) (k key) {
	if id := bytes(row, "id"); len(id) == len(k) {
		copy(k[:], id)
	}
	return k
}

func (k key) value() types.AttributeValue { return &types.AttributeValueMemberB{Value: k[:]} }

// item is a row of the table.
type item = map[string]types.AttributeValue

// attribute is one of a row's; without a value it is not there.
type attribute struct {
	name  string
	value types.AttributeValue
}

// attributes are all that a record makes, in the order of the package comment.
// An open record has its counters even where they are zero, since conditions
// compare them; the rest is there only if it says something.
func attributes(rec *port.Record) []attribute {
	counter := number
	if rec.State != task.Open {
		counter = positive
	}
	return []attribute{
		{"s", number(int64(rec.State) - 1)},
		{"g", number(int64(rec.Generation))},
		{"a", counter(int64(rec.Attempts))},
		{"o", counter(int64(rec.GiveBacks))},
		{"c", counter(int64(rec.Starts))},
		{"e", epoch(rec.Epoch)},
		{"l", milliseconds(rec.LeaseEnd)},
		{"w", text(rec.Token)},
		{"r", binary(rec.Result)},
		{"x", text(rec.Error)},
		{"d", text(rec.Reason)},
		{"p", binary(rec.Hash)},
		{"t", expiry(rec.Expires)},
	}
}

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func positive(n int64) types.AttributeValue {
	if n == 0 {
		return nil
	}
	return number(n)
}

func epoch(e uint64) types.AttributeValue {
	if e == 0 {
		return nil
	}
	return &types.AttributeValueMemberN{Value: strconv.FormatUint(e, 10)}
}

func milliseconds(t time.Time) types.AttributeValue {
	if t.IsZero() {
		return nil
	}
	return number(t.UnixMilli())
}

// expiry is in seconds, as TTL wants it, and never early.
func expiry(t time.Time) types.AttributeValue {
	if t.IsZero() {
		return nil
	}
	return number(t.Add(time.Second - time.Nanosecond).Unix())
}

func text(s string) types.AttributeValue {
	if s == "" {
		return nil
	}
	return &types.AttributeValueMemberS{Value: strings.ToValidUTF8(s, "\uFFFD")}
}

func binary(b []byte) types.AttributeValue {
	if len(b) == 0 {
		return nil
	}
	return &types.AttributeValueMemberB{Value: b}
}

// decode reads a row. What is missing or of another type counts as zero. The
// generation is as it is, since conditions compare it.
func decode(id string, row item) port.Record {
	return port.Record{
		ID:         id,
		State:      state(row),
		Generation: int(integer(row, "g")),
		Attempts:   count(row, "a"),
		GiveBacks:  count(row, "o"),
		Starts:     count(row, "c"),
		Epoch:      uint64(max(integer(row, "e"), 0)),
		LeaseEnd:   instant(integer(row, "l"), time.UnixMilli),
		Token:      str(row, "w"),
		Result:     bytes(row, "r"),
		Error:      str(row, "x"),
		Reason:     str(row, "d"),
		Hash:       bytes(row, "p"),
		Expires:    instant(integer(row, "t"), func(s int64) time.Time { return time.Unix(s, 0) }),
	}
}

// state is Unknown for a number that this version does not know.
func state(row item) task.State {
	if s := integer(row, "s") + 1; s > 0 && s <= int64(task.Expired) {
		return task.State(s)
	}
	return task.Unknown
}

func integer(row item, name string) int64 {
	n, ok := row[name].(*types.AttributeValueMemberN)
	if !ok {
		return 0
	}
	i, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil {
		return 0
	}
	return i
}

// count is one that can be added to, whoever wrote the row.
func count(row item, name string) int {
	return int(min(max(integer(row, name), 0), math.MaxInt32))
}

func instant(n int64, convert func(int64) time.Time) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return convert(n)
}

func str(row item, name string) string {
	if s, ok := row[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func bytes(row item, name string) []byte {
	if b, ok := row[name].(*types.AttributeValueMemberB); ok {
		return b.Value
	}
	return nil
}

// expired reports whether a row counts as absent.
func expired(row item, now time.Time) bool {
	t := integer(row, "t")
	return t != 0 && t <= now.Unix()
}

const (
	maxItem = 400 << 10 // DynamoDB's limit, attribute names included
	// reserve is for what a row may hold besides the record that is saved: the
	// hash, the claim and the expiry of an earlier write.
	reserve = 512
)

// fits refuses a record that DynamoDB would refuse, so that no text of an error
// has to tell this case from others. It counts exactly where a bound is too large.
func (s *Store) fits(rec *port.Record) error {
	const limit, invalid = maxItem - reserve, 3 // bytes at most for each that is no UTF-8
	size := len(rec.Result) + invalid*(len(rec.Error)+len(rec.Reason)+len(rec.Token)) + len(rec.Hash) + reserve
	if size > limit {
		size = itemSize(attributes(rec))
	}
	if size > limit {
		return s.refused(opSave, port.ErrTooLarge, fmt.Sprintf("a record of %d bytes, the limit is %d", size, limit))
	}
	return nil
}

// itemSize is what DynamoDB counts and charges for a row.
func itemSize(attrs []attribute) int {
	size := len("id") + len(key{})
	for _, a := range attrs {
		if a.value != nil {
			size += len(a.name) + valueSize(a.value)
		}
	}
	return size
}

func valueSize(v types.AttributeValue) (size int) {
	switch v := v.(type) {
	case *types.AttributeValueMemberB:
		size = len(v.Value)
	case *types.AttributeValueMemberS:
		size = len(v.Value)
	case *types.AttributeValueMemberN:
		size = (len(v.Value)+1)/2 + 1
	}
	return size
}
