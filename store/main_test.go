package store_test

import (
	"os"
	"testing"

	"github.com/belayhq/belay/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Start(m)) }
