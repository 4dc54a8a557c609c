package durable

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/belayhq/belay/contract"
)

// Attributes are the search attributes that a namespace must have, by name.
func Attributes() map[string]enumspb.IndexedValueType {
	types := map[string]enumspb.IndexedValueType{}
	for _, key := range []temporal.SearchAttributeKey{
		contract.AttrState, contract.AttrService, contract.AttrPriority, contract.AttrUnit, contract.AttrTier,
		contract.AttrConversation,
	} {
		types[key.GetName()] = key.GetValueType()
	}
	return types
}

// AttributeTypes are the search attributes in the words of command lines: "Keyword", "Int".
func AttributeTypes() map[string]string {
	types := map[string]string{}
	for name, kind := range Attributes() {
		types[name] = kind.String()
	}
	return types
}

// Prepare checks that the namespace exists and adds the search attributes that it lacks. It never creates a
// namespace: how long histories are kept is the operator's decision.
func Prepare(ctx context.Context, c client.Client, namespace string) error {
	_, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
	var unknown *serviceerror.NamespaceNotFound
	if errors.As(err, &unknown) {
		return fmt.Errorf("namespace %q does not exist there; create it with: temporal operator namespace create --retention 7d -n %s", namespace, namespace)
	}
	if err != nil {
		return fmt.Errorf("describe namespace %q: %w", namespace, err)
	}
	return addAttributes(ctx, c, namespace)
}

func addAttributes(ctx context.Context, c client.Client, namespace string) error {
	known, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if forbidden(err) {
		return nil // a managed server: its operator adds them, and starting a workflow tells when they are missing
	}
	if err != nil {
		return fmt.Errorf("list search attributes of namespace %q: %w", namespace, err)
	}
	missing, err := lacking(known.GetCustomAttributes())
	if err != nil {
		return fmt.Errorf("namespace %q: %w", namespace, err)
	}
	if len(missing) == 0 {
		return nil
	}

	_, err = c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: namespace, SearchAttributes: missing,
	})
	var exists *serviceerror.AlreadyExists
	if err == nil || errors.As(err, &exists) {
		return nil // or another process of ours was first
	}
	return fmt.Errorf("add search attributes to namespace %q (%w); add them with: %s", namespace, err, byHand(namespace, missing))
}

// lacking is what the namespace does not have yet. A type cannot be changed once it is there.
func lacking(known map[string]enumspb.IndexedValueType) (map[string]enumspb.IndexedValueType, error) {
	missing := map[string]enumspb.IndexedValueType{}
	for name, wanted := range Attributes() {
		has, exists := known[name]
		if exists && has != wanted {
			return nil, fmt.Errorf("search attribute %s is %s, not %s as we need it", name, has, wanted)
		}
		if !exists {
			missing[name] = wanted
		}
	}
	return missing, nil
}

func byHand(namespace string, missing map[string]enumspb.IndexedValueType) string {
	flags := make([]string, 0, len(missing))
	for name, kind := range missing {
		flags = append(flags, fmt.Sprintf("--name %s --type %s", name, kind))
	}
	slices.Sort(flags)
	return "temporal operator search-attribute create -n " + namespace + " " + strings.Join(flags, " ")
}

func forbidden(err error) bool {
	var denied *serviceerror.PermissionDenied
	var absent *serviceerror.Unimplemented
	return errors.As(err, &denied) || errors.As(err, &absent)
}
