package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"google.golang.org/protobuf/types/known/durationpb"
)

// retention is how long a closed workflow can still be looked at.
const retention = 7 * 24 * time.Hour

// prepareNamespace registers the namespace, adds the search attributes it lacks, and returns once both can be used.
func prepareNamespace(ctx context.Context, addr, namespace string, wanted Attributes, journal Journal) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	c, err := client.DialContext(ctx, client.Options{HostPort: addr, Namespace: namespace, Logger: silent{}})
	if err != nil {
		return fmt.Errorf("reach the Temporal server: %w", err)
	}
	defer c.Close()

	if err := register(ctx, c, namespace, journal); err != nil {
		return fmt.Errorf("register namespace %q: %w", namespace, err)
	}
	if err := addAttributes(ctx, c, namespace, wanted, journal); err != nil {
		return fmt.Errorf("search attributes of namespace %q: %w", namespace, err)
	}
	return nil
}

func register(ctx context.Context, c client.Client, namespace string, journal Journal) error {
	_, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
	var unknown *serviceerror.NamespaceNotFound
	if err == nil || !errors.As(err, &unknown) {
		return err
	}
	journal.Say("temporal: registering namespace %s", namespace)
	_, err = c.WorkflowService().RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace:                        namespace,
		Description:                      "registered by devstack",
		WorkflowExecutionRetentionPeriod: durationpb.New(retention),
	})
	var exists *serviceerror.NamespaceAlreadyExists
	if err != nil && !errors.As(err, &exists) {
		return err
	}
	return insist(ctx, func() error { return usable(ctx, c, namespace, nil) })
}

func addAttributes(ctx context.Context, c client.Client, namespace string, wanted Attributes, journal Journal) error {
	if len(wanted) == 0 {
		return nil
	}
	known, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return err
	}
	missing := map[string]enumspb.IndexedValueType{}
	for name, kind := range wanted {
		has, exists := known.GetCustomAttributes()[name]
		if exists && has != kind {
			return fmt.Errorf("%s is %s, not %s as asked; a type cannot be changed: name it otherwise, or start from an empty home", name, has, kind)
		}
		if !exists {
			missing[name] = kind
		}
	}
	if len(missing) == 0 {
		return nil
	}
	names := make([]string, 0, len(missing))
	for name := range missing {
		names = append(names, name)
	}
	slices.Sort(names)
	journal.Say("temporal: adding search attributes %s", strings.Join(names, ", "))
	err = insist(ctx, func() error {
		_, err := c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
			Namespace: namespace, SearchAttributes: missing,
		})
		var exists *serviceerror.AlreadyExists
		if errors.As(err, &exists) {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := insist(ctx, func() error { return usable(ctx, c, namespace, names) }); err != nil {
		return err
	}
	// The frontend knows them; history, which checks what workflows upsert, reads the namespaces in its own rhythm.
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(namespaceRefresh + namespaceRefresh/5):
		return nil
	}
}

// usable counts workflows by the attributes, which the server refuses while it does not know them.
func usable(ctx context.Context, c client.Client, namespace string, attributes []string) error {
	conditions := make([]string, len(attributes))
	for i, name := range attributes {
		conditions[i] = "`" + name + "` IS NOT NULL"
	}
	_, err := c.WorkflowService().CountWorkflowExecutions(ctx, &workflowservice.CountWorkflowExecutionsRequest{
		Namespace: namespace, Query: strings.Join(conditions, " AND "),
	})
	return err
}

// insist repeats what fails only until the server has caught up with itself; ctx bounds it.
func insist(ctx context.Context, try func() error) error {
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// silent drops the client's log.
type silent struct{}

var _ sdklog.Logger = silent{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}
