package sns

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/outbound"
)

// Outside is the Internet.
type Outside struct{ Client *outbound.Client }

// mostAnswer of an address; certificates are two kilobytes.
const mostAnswer = 64 << 10

// Get implements Fetcher.
func (o Outside) Get(ctx context.Context, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("ask SNS: %w", err)
	}
	answer, err := o.Client.Do(r)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "ask SNS")
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, mostAnswer))
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "read the answer of SNS")
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fault.New(fault.Unavailable, "SNS answered %d", answer.StatusCode)
	}
	return body, nil
}
