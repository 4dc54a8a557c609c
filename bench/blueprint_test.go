package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

func TestTheBlueprintLoadsAndEveryQuestionHasItsService(t *testing.T) {
	files := []blueprint.File{{Path: "bench.yaml", Content: []byte(Blueprint("http://127.0.0.1:9", "bench0key"))}}
	loaded, err := blueprint.Load(files, func(string) (*time.Location, error) { return time.UTC, nil })
	require.NoError(t, err)

	keys := map[string]bool{}
	for _, i := range loaded.Org.Integrations {
		keys[i.Key] = true
	}
	heard := []string{serviceLife, serviceText, serviceBurst(0), serviceBurst(people - 1), serviceDoor(0), serviceDoor(doors - 1), serviceStorm(0), serviceStorm(stormServices - 1)}
	for _, service := range heard {
		require.True(t, keys[Options{Key: "bench0key"}.routingKey(service)], service)
	}
	for _, service := range append(heard, serviceLadder, serviceLate(shortest), serviceLate(longest)) {
		require.Contains(t, loaded.Org.Services, id.Service(service))
		policy := chosen(loaded.Org, service)
		require.NotNil(t, policy, service)
		require.Equal(t, time.Second, policy.Reopen, "a life ends soon after its resolve")
	}
}

func chosen(o *org.Org, service string) *org.Policy {
	for _, p := range o.Policies {
		if string(p.ID) == service {
			return &p
		}
	}
	return nil
}
