// Package durable is the adapter to Temporal: how to reach the server, how payloads are protected, which search
// attributes must exist, how faults travel, and the engine that the services talk to. It knows the contract and nothing
// of workflows, so that an API process never links them.
package durable

import (
	"fmt"
	"log/slog"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/log"
	"google.golang.org/grpc"
)

// Options say where the server is and how to talk to it.
type Options struct {
	// Addr is host:port; empty: what Temporal's own variables and profile say, else 127.0.0.1:7233.
	Addr string
	// Namespace; empty: what Temporal's own variables and profile say, else "default".
	Namespace string
	// Plain ignores Temporal's own variables and profile: the server is one that we started ourselves.
	Plain bool
	// Identity of this process in histories; empty: pid@host, and the rules that it knows.
	Identity string
	// Keys encrypt payloads; the first one encrypts, all of them decrypt. None: payloads travel in clear.
	Keys []Key
	// Hands learns which sticky queues are polled by way of this client; nil: nobody does.
	Hands   *Hands
	Metrics client.MetricsHandler
	Log     *slog.Logger
}

// Dial prepares a client without connecting, so that a process can start while the server is away. The TEMPORAL_*
// variables (address, namespace, API key, TLS, profile) apply as in Temporal's own tools. An error means that the
// configuration is wrong, never that the server is absent.
func Dial(o Options) (client.Client, error) {
	options, err := o.client()
	if err != nil {
		return nil, err
	}
	c, err := client.NewLazyClient(options)
	if err != nil {
		return nil, fmt.Errorf("prepare a Temporal client for %s: %w", options.HostPort, err)
	}
	return c, nil
}

// Effective says which address and namespace Dial would use.
func (o Options) Effective() (addr, namespace string, err error) {
	options, err := o.client()
	return options.HostPort, options.Namespace, err
}

func (o Options) client() (client.Options, error) {
	options := client.Options{}
	if !o.Plain {
		found, err := envconfig.LoadDefaultClientOptions()
		if err != nil {
			return client.Options{}, fmt.Errorf("read Temporal's client configuration (TEMPORAL_*): %w", err)
		}
		options = found
	}
	if o.Addr != "" {
		options.HostPort = o.Addr
	}
	if options.HostPort == "" {
		options.HostPort = "127.0.0.1:7233"
	}
	if o.Namespace != "" {
		options.Namespace = o.Namespace
	}
	if options.Namespace == "" {
		options.Namespace = client.DefaultNamespace
	}
	options.Identity = o.Identity
	if options.Identity == "" {
		options.Identity = identity()
	}
	options.MetricsHandler = o.Metrics
	if options.ConnectionOptions.TLS == nil {
		// A neighbour. Compressing costs an eighth of a worker's CPU there, and the server must undo each.
		options.ConnectionOptions.GrpcCompression = &client.GrpcCompressionNone{}
	}
	if o.Hands != nil {
		options.ConnectionOptions.DialOptions = append(options.ConnectionOptions.DialOptions, grpc.WithChainUnaryInterceptor(o.Hands.intercept))
	}
	if o.Log != nil {
		options.Logger = log.NewStructuredLogger(o.Log)
	}
	if len(o.Keys) > 0 {
		var err error
		if options.DataConverter, options.FailureConverter, err = converters(o.Keys); err != nil {
			return client.Options{}, err
		}
	}
	return options, nil
}
