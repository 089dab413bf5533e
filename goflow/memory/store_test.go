package memory_test

import (
	"testing"
	"testing/synctest"

	"github.com/jamesTait-jt/goflow/goflow/goflowtest"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
)

// strictStore is what memory.Store promises, localStore what memory.LocalStore.
var (
	strictStore = goflowtest.StoreFeatures{MaxRecordBytes: 400 << 10, RefusesForeignIDs: true, Awaiter: true}
	localStore  = goflowtest.StoreFeatures{InProcess: true, Awaiter: true}
)

func TestStore(t *testing.T) {
	t.Parallel()
	goflowtest.TestStore(t, synctest.Test, strictStore, func(*testing.T) port.Store { return memory.NewStore() })
}

func TestLocalStore(t *testing.T) {
	t.Parallel()
	goflowtest.TestStore(t, synctest.Test, localStore, func(*testing.T) port.Store { return memory.NewLocalStore() })
}
