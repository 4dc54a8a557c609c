package app

import (
	"context"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/durable"
	"github.com/belayhq/belay/store"
)

// Migrate brings the schema of the database up to date. Processes that start at once wait for each other.
func Migrate(ctx context.Context, o Options) error {
	if o.DatabaseURL == "" {
		return fault.New(fault.Invalid, "migrate: BELAY_DATABASE_URL is not set")
	}
	return store.Migrate(ctx, o.DatabaseURL)
}

// Temporal is where the engine would be looked for.
func (o Options) Temporal() (addr, namespace string, err error) { return o.reach().Effective() }

func (o Options) reach() durable.Options {
	return durable.Options{Addr: o.TemporalAddr, Namespace: o.TemporalNamespace, Plain: o.TemporalPlain, Keys: o.CodecKeys}
}

// SearchAttributes are those that a Temporal namespace needs, as type by name ("Keyword", "Int").
func SearchAttributes() map[string]string { return durable.AttributeTypes() }
