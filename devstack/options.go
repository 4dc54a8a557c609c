package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
)

// Options are the command line. Addresses are host:port; port 0 means any free one.
type Options struct {
	Home             string
	PostgresAddr     string
	TemporalPostgres string // where a second Postgres listens, for Temporal alone; empty: one for both
	TemporalAddr     string
	UIAddr           string // empty: no UI
	DatabaseURL      string // empty: start our own Postgres
	AppDatabase      string
	Namespace        string
	SearchAttributes Attributes
	NoTemporal       bool
	Fast             bool // do not wait for the disk: a power cut may ruin the data, a killed process loses nothing
	ExitWithStdin    bool
}

// Attributes are search attribute types by name.
type Attributes map[string]enumspb.IndexedValueType

func parse(args []string, usage io.Writer) (Options, error) {
	o := Options{SearchAttributes: Attributes{}}
	f := flag.NewFlagSet("devstack", flag.ContinueOnError)
	f.SetOutput(usage)
	f.StringVar(&o.Home, "home", ".belay", "directory of the state, created if missing")
	f.StringVar(&o.PostgresAddr, "postgres-addr", "127.0.0.1:5433", "where Postgres listens (port 0: any free one)")
	f.StringVar(&o.TemporalPostgres, "temporal-postgres-addr", "", "give Temporal a Postgres of its own that listens here (port 0: any free one)")
	f.StringVar(&o.TemporalAddr, "temporal-addr", "127.0.0.1:7233", "where Temporal listens (port 0: any free one)")
	f.StringVar(&o.UIAddr, "ui-addr", "127.0.0.1:8233", "where the Temporal UI listens (empty: no UI)")
	f.StringVar(&o.DatabaseURL, "database-url", "", "use this Postgres instead of starting one; Temporal's databases are created there")
	f.StringVar(&o.AppDatabase, "app-database", "belay", "database to create for the application")
	f.StringVar(&o.Namespace, "namespace", "default", "Temporal namespace to register")
	f.Var(o.SearchAttributes, "search-attribute", "Name=Keyword|Int|Text|Datetime|Bool|Double|KeywordList, repeatable")
	f.BoolVar(&o.NoTemporal, "no-temporal", false, "only Postgres")
	f.BoolVar(&o.Fast, "fast", false, "for tests: Postgres does not wait for the disk; only a power cut can hurt")
	f.BoolVar(&o.ExitWithStdin, "exit-with-stdin", false, "stop when stdin ends, so that no orphan outlives its parent")
	if err := f.Parse(args); err != nil {
		return Options{}, err
	}
	if f.NArg() > 0 {
		return Options{}, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}

	if o.AppDatabase == "" || o.Namespace == "" || o.Home == "" {
		return Options{}, errors.New("--home, --app-database and --namespace must not be empty")
	}
	if o.NoTemporal && o.TemporalPostgres != "" {
		return Options{}, errors.New("--temporal-postgres-addr and --no-temporal contradict each other")
	}
	return o, nil
}

// resolve fixes the addresses of Temporal and its UI before anything starts. Postgres' own waits until an orphan of ours,
// which may hold the port, is gone.
func (o Options) resolve() (Options, error) {
	if o.NoTemporal {
		return o, nil
	}
	var err error
	if o.TemporalAddr, err = temporalListener.resolve(o.TemporalAddr); err != nil {
		return Options{}, err
	}
	if o.UIAddr != "" {
		o.UIAddr, err = uiListener.resolve(o.UIAddr)
	}
	return o, err
}

// String is part of flag.Value.
func (a Attributes) String() string { return "" }

// Set adds one attribute, written Name=Type; part of flag.Value.
func (a Attributes) Set(text string) error {
	name, kind, found := strings.Cut(text, "=")
	if !found || name == "" {
		return fmt.Errorf("%q: want Name=Type", text)
	}
	value, known := enumspb.IndexedValueType_shorthandValue[kind]
	if !known || value == int32(enumspb.INDEXED_VALUE_TYPE_UNSPECIFIED) {
		return fmt.Errorf("%q: unknown type %q", name, kind)
	}
	a[name] = enumspb.IndexedValueType(value)
	return nil
}
