// Package archtest keeps the walls of the house: which room may import which, on the imports that are really there.
package archtest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/belayhq/belay/"

// room is one wall: what its packages may import of ours, and what of others.
type room struct {
	ours   []string // path prefixes below the module
	others []string // import path prefixes outside the standard library
	std    []string // of the standard library: only these are refused
}

// deny lists of the standard library.
var (
	impure = []string{"net", "os", "log", "math/rand", "crypto/rand", "database/sql", "runtime", "syscall", "plugin"}
	none   []string
)

// The law. A package belongs to the room with the longest matching prefix; a package without a room fails.
var law = map[string]room{
	"core":                       {ours: []string{"core"}, std: impure},
	"core/blueprint":             {ours: []string{"core"}, others: []string{"go.yaml.in/yaml", "github.com/nyaruka/phonenumbers"}, std: impure},
	"core/expr":                  {ours: []string{"core"}, others: []string{"cel.dev/cel-go"}, std: impure},
	"core/calendar":              {ours: []string{"core"}, others: []string{"github.com/rickar/cal"}, std: impure},
	"contract":                   {ours: []string{"core", "contract"}, others: []string{"go.temporal.io/sdk/temporal"}, std: impure},
	"workflows":                  {ours: []string{"core", "contract", "activities", "workflows"}, others: []string{"go.temporal.io/sdk/workflow", "go.temporal.io/sdk/temporal", "go.temporal.io/api/enums"}, std: append([]string{"sync"}, impure...)},
	"activities":                 {ours: []string{"core", "contract", "activities"}, others: []string{"go.temporal.io/sdk/activity"}, std: none},
	"store":                      {ours: []string{"core", "contract", "service", "store"}, others: []string{"github.com/jackc/pgx", "github.com/jackc/puddle", "github.com/pressly/goose"}, std: none},
	"disk":                       {ours: []string{"core", "service", "disk"}, std: none},
	"integrations":               {ours: []string{"core", "integrations/outbound", "integrations/foreign"}, others: []string{"github.com/twilio/twilio-go", "github.com/wneessen/go-mail"}, std: none},
	"integrations/anyrest":       {ours: []string{"core", "integrations/outbound", "integrations/foreign"}, std: none},
	"integrations/grafana":       {ours: []string{"core", "integrations/foreign", "integrations/alertmanager"}, std: none},
	"integrations/outbound":      {ours: []string{"core/fault"}, std: none},
	"integrations/foreign":       {ours: []string{"core"}, std: []string{"net/http", "os"}},
	"integrations/oidc":          {ours: []string{"core", "integrations/oidc"}, others: []string{"github.com/coreos/go-oidc", "golang.org/x/oauth2"}, std: none},
	"integrations/mailbox":       {ours: []string{"core", "integrations/foreign"}, others: []string{"github.com/emersion/go-smtp"}, std: none},
	"integrations/smtp/smtpfake": {others: []string{"github.com/emersion/go-smtp", "github.com/emersion/go-sasl"}, std: none},
	"service":                    {ours: []string{"core", "contract", "service"}, others: []string{"golang.org/x/time/rate", "golang.org/x/crypto/argon2"}, std: []string{"net/http", "database/sql"}},
	"api":                        {ours: []string{"service", "core", "contract", "api"}, others: []string{"github.com/labstack/echo", "github.com/getkin/kin-openapi", "github.com/oapi-codegen/runtime", "github.com/swaggest/swgui"}, std: none},
	"web":                        {ours: []string{"service", "core", "contract", "web"}, others: []string{"github.com/labstack/echo", "github.com/a-h/templ", "github.com/arran4/golang-ical"}, std: none},
	"durable":                    {ours: []string{"contract", "core", "durable"}, others: []string{"go.temporal.io", "google.golang.org/grpc", "google.golang.org/protobuf"}, std: none},
	"workers":                    {ours: []string{"workflows", "activities", "contract", "core", "workers"}, others: []string{"go.temporal.io/sdk"}, std: none},
	"app":                        {ours: []string{""}, others: []string{""}, std: none},
	"cmd":                        {ours: []string{"app", "api/client", "core", "contract", "service", "internal/stack", "bench", "chaos"}, others: []string{"github.com/spf13/cobra", "go.yaml.in/yaml", "golang.org/x/term"}, std: none},
	"bench":                      {ours: []string{"core", "contract", "durable", "integrations", "internal/stack", "bench"}, others: []string{"go.temporal.io", "google.golang.org/protobuf", "github.com/jackc/pgx"}, std: none},
	"chaos":                      {ours: []string{"core", "contract", "durable", "integrations", "internal/stack", "bench", "chaos"}, others: []string{"go.temporal.io"}, std: none},
	"internal/archtest":          {std: none},
	"internal/tonguetest":        {ours: []string{"core/tongue"}, others: []string{"github.com/stretchr/testify"}, std: none},
	"internal/chromium":          {others: []string{"github.com/chromedp", "github.com/stretchr/testify"}, std: none},
	"internal/pgtest":            {ours: []string{"store"}, others: []string{"github.com/jackc/pgx"}, std: none},
	"internal/stack":             {ours: []string{"internal/stack"}, std: none},
	"e2e":                        {ours: []string{""}, others: []string{""}, std: none},
}

// rank orders the packages of the core: each may import those of a lower rank only.
var rank = map[string]int{
	"core/fault": 0, "core/id": 0, "core/tongue": 0,
	"core/org":   1,
	"core/alert": 2, "core/calendar": 2, "core/ticket": 2,
	"core/tracker": 3, "core/oncall": 3, "core/page": 3, "core/reply": 3, "core/expr": 3,
	"core/text": 4, "core/policy": 4,
	"core/surge": 4, "core/sla": 4,
	"core/escalation": 5, "core/route": 5,
	"core/blueprint": 6, "core/simulate": 6,
}

// Imports that the closure of a room must never reach, however indirectly.
var reach = map[string][]string{
	"core":         {"net/http", "database/sql", "go.temporal.io", "github.com/labstack/echo", "github.com/jackc"},
	"workflows":    {"github.com/labstack/echo", "github.com/jackc", module + "store", module + "integrations", module + "core/blueprint", module + "core/expr"},
	"activities":   {"github.com/labstack/echo", "github.com/jackc", module + "store", module + "integrations"},
	"service":      {"go.temporal.io/sdk/client", "go.temporal.io/sdk/worker", "github.com/labstack/echo", "github.com/jackc"},
	"integrations": {"go.temporal.io", "github.com/jackc", "github.com/labstack/echo"},
	"api":          {"github.com/jackc", "go.temporal.io/sdk/client", module + "store", module + "durable"},
	"web":          {"github.com/jackc", "go.temporal.io/sdk/client", module + "store", module + "durable"},
}

type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	list := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", "./...")
	list.Dir = root
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for decoder.More() {
		var p pkg
		if err := decoder.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func TestWalls(t *testing.T) {
	var all []string
	for _, p := range packages(t) {
		all = append(all, violations(p)...)
	}
	for _, v := range all {
		t.Error(v)
	}
}

// Each wall is proven to stand: a planted violation is found.
func TestPlantedViolationsAreFound(t *testing.T) {
	for _, planted := range []pkg{
		{ImportPath: module + "core/escalation", Imports: []string{"os"}},
		{ImportPath: module + "core/policy", Imports: []string{module + "core/escalation"}},
		{ImportPath: module + "core/policy", Imports: []string{"github.com/rickar/cal/v2"}},
		{ImportPath: module + "core/blueprint", Imports: []string{"cel.dev/cel-go/cel"}},
		{ImportPath: module + "core/reply", Imports: []string{module + "service"}},
		{ImportPath: module + "contract", Imports: []string{"go.temporal.io/sdk/client"}},
		{ImportPath: module + "workflows", Imports: []string{module + "store"}},
		{ImportPath: module + "workflows", Imports: []string{"math/rand/v2"}},
		{ImportPath: module + "workflows", Deps: []string{module + "core/blueprint"}},
		{ImportPath: module + "activities", Imports: []string{"github.com/jackc/pgx/v5"}},
		{ImportPath: module + "store", Imports: []string{module + "integrations/twilio"}},
		{ImportPath: module + "integrations/smtp", Imports: []string{module + "store"}},
		{ImportPath: module + "integrations/anyrest", Imports: []string{"cel.dev/cel-go/cel"}},
		{ImportPath: module + "integrations/anyrest", Imports: []string{module + "integrations/jira"}},
		{ImportPath: module + "service", Imports: []string{"go.temporal.io/sdk/client"}},
		{ImportPath: module + "api", Imports: []string{module + "durable"}},
		{ImportPath: module + "web", Imports: []string{module + "store"}},
		{ImportPath: module + "durable", Imports: []string{module + "service"}},
		{ImportPath: module + "workers", Imports: []string{module + "store"}},
		{ImportPath: module + "service", Imports: []string{module + "app"}},
		{ImportPath: module + "cmd/belay", Imports: []string{module + "store"}},
		{ImportPath: module + "cmd/belay", Imports: []string{module + "durable"}},
		{ImportPath: module + "internal/stack/stacktest", Imports: []string{module + "durable"}},
		{ImportPath: module + "bench", Imports: []string{module + "workflows"}},
		{ImportPath: module + "disk", Imports: []string{module + "store"}},
		{ImportPath: module + "chaos", Imports: []string{module + "store"}},
		{ImportPath: module + "attic", Imports: nil},
		{ImportPath: module + "core/util", Imports: nil},
	} {
		if len(violations(planted)) == 0 {
			t.Errorf("%s importing %v %v passed", planted.ImportPath, planted.Imports, planted.Deps)
		}
	}
}

func violations(p pkg) []string {
	path := strings.TrimPrefix(p.ImportPath, module)
	name, wall, ok := roomOf(path)
	if !ok {
		return []string{fmt.Sprintf("%s belongs to no room: add it to the law, with an ADR", path)}
	}
	var found []string
	if base := filepath.Base(path); slices.Contains([]string{"util", "utils", "common", "helpers", "types", "models"}, base) {
		found = append(found, fmt.Sprintf("%s: no package is called %q", path, base))
	}
	for _, imported := range p.Imports {
		if !wall.allows(imported) {
			found = append(found, fmt.Sprintf("%s must not import %s (room %s)", path, imported, name))
		}
		found = append(found, higher(path, imported)...)
	}
	for prefix, never := range reach {
		if !within(path, prefix) {
			continue
		}
		for _, dep := range p.Deps {
			for _, n := range never {
				if within(dep, n) {
					found = append(found, fmt.Sprintf("%s must not reach %s, however indirectly", path, dep))
				}
			}
		}
	}
	return found
}

// higher: a package of the core imports one that is not below it.
func higher(path, imported string) []string {
	if !within(path, "core") {
		return nil
	}
	mine, known := rank[path]
	if !known {
		return []string{fmt.Sprintf("%s has no rank in the core: add it to the law, with an ADR", path)}
	}
	other := strings.TrimPrefix(imported, module)
	if theirs, ours := rank[other]; ours && other != path && theirs >= mine {
		return []string{fmt.Sprintf("%s must not import %s: the core is built from below", path, other)}
	}
	return nil
}

func roomOf(path string) (string, room, bool) {
	best := ""
	for prefix := range law {
		if within(path, prefix) && len(prefix) > len(best) {
			best = prefix
		}
	}
	r, ok := law[best]
	return best, r, ok
}

// allows reports whether a wall lets this import through. app is for cmd and e2e only.
func (r room) allows(imported string) bool {
	if ours, found := strings.CutPrefix(imported, module); found {
		return slices.ContainsFunc(r.ours, func(prefix string) bool { return within(ours, prefix) })
	}
	if !strings.Contains(strings.SplitN(imported, "/", 2)[0], ".") {
		return !slices.ContainsFunc(r.std, func(refused string) bool { return within(imported, refused) })
	}
	return slices.ContainsFunc(r.others, func(prefix string) bool { return within(imported, prefix) })
}

// within reports whether a path is prefix or below it; the empty prefix holds everything.
func within(path, prefix string) bool {
	return prefix == "" || path == prefix || strings.HasPrefix(path, prefix+"/") || strings.HasPrefix(path, prefix+"@")
}
