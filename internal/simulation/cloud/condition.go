package cloud

import (
	"bytes"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// condition tells whether a row is as a statement asks.
type condition func(item) bool

func (p *parser) or() condition {
	c := p.and()
	for p.took("OR") {
		a, b := c, p.and()
		c = func(row item) bool { return a(row) || b(row) }
	}
	return c
}

func (p *parser) and() condition {
	c := p.term()
	for p.took("AND") {
		a, b := c, p.term()
		c = func(row item) bool { return a(row) && b(row) }
	}
	return c
}

func (p *parser) term() condition {
	if p.took("(") {
		c := p.or()
		p.expect(")")
		return c
	}
	name := p.word()
	if p.took("IS") {
		p.expect("MISSING")
		return func(row item) bool { return row[name] == nil }
	}
	operator := p.word()
	if (operator == "<" || operator == ">") && p.took("=") {
		operator += "="
	}
	want := p.param()
	return func(row item) bool { return row[name] != nil && compares(row[name], operator, want) }
}

func compares(have types.AttributeValue, operator string, want types.AttributeValue) bool {
	order, ok := compared(have, want)
	switch operator {
	case "=":
		return ok && order == 0
	case "<":
		return ok && order < 0
	case "<=":
		return ok && order <= 0
	case ">":
		return ok && order > 0
	case ">=":
		return ok && order >= 0
	}
	return false
}

// compared orders two values of one type.
func compared(a, b types.AttributeValue) (order int, ok bool) {
	switch a := a.(type) {
	case *types.AttributeValueMemberN:
		b, ok := b.(*types.AttributeValueMemberN)
		if !ok {
			return 0, false
		}
		x, _ := strconv.ParseInt(a.Value, 10, 64) // the adapter writes whole numbers
		y, _ := strconv.ParseInt(b.Value, 10, 64)
		return int(min(max(x-y, -1), 1)), true
	case *types.AttributeValueMemberS:
		b, ok := b.(*types.AttributeValueMemberS)
		return ordered(ok, func() int { return bytes.Compare([]byte(a.Value), []byte(b.Value)) })
	case *types.AttributeValueMemberB:
		b, ok := b.(*types.AttributeValueMemberB)
		return ordered(ok, func() int { return bytes.Compare(a.Value, b.Value) })
	}
	return 0, false
}

func ordered(ok bool, compare func() int) (int, bool) {
	if !ok {
		return 0, false
	}
	return compare(), true
}
