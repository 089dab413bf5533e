package homes_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain lets more tests run at once than there are processors: nearly all
// that they do is wait for a home. -parallel still decides.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "24"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
