package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/temporal"
)

const (
	clusterName = "active"
	loopback    = "127.0.0.1"

	// historyShards is fixed for the life of the database. With one, every step of a workflow waits 30 ms longer.
	historyShards = 4

	// namespaceRefresh is how often each part of the server reads the namespaces again, search attributes included.
	namespaceRefresh = 500 * time.Millisecond
)

// Temporal is the server, all four services in this process.
type Temporal struct {
	Addr   string
	server temporal.Server
}

// startTemporal brings the schema up to date and starts the server.
func startTemporal(ctx context.Context, opts Options, database *Database, journal Journal) (*Temporal, error) {
	addr := opts.TemporalAddr
	host, port, err := split(addr)
	if err != nil {
		return nil, err
	}
	stores, err := prepareStores(ctx, database, journal)
	if err != nil {
		return nil, err
	}

	services := map[string]config.Service{}
	hosts := map[primitives.ServiceName]static.Hosts{}
	serve := func(name primitives.ServiceName, host string, port int) {
		services[string(name)] = config.Service{RPC: config.RPC{GRPCPort: port, BindOnIP: host}} // no HTTP port, no gossip
		hosts[name] = static.SingleLocalHost(net.JoinHostPort(host, strconv.Itoa(port)))
	}
	serve(primitives.FrontendService, host, port)
	for name, band := range map[primitives.ServiceName]band{
		primitives.HistoryService: historyBand, primitives.MatchingService: matchingBand, primitives.WorkerService: workerBand,
	} {
		free, err := freePort(loopback, band)
		if err != nil {
			return nil, err
		}
		serve(name, loopback, free)
	}

	cfg := &config.Config{
		Persistence:         stores,
		Services:            services,
		PublicClient:        config.PublicClient{HostPort: addr},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: addr},
			},
		},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: "disabled"},
			Visibility: config.VisibilityArchival{State: "disabled"},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: "disabled"},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: "disabled"},
		}},
	}
	journal.Say("temporal: starting on %s", addr)
	server, err := temporal.NewServer(
		temporal.WithConfig(cfg),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(hosts), // nobody to gossip with, and a killed predecessor leaves no member behind
		temporal.WithDynamicConfigClient(knobs()),
		temporal.WithLogger(journal.Server()),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return authorization.NewNoopClaimMapper() }),
	)
	if err != nil {
		return nil, fmt.Errorf("set up the Temporal server: %w", err)
	}
	if err := server.Start(); err != nil {
		journal.Quiet()
		return nil, fmt.Errorf("start the Temporal server on %s: %w", addr, err)
	}
	return &Temporal{Addr: addr, server: server}, nil
}

// knobs are the dynamic settings that differ from the server's own for one small node, or that we rely on.
func knobs() dynamicconfig.StaticClient {
	return dynamicconfig.StaticClient{
		dynamicconfig.TransferProcessorMaxPollRPS.Key():         500, // 20 makes a lone workflow wait for its next step
		dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():  1,
		dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,
		dynamicconfig.MatchingEnableFairness.Key():              true, // with priorities, which are on by default
		dynamicconfig.EnableEagerWorkflowStart.Key():            true,
		dynamicconfig.EnableActivityEagerExecution.Key():        true,
		dynamicconfig.NamespaceCacheRefreshInterval.Key():       namespaceRefresh,
		dynamicconfig.EnableServerVersionCheck.Key():            false, // no call leaves this machine
	}
}

// Stop ends the server. It needs a second or two; after five we leave the rest to the database, which forgets nothing.
func (t *Temporal) Stop(journal Journal) {
	journal.Say("temporal: stopping")
	journal.Quiet()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = t.server.Stop()
	}()
	select {
	case <-stopped:
	case <-time.After(5 * time.Second):
		journal.Say("temporal: still stopping, not waiting any longer")
	}
}

// connections per service and store: four services make 80 + 40, well below Postgres' limit of 200.
const (
	mainConnections       = 20
	visibilityConnections = 10
)

// store is the configuration of one of Temporal's two databases.
func store(database *Database, name string, connections int) config.DataStore {
	return config.DataStore{SQL: &config.SQL{
		PluginName:      postgresql.PluginNamePGX,
		DatabaseName:    name,
		ConnectAddr:     database.server.Host, // for messages: Connect decides
		ConnectProtocol: "tcp",
		MaxConns:        connections,
		MaxIdleConns:    connections,
		MaxConnLifetime: time.Hour,
		Connect:         dial(database.URL(name)),
	}}
}
