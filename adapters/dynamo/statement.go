package dynamo

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// statement is one PartiQL statement; every value is a parameter.
type statement struct {
	text   string
	params []types.AttributeValue
}

// size is about how many bytes of a request the statement takes.
func (st statement) size() int {
	const base64Of3, perParam = 4, 16
	n := len(st.text)
	for _, p := range st.params {
		n += perParam + valueSize(p)*base64Of3/3
	}
	return n
}

// insert makes a row if there is none of its key.
func (s *Store) insert(id key, attrs []attribute) statement {
	const perAttribute = len(", 'x': ?")
	var b strings.Builder
	b.Grow(len("INSERT INTO  VALUE {'id': ?}") + 2*len(s.table) + perAttribute*len(attrs))
	b.WriteString("INSERT INTO ")
	b.WriteString(quote(s.table))
	b.WriteString(" VALUE {'id': ?")
	params := make([]types.AttributeValue, 1, 1+len(attrs))
	params[0] = id.value()
	for _, a := range attrs {
		if a.value != nil {
			b.WriteString(", '")
			b.WriteString(a.name)
			b.WriteString("': ?")
			params = append(params, a.value)
		}
	}
	b.WriteByte('}')
	return statement{text: b.String(), params: params}
}

// update is an UPDATE in the making. It never creates a row.
type update struct {
	table                string
	set, cond            []string
	setParams, condParam []types.AttributeValue
	returnsNew           bool
}

func (s *Store) update(id key) *update {
	u := &update{table: quote(s.table)}
	u.where("id = ?", id.value())
	return u
}

// put sets an attribute, or takes it away when there is no value.
func (u *update) put(name string, value types.AttributeValue) {
	if value == nil {
		u.set = append(u.set, "REMOVE "+name)
		return
	}
	u.set = append(u.set, "SET "+name+" = ?")
	u.setParams = append(u.setParams, value)
}

// putIfAny sets an attribute that has a value, and leaves another as it is.
func (u *update) putIfAny(a attribute) {
	if a.value != nil {
		u.put(a.name, a.value)
	}
}

// where adds a condition.
func (u *update) where(cond string, params ...types.AttributeValue) {
	u.cond = append(u.cond, cond)
	u.condParam = append(u.condParam, params...)
}

func (u *update) statement() statement {
	text := "UPDATE " + u.table + " " + strings.Join(u.set, " ") + " WHERE " + strings.Join(u.cond, " AND ")
	if u.returnsNew {
		text += " RETURNING ALL NEW *"
	}
	return statement{text: text, params: append(u.setParams, u.condParam...)}
}

// quote makes a name an identifier.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
