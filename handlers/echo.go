package handlers

import (
	"context"
	"encoding/json"

	"github.com/jamesTait-jt/goflow/goflow"
)

// Echo answers with its payload, whatever JSON it is.
var Echo = goflow.NewJob[json.RawMessage, json.RawMessage]("sample.echo")

func echo(_ context.Context, payload json.RawMessage) (json.RawMessage, error) {
	if len(payload) == 0 { // an empty json.RawMessage is no JSON
		return json.RawMessage("null"), nil
	}
	return payload, nil
}
