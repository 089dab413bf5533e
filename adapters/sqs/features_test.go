package sqs_test

import (
	"testing"

	featuretable "github.com/jamesTait-jt/goflow/internal/features"
)

func TestFeaturesStandInArchitecture(t *testing.T) {
	t.Parallel()
	featuretable.Check(t, "SQS", features().Rows())
}
