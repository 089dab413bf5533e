package cloud

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// statement is an INSERT or an UPDATE of one row, in as much of PartiQL as the
// adapter writes: whatever else there is, is an error.
type statement struct {
	key        string
	insert     item // nil: it is an UPDATE
	set        []assignment
	holds      func(item) bool
	returnsNew bool
	returnsOld bool // where the condition fails
}

// assignment is one attribute; without a value it is removed.
type assignment struct {
	name  string
	value types.AttributeValue
}

// parse reads a statement.
func parse(text string, params []types.AttributeValue) (st statement, err error) {
	p := &parser{words: words(text), params: params}
	defer func() {
		if wrong, ok := recover().(syntaxError); ok {
			err = fmt.Errorf("%s: %s", wrong, text)
		}
	}()
	switch p.word() {
	case "INSERT":
		p.expect("INTO")
		p.word() // the table's name
		p.expect("VALUE")
		st.insert = p.object()
	case "UPDATE":
		p.word()
		p.update(&st)
	default:
		p.fail("neither INSERT nor UPDATE")
	}
	if p.at < len(p.words) || len(p.params) > 0 {
		p.fail("something is left over")
	}
	if st.insert != nil {
		st.key = keyValue(st.insert["id"])
	}
	if st.key == "" {
		p.fail("there is no key of bytes")
	}
	return st, nil
}

type syntaxError string

type parser struct {
	words  []string
	at     int
	params []types.AttributeValue
}

// words splits a statement. Names in quotes are one word.
func words(text string) (all []string) {
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		n := 1
		switch c := text[0]; {
		case c == '"' || c == '\'':
			n = strings.IndexByte(text[1:], c) + 2
		case isLetter(c):
			for n < len(text) && isLetter(text[n]) {
				n++
			}
		}
		all, text = append(all, text[:n]), text[n:]
	}
	return all
}

func isLetter(c byte) bool { return c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z' }

func (p *parser) fail(why string) { panic(syntaxError(why + " at word " + strconv.Itoa(p.at))) }

func (p *parser) peek() string {
	if p.at == len(p.words) {
		return ""
	}
	return p.words[p.at]
}

func (p *parser) word() string {
	w := p.peek()
	if w == "" {
		p.fail("it ends too soon")
	}
	p.at++
	return w
}

func (p *parser) expect(want string) {
	if got := p.word(); got != want {
		p.fail("it has " + got + ", not " + want)
	}
}

func (p *parser) took(word string) bool {
	if p.peek() != word {
		return false
	}
	p.at++
	return true
}

func (p *parser) param() types.AttributeValue {
	p.expect("?")
	if len(p.params) == 0 {
		p.fail("there are too few parameters")
	}
	v := p.params[0]
	p.params = p.params[1:]
	return v
}

func (p *parser) object() item {
	row := item{}
	p.expect("{")
	for {
		name := strings.Trim(p.word(), "'")
		p.expect(":")
		row[name] = p.param()
		if !p.took(",") {
			break
		}
	}
	p.expect("}")
	return row
}

func (p *parser) update(st *statement) {
	for {
		switch {
		case p.took("SET"):
			a := assignment{name: p.word()}
			p.expect("=")
			a.value = p.param()
			st.set = append(st.set, a)
			continue
		case p.took("REMOVE"):
			st.set = append(st.set, assignment{name: p.word()})
			continue
		}
		break
	}
	p.expect("WHERE")
	p.expect("id")
	p.expect("=")
	st.key = keyValue(p.param())
	st.holds = func(row item) bool { return row != nil }
	if p.took("AND") {
		rest := p.or()
		st.holds = func(row item) bool { return row != nil && rest(row) }
	}
	if p.took("RETURNING") {
		p.expect("ALL")
		p.expect("NEW")
		p.expect("*")
		st.returnsNew = true
	}
}

func keyValue(v types.AttributeValue) string {
	if b, ok := v.(*types.AttributeValueMemberB); ok {
		return string(b.Value)
	}
	return ""
}
