package goflowtest

import (
	"fmt"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/jamesTait-jt/goflow/goflow/port"
)

func bodyCases(f BrokerFeatures) []brokerCase {
	return []brokerCase{
		{"BodyComesBackByteEqual", true, bodyByteEqual},
		{"BadBodiesAreRefused", f.RefusesBadBodies, badBodies},
		{"AttributesTravel", true, attributesTravel},
		{"NoAttributesStayNone", true, noAttributes},
		{"AttributesOfADeadLetterSurvive", true, deadLetterAttributes},
		{"TenAttributesAreTaken", true, tenAttributes},
		{"EleventhAttributeIsRefused", f.RefusesEleventhAttribute, eleventhAttribute},
		{"BadAttributesAreRefused", f.RefusesBadAttributes, badAttributes},
		{"SenderMayReuseItsBuffers", true, senderReusesBuffers},
		{"ValueTravelsByReference", f.InProcess, valueTravels},
	}
}

func bodyByteEqual(t *brokerTest) {
	b := t.broker(BrokerOptions{Lease: longLease})
	want := []string{
		`{"v":1,"type":"echo","payload":{"a":[1,2.50,null,true]}}`,
		"  leading and trailing blanks \t\r\n",
		"line\nline\r\nline\rline",
		"\u007f\u0080\u0085\u009f\u00a0\u00ad",
		"ü ẞ 漢字 ไทย עברית \u200f\u200b\u2028\u2029\ufeff",
		"e\u0301 is not \u00e9",
		"\ud7ff\ue000\ufffd",
		"\U00010000 \U0001F600 \U0001F469\u200d\U0001F680 \U0010FFFF",
		`<&>"'\ ]]> &amp; &lt; %00 + \u0041 <!-- -->`,
		strings.Repeat("long ", 10_000),
	}
	msgs := make([]port.Message, len(want))
	for i, body := range want {
		msgs[i] = message(body)
	}
	t.send(b, msgs...)
	require.ElementsMatch(t, want, bodies(t.all(b, len(want), t.slack())))
}

func badBodies(t *brokerTest) {
	b := t.broker(BrokerOptions{})
	bad := []string{"", "\x00", "a\x08", "\x0b", "\x1f", "\ufffe", "x\uffff", "\xff", "a\xc3", "\xed\xa0\x80"}
	msgs := make([]port.Message, len(bad))
	for i, body := range bad {
		msgs[i] = message(body)
	}
	err := b.Send(t.Context(), msgs)
	for i, body := range bad {
		require.ErrorIs(t, port.ItemError(err, i), port.ErrInvalid, "body %q", body)
	}
	require.Empty(t, t.poll(b, 1, defaultPollWait), "a refused message arrived")
}

func attributesTravel(t *brokerTest) {
	t.attributes(map[string]string{
		"a":                      "1",
		"With.Dots_and-dashes_9": "blank inside, ü, 漢字, \U0001F600",
		strings.Repeat("n", 255): "{\"json\":\"\\u0000\"}\tand\nlines",
	})
}

func tenAttributes(t *brokerTest) { t.attributes(manyAttributes(10)) }

func deadLetterAttributes(t *brokerTest) {
	t.attributes(map[string]string{
		"goflow-dead": `{"reason":"handler","error":"` + strings.Repeat("ü€\U0001F600 ", 370) + `"}`,
	})
}

// attributes sends a message with them; they come back the same, the second
// time too.
func (t *brokerTest) attributes(want map[string]string) {
	t.Helper()
	b := t.broker(BrokerOptions{Lease: longLease})
	m := message("with attributes")
	m.Attributes = want
	t.send(b, m)
	d := t.now(b)
	require.Equal(t, want, d.Attributes)
	require.NoError(t, t.extend(b, d, 0))
	require.Equal(t, want, t.now(b).Attributes, "when the message comes again")
}

func noAttributes(t *brokerTest) {
	b := t.broker(BrokerOptions{})
	t.sendOne(b, "bare")
	require.Empty(t, t.now(b).Attributes)
}

func eleventhAttribute(t *brokerTest) {
	m := message("too many")
	m.Attributes = manyAttributes(11)
	t.refusedAlone(m, port.ErrInvalid)
}

func manyAttributes(n int) map[string]string {
	attrs := make(map[string]string, n)
	for i := range n {
		attrs[fmt.Sprintf("attribute-%d", i)] = fmt.Sprintf("value %d", i)
	}
	return attrs
}

func badAttributes(t *brokerTest) {
	b := t.broker(BrokerOptions{})
	bad := []map[string]string{
		{"": "no name"},
		{"a b": "blank in the name"},
		{"a/b": "slash"},
		{"ü": "not ASCII"},
		{strings.Repeat("n", 257): "long name"},
		{"empty": ""},
		{"good": "value", "empty": ""},
	}
	msgs := make([]port.Message, len(bad))
	for i, attrs := range bad {
		msgs[i] = message("bad attributes")
		msgs[i].Attributes = attrs
	}
	err := b.Send(t.Context(), msgs)
	for i, attrs := range bad {
		require.ErrorIs(t, port.ItemError(err, i), port.ErrInvalid, "attributes %q", attrs)
	}
	require.Empty(t, t.poll(b, 1, defaultPollWait), "a refused message arrived")
}

// senderReusesBuffers changes what it sent, and what it received: the message
// is not touched by either.
func senderReusesBuffers(t *brokerTest) {
	b := t.broker(BrokerOptions{Lease: longLease})
	m := message("original")
	m.Attributes = map[string]string{"key": "original"}
	t.send(b, m)
	for range 2 {
		copy(m.Body, "changed!")
		m.Attributes["key"] = "changed!"
		d := t.now(b)
		require.Equal(t, "original", string(d.Body))
		require.Equal(t, "original", d.Attributes["key"])
		require.NoError(t, t.extend(b, d, 0))
		m = d.Message
	}
}

func valueTravels(t *brokerTest) {
	b := t.broker(BrokerOptions{Lease: longLease})
	value := &struct{ answer func() int }{answer: func() int { return 42 }}
	t.send(b, port.Message{ID: newID(), Value: value})
	d := t.now(b)
	require.Same(t, value, d.Value, "the value itself, not a copy")
	require.NoError(t, t.extend(b, d, 0))
	require.Same(t, value, t.now(b).Value, "when the message comes again")
}
