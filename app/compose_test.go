package app

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
)

const (
	composeFile = "../docker-compose.yml"
	exampleFile = "../deploy/.env.example"
)

// ours are the services of the compose file that run Belay.
func ours() []string { return []string{"migrate", "serve", "worker", "watchdog"} }

// filled is the example with its required secrets made up.
func filled(t *testing.T) map[string]string {
	t.Helper()
	env, err := dotenv.Read(exampleFile)
	require.NoError(t, err)
	env["BELAY_SECRET"] = strings.Repeat("s", 44)
	env["POSTGRES_PASSWORD"] = "0123456789abcdef"
	return env
}

func compose(t *testing.T, env map[string]string) (*types.Project, error) {
	t.Helper()
	var pairs []string
	for name, value := range env {
		pairs = append(pairs, name+"="+value)
	}
	options, err := cli.NewProjectOptions([]string{composeFile}, cli.WithEnv(pairs), cli.WithName("belay"))
	require.NoError(t, err)
	return options.LoadProject(t.Context())
}

func composed(t *testing.T) *types.Project {
	t.Helper()
	project, err := compose(t, filled(t))
	require.NoError(t, err)
	return project
}

func TestComposeSetsOnlyWhatExists(t *testing.T) {
	project := composed(t)
	known := map[string]bool{}
	for _, v := range Variables() {
		known[v.Name] = true
	}
	for _, name := range ours() {
		service, there := project.Services[name]
		require.True(t, there, name)
		for variable := range service.Environment {
			require.True(t, known[variable], "%s sets %s, which nobody reads", name, variable)
		}
	}
}

func TestComposeStartsWithTheExample(t *testing.T) {
	project := composed(t)
	for _, name := range ours() {
		options, err := FromEnv(environmentOf(project, name))
		require.NoError(t, err, name)
		require.NoError(t, options.Complete(), name)
		require.False(t, options.Dev, "%s runs in development mode", name)
	}
}

// Whoever runs Belay with compose can set everything that is not for development or for the command line.
func TestComposeHandsOnEverySetting(t *testing.T) {
	project := composed(t)
	for _, v := range Variables() {
		if forDevelopment(v) {
			continue
		}
		handed := slices.ContainsFunc(ours(), func(name string) bool {
			_, set := project.Services[name].Environment[v.Name]
			return set
		})
		require.True(t, handed, "%s cannot be set with compose", v.Name)
	}
}

func forDevelopment(v Variable) bool {
	return v.take == nil || v.Name == "BELAY_DEV" || strings.HasPrefix(v.Help, "dev:") || strings.HasPrefix(v.Help, "command line:")
}

func TestComposeNamesWhatIsMissing(t *testing.T) {
	for _, required := range []string{"BELAY_SECRET", "BELAY_PUBLIC_URL", "POSTGRES_PASSWORD"} {
		env := filled(t)
		delete(env, required)
		_, err := compose(t, env)
		require.ErrorContains(t, err, required)
		env[required] = ""
		_, err = compose(t, env)
		require.ErrorContains(t, err, required, "empty is missing")
	}
}

func TestComposeIsClosedToTheNetworkAndToPrivilege(t *testing.T) {
	project := composed(t)
	for name, service := range project.Services {
		for _, port := range service.Ports {
			require.Equal(t, "127.0.0.1", port.HostIP, "%s opens %s to everybody", name, port.Published)
		}
		require.False(t, service.Privileged, name)
	}
	for _, name := range ours() {
		require.True(t, project.Services[name].ReadOnly, name)
		require.Equal(t, []string{"ALL"}, project.Services[name].CapDrop, name)
	}
}

// Whoever is waited for says when they are ready, or ends.
func TestComposeWaitsForWhatAnswers(t *testing.T) {
	project := composed(t)
	for name, service := range project.Services {
		for other, on := range service.DependsOn {
			switch on.Condition {
			case types.ServiceConditionHealthy:
				require.NotNil(t, project.Services[other].HealthCheck, "%s waits for the health of %s, which has none", name, other)
			case types.ServiceConditionCompletedSuccessfully:
				require.Contains(t, []string{"", "no"}, project.Services[other].Restart, "%s waits for %s to end, which starts again", name, other)
			default:
				t.Errorf("%s does not say what it waits for in %s", name, other)
			}
		}
	}
	for _, name := range []string{"serve", "worker"} {
		require.NotNil(t, project.Services[name].HealthCheck, name)
	}
}

// Belay's record and Temporal's must not fail together: each has a server and a volume of its own.
func TestComposeKeepsTheTwoStoresApart(t *testing.T) {
	project := composed(t)
	store := *project.Services["temporal"].Environment["POSTGRES_SEEDS"]
	require.Equal(t, store, *project.Services["temporal-schema"].Environment["SQL_HOST"])
	require.Contains(t, project.Services["temporal-schema"].DependsOn, store)
	require.NotContains(t, environmentOf(project, "serve")("BELAY_DATABASE_URL"), "@"+store+":")

	volumes := map[string]string{}
	for _, name := range []string{"postgres", store} {
		for _, volume := range project.Services[name].Volumes {
			require.Empty(t, volumes[volume.Source], "%s and %s share a volume", name, volumes[volume.Source])
			volumes[volume.Source] = name
		}
	}
	require.Len(t, volumes, 2)

	env := filled(t)
	env["TEMPORAL_POSTGRES_HOST"] = "postgres"
	together, err := compose(t, env)
	require.NoError(t, err)
	require.Equal(t, "postgres", *together.Services["temporal"].Environment["POSTGRES_SEEDS"], "who began with one keeps it")
}

func TestComposeHoldsNoSecret(t *testing.T) {
	written, err := os.ReadFile(composeFile)
	require.NoError(t, err)
	for _, v := range Variables() {
		if !v.Secret {
			continue
		}
		line := regexp.MustCompile(`(?m)^\s*` + v.Name + `:\s*(.*)$`).FindSubmatch(written)
		if line == nil {
			continue
		}
		require.Contains(t, string(line[1]), "${", "%s is written into the file", v.Name)
	}
	example, err := dotenv.Read(exampleFile)
	require.NoError(t, err)
	for _, name := range []string{"BELAY_SECRET", "POSTGRES_PASSWORD", "BELAY_CODEC_KEYS", "BELAY_TWILIO_AUTH_TOKEN", "BELAY_SMTP_PASSWORD", "BELAY_WEBHOOK_SECRET", "BELAY_WATCHDOG_WEBHOOKS", "BELAY_WATCHDOG_HEARTBEAT_URL"} {
		require.Empty(t, example[name], name)
	}
}

func environmentOf(project *types.Project, service string) func(string) string {
	return func(name string) string {
		if value := project.Services[service].Environment[name]; value != nil {
			return *value
		}
		return ""
	}
}
