package expr_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/expr"
)

func event() map[string]any {
	return expr.Event{
		Alert: alert.Alert{
			Action: alert.Trigger, Title: "disk full on db-3", Severity: alert.Critical, Source: "db-3", DedupKey: "disk/db-3",
			Labels: alert.Labels{"env": "prod", "cluster": "eu-1"}, Details: map[string]any{"used": 97.5, "mounts": []any{"/", "/var"}},
		},
		Service: "checkout", Integration: "alertmanager", Format: "alertmanager", At: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC),
	}.Vars()
}

func compile(t testing.TB, source string) expr.Program {
	t.Helper()
	scope, err := expr.Events()
	require.NoError(t, err)
	p, err := scope.Compile(source, expr.Truth)
	require.NoError(t, err)
	return p
}

func TestAConditionSeesTheWholeEvent(t *testing.T) {
	for source, want := range map[string]bool{
		`severity == "critical"`:                                 true,
		`severity in ["warning", "info"]`:                        false,
		`labels.env == "prod" && labels["cluster"] == "eu-1"`:    true,
		`has(labels.team) && labels.team == "db"`:                false,
		`details.used > 90`:                                      true, // JSON's numbers beside whole ones
		`details.mounts.exists(m, m.startsWith("/v"))`:           true,
		`title.matches("disk (full|failing)")`:                   true,
		`integration == "alertmanager" && service == "checkout"`: true,
		`at.getHours() >= 9 && at.getDayOfWeek() == 1`:           true,
		`action == "trigger" && format == "alertmanager"`:        true,
		`client == "" && status == "" && dedup_key != ""`:        true,
		`title.lower().contains("disk")`:                         true,
	} {
		got, err := compile(t, source).Test(event())
		require.NoError(t, err, source)
		require.Equal(t, want, got, source)
	}
}

func TestMistakesAreFoundBeforeAnythingRuns(t *testing.T) {
	scope, err := expr.Events()
	require.NoError(t, err)
	for source, says := range map[string]string{
		`severty == "critical"`:           "undeclared reference to 'severty'",
		`severity == 1`:                   "no matching overload",
		`title`:                           "comes to string, must come to true or false",
		`labels.env =! "prod"`:            "Syntax error",
		``:                                "is empty",
		`title.matches("(")`:              "invalid matches argument",
		`title.matches(labels.pattern)`:   "must be written out",
		`at > timestamp("yesterday")`:     "invalid timestamp argument",
		"title == \"x\"\n&& severity > 3": "at line 2",
	} {
		_, err := scope.Compile(source, expr.Truth)
		require.ErrorContains(t, err, says, source)
	}
}

func TestWhatIsNotThereIsToldApartFromWhatIsWrong(t *testing.T) {
	_, err := compile(t, `labels.team == "db"`).Test(event())
	require.ErrorIs(t, err, expr.ErrAbsent)
	_, err = compile(t, `details.mounts[7] == "/"`).Test(event())
	require.ErrorIs(t, err, expr.ErrAbsent)
	_, err = compile(t, `details.used.startsWith("9")`).Test(event())
	require.Error(t, err)
	require.NotErrorIs(t, err, expr.ErrAbsent)
	_, err = compile(t, `details.used`).Test(event())
	require.ErrorContains(t, err, "must come to true or false")
}

// Hostile expressions are refused when they are read.
func TestHostileExpressionsAreRefused(t *testing.T) {
	scope, err := expr.Events()
	require.NoError(t, err)
	for name, source := range map[string]string{
		"long":            `title == "` + strings.Repeat("x", expr.Longest) + `"`,
		"deep":            strings.Repeat("(", 200) + "true" + strings.Repeat(")", 200),
		"deep conditions": strings.Repeat("true ? (", 60) + "true" + strings.Repeat(") : false", 60),
		"no such word":    `title.replace("a", title) == ""`,
		"deep lists":      strings.Repeat("[", 300) + strings.Repeat("]", 300) + " == []",
		"wide":            strings.Repeat(`title=="a"||`, 160) + "true",
		"nested loops":    `[1,2].all(a, [1,2].all(b, [1,2].all(c, a < b || b < c)))`,
		"huge pattern":    `title.matches("((a{1,100}){1,100}){1,100}")`,
		"repeated macros": strings.Repeat(`details.mounts.all(m, m == "") && `, 50) + "true",
	} {
		_, err := scope.Compile(source, expr.Truth)
		require.Error(t, err, name)
		require.Less(t, len(err.Error()), 400, name)
	}
}

// What is right in itself and too much for this event ends with an error, not with the process.
func TestWorkIsBounded(t *testing.T) {
	big := event()
	many := make([]any, 20_000)
	for i := range many {
		many[i] = float64(i)
	}
	long := strings.Repeat("a", 2<<20)
	big["details"] = map[string]any{"many": many, "long": long}
	big["title"] = long
	for name, source := range map[string]string{
		"a square of loops":  `details.many.all(a, details.many.all(b, a + b >= 0))`,
		"a long text":        `title.matches("(a|aa)+$")`,
		"growing text":       `(title + title + title + title).contains("b")`,
		"joining long texts": `details.many.map(a, string(a)).join(title).size() > 3`,
		"splitting it":       `title.split("a").size() > 3`,
		"mapping to text":    `details.many.map(a, details.long + string(a)).size() > 3`,
	} {
		_, err := compile(t, source).Test(big)
		require.Error(t, err, name)
	}
}

// What a monitor sends may be deep, and have tens of thousands of parts: a rule that looks at it is not passed over.
func TestWhatIsDeepOrManyCanBeAskedOf(t *testing.T) {
	var deep any = "bottom"
	for range 40 {
		deep = map[string]any{"inner": []any{deep}}
	}
	many := []any{}
	for range 20_000 {
		many = append(many, map[string]any{"a": 1.0})
	}
	vars := expr.Event{Alert: alert.Alert{Details: map[string]any{"deep": deep, "many": many}}}.Vars()
	for _, source := range []string{`details.deep.size() > 0`, `has(details.deep.inner)`, `details.many.size() == 20000`, `details.size() == 2`} {
		got, err := compile(t, source).Test(vars)
		require.NoError(t, err, source)
		require.True(t, got, source)
	}
}

func TestEveryRunOfAProgramStandsAlone(t *testing.T) {
	p := compile(t, `severity == "critical"`)
	other := event()
	other["severity"] = "info"
	for range 3 {
		first, err := p.Test(event())
		require.NoError(t, err)
		require.True(t, first)
		second, err := p.Test(other)
		require.NoError(t, err)
		require.False(t, second)
	}
}

func TestMappingsComeToTextAndJSON(t *testing.T) {
	scope, err := expr.Bodies()
	require.NoError(t, err)
	vars := map[string]any{
		"body": map[string]any{"name": "cpu", "level": 3.0, "tags": []any{"a", "b"}, "nothing": nil}, "item": nil,
		"header": map[string]string{"x-env": "prod"}, "query": map[string]string{},
	}
	text := func(source string) (string, error) {
		p, err := scope.Compile(source, expr.Text)
		require.NoError(t, err, source)
		return p.Text(vars)
	}
	for source, want := range map[string]string{
		`body.name + " on " + header["x-env"]`:     "cpu on prod",
		`body.level`:                               "3",
		`body.?host.orValue("unknown")`:            "unknown",
		`body.level >= 3 ? "critical" : "warning"`: "critical",
		`body.nothing`:                             "",
		`body.tags.map(t, string(t)).join(", ")`:   "a, b",
	} {
		got, err := text(source)
		require.NoError(t, err, source)
		require.Equal(t, want, got, source)
	}
	_, err = text(`body.host`)
	require.ErrorIs(t, err, expr.ErrAbsent)
	_, err = text(`body.tags`)
	require.ErrorContains(t, err, "must come to text")

	p, err := scope.Compile(`{"a": body.tags, "b": body.level, "c": null}`, expr.Any)
	require.NoError(t, err)
	value, err := p.Value(vars)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"a": []any{"a", "b"}, "b": 3.0, "c": nil}, value)
}

func FuzzExpressions(f *testing.F) {
	for _, seed := range []string{`severity == "critical"`, `labels.env == "prod"`, `details.mounts.all(m, m == "")`, `title.matches("a+")`, `!!!!`, `[[[]]]`} {
		f.Add(seed)
	}
	scope, err := expr.Events()
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, source string) {
		p, err := scope.Compile(source, expr.Truth)
		if err != nil {
			return
		}
		_, _ = p.Test(event()) // neither panics nor runs away
	})
}
