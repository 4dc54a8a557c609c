package main

import (
	"context"
	"fmt"

	"github.com/iancoleman/strcase"
	"github.com/jmoiron/sqlx"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql/driver"
	"go.temporal.io/server/tools/common/schema"
	"go.temporal.io/server/tools/sql"
)

const (
	mainStore       = "temporal"
	visibilityStore = "temporal_visibility"
)

// prepareStores creates Temporal's two databases and brings their schemas up to date by the server's own tools, which
// count versions: running them again changes nothing.
func prepareStores(ctx context.Context, database *Database, journal Journal) (config.Persistence, error) {
	stores := config.Persistence{
		DefaultStore:     mainStore,
		VisibilityStore:  visibilityStore,
		NumHistoryShards: historyShards,
		DataStores: map[string]config.DataStore{
			mainStore:       store(database, mainStore, mainConnections),
			visibilityStore: store(database, visibilityStore, visibilityConnections),
		},
	}
	journal.Say("temporal: schema")
	for name, embedded := range map[string]string{
		mainStore:       "postgresql/v12/temporal",
		visibilityStore: "postgresql/v12/visibility",
	} {
		if err := database.ensure(ctx, name); err != nil {
			return config.Persistence{}, err
		}
		if err := migrate(stores.DataStores[name].SQL, embedded, journal); err != nil {
			return config.Persistence{}, fmt.Errorf("schema of %s: %w", name, err)
		}
	}
	return stores, nil
}

func migrate(cfg *config.SQL, embedded string, journal Journal) error {
	conn, err := sql.NewConnection(cfg, journal.Server())
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ReadSchemaVersion(); err != nil { // no version table yet
		setup := &schema.SetupConfig{InitialVersion: "0.0"}
		if err := schema.NewSetupSchemaTask(conn, setup, journal.Server()).Run(); err != nil {
			return err
		}
	}
	update := &schema.UpdateConfig{DBName: cfg.DatabaseName, SchemaName: embedded}
	return schema.NewUpdateSchemaTask(conn, update, journal.Server()).Run()
}

// dial connects by the URL as given, so that whatever it says of TLS, sockets and passwords holds; the server would rebuild
// it from parts and lose some.
func dial(url string) func(*config.SQL) (*sqlx.DB, error) {
	return func(cfg *config.SQL) (*sqlx.DB, error) {
		db, err := (&driver.PGXDriver{}).CreateConnection(url)
		if err != nil {
			return nil, err
		}
		db.SetMaxOpenConns(cfg.MaxConns)
		db.SetMaxIdleConns(cfg.MaxIdleConns)
		db.SetConnMaxLifetime(cfg.MaxConnLifetime)
		db.MapperFunc(strcase.ToSnake) // Go's field names are the server's column names, in camel case
		return db, nil
	}
}
