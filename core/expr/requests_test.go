package expr_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/expr"
)

func about(t *testing.T, r expr.Request, source string, want expr.Yields) expr.Program {
	t.Helper()
	scope, err := expr.About(r)
	require.NoError(t, err)
	p, err := scope.Compile(source, want)
	require.NoError(t, err, source)
	return p
}

// Each request has its own names: what one may use another may not.
func TestARequestKnowsItsOwnNamesOnly(t *testing.T) {
	for _, r := range expr.Requests() {
		scope, err := expr.About(r)
		require.NoError(t, err)
		require.NotEmpty(t, r.Names())
		for _, name := range r.Names() {
			_, err := scope.Compile(name, expr.Any)
			require.NoError(t, err, "%s in %s", name, r)
		}
		for _, name := range []string{"secret", "titel", "env"} {
			_, err := scope.Compile(name, expr.Any)
			require.ErrorContains(t, err, "undeclared reference to '"+name+"'", string(r))
		}
	}
	_, err := expr.About("dance")
	require.Error(t, err)
}

// A body holds what is to be written, and nothing else.
func TestWhatIsNotToBeWrittenIsNotThere(t *testing.T) {
	p := about(t, expr.ToChange, `{"ticket": {?"status": status, ?"priority": fields[?"priority"], ?"owner": assignee.optMap(a, int(a))}}`, expr.Any)
	vars := map[string]any{"ticket": "1", "state": expr.Maybe(""), "status": expr.Maybe("open"), "priority": expr.Maybe(""), "assignee": expr.Maybe(""),
		"fields": map[string]string{}, "text": ""}
	value, err := p.Value(vars)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"ticket": map[string]any{"status": "open"}}, value)
	vars["status"], vars["assignee"], vars["fields"] = expr.Maybe(""), expr.Maybe("21000002"), map[string]string{"priority": "urgent"}
	value, err = p.Value(vars)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"ticket": map[string]any{"priority": "urgent", "owner": 21000002.0}}, value)
	wanted, err := about(t, expr.ToChange, `status.hasValue()`, expr.Truth).Test(vars)
	require.NoError(t, err)
	require.False(t, wanted)
	text, err := about(t, expr.ToChange, `assignee`, expr.Any).Text(vars)
	require.NoError(t, err)
	require.Equal(t, "21000002", text)
}

// What an answer comes to is taken apart without losing the end of a long number.
func TestPartsAreAsExactAsTheyCame(t *testing.T) {
	const long = int64(9_007_199_254_740_993) // no float64
	answer := map[string]any{"answer": map[string]any{"tickets": []any{map[string]any{"id": long, "name": "a"}, long, "word"}, "none": nil}, "header": map[string]string{}, "page": int64(1)}
	parts, err := about(t, expr.Answered, `answer.tickets`, expr.Any).Parts(answer)
	require.NoError(t, err)
	require.Len(t, parts, 3)
	_, named := parts[0].Word()
	require.False(t, named)
	id, err := about(t, expr.Item, `item.id`, expr.Any).Text(map[string]any{"item": parts[0].Var(), "base": ""})
	require.NoError(t, err)
	require.Equal(t, "9007199254740993", id)
	word, named := parts[1].Word()
	require.True(t, named)
	require.Equal(t, "9007199254740993", word)
	object, is := parts[0].Object()
	require.True(t, is)
	require.Equal(t, "a", object["name"])
	require.EqualValues(t, "9007199254740993", object["id"])
	one, err := about(t, expr.Answered, `answer.tickets[2]`, expr.Any).Parts(answer)
	require.NoError(t, err)
	require.Len(t, one, 1)
	for _, nothing := range []string{`answer.none`, `answer.?such`, `[]`} {
		none, err := about(t, expr.Answered, nothing, expr.Any).Parts(answer)
		require.NoError(t, err, nothing)
		require.Empty(t, none, nothing)
	}
	_, err = about(t, expr.Answered, `answer.such`, expr.Any).Parts(answer)
	require.ErrorIs(t, err, expr.ErrAbsent)
}
