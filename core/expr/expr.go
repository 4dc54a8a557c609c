// Package expr is the small language in which conditions and mappings are written: CEL over what a monitor said. It
// checks an expression when it is read, and bounds what it may cost when it runs, because both the expression and what it
// is held against come from outside.
//
// It knows nothing of rules or blueprints, has no clock, and calls nothing.
package expr

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
)

const (
	// Longest is how many bytes an expression may have.
	Longest = 2000

	mostNodes = 500
	deepest   = 24 // levels of nesting
	mostLoops = 2  // one inside the other
	patterns  = 500
	mostCost  = 100_000   // in CEL's units: about a tenth of a microsecond each
	mostSpace = 1_000_000 // elements that values may take while it runs; ten bytes of text are one

	// What is weighed of a value. CEL's own bounds are 5 levels and 10,000 elements, and what is beyond counts as too large:
	// a monitor sends more than that.
	weighedLevels   = 1000
	weighedElements = 100_000
)

// Yields is what an expression must come to.
type Yields string

const (
	Truth Yields = "true or false"
	Text  Yields = "text"
	Any   Yields = "anything"
)

// Scope is which names an expression may use.
type Scope struct {
	env   *cel.Env
	space []cel.ProgramOption // what values may take, where that is more than mostSpace
}

// Event is what a condition of a rule sees.
type Event struct {
	Alert       alert.Alert
	Service     id.Service // that the integration names
	Integration id.Integration
	Format      string
	At          time.Time // when it came in
}

// Both scopes never change, and take longer to make than to use: they are made once.
var (
	events = sync.OnceValues(newEvents)
	bodies = sync.OnceValues(newBodies)
)

// Events is the scope of rules: the fields of one event.
func Events() (Scope, error) { return events() }

func newEvents() (Scope, error) {
	return scope(
		cel.Variable("action", cel.StringType), cel.Variable("title", cel.StringType), cel.Variable("severity", cel.StringType),
		cel.Variable("status", cel.StringType), cel.Variable("source", cel.StringType), cel.Variable("dedup_key", cel.StringType),
		cel.Variable("service", cel.StringType), cel.Variable("integration", cel.StringType), cel.Variable("format", cel.StringType),
		cel.Variable("client", cel.StringType), cel.Variable("labels", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("details", cel.MapType(cel.StringType, cel.DynType)), cel.Variable("at", cel.TimestampType),
	)
}

// Names lists what a rule may use, for people.
func Names() []string {
	return []string{"action", "title", "severity", "status", "source", "dedup_key", "service", "integration", "format", "client",
		"labels", "details", "at"}
}

// Vars are the values of the names in Events.
func (e Event) Vars() map[string]any {
	labels, details := map[string]string(e.Alert.Labels), e.Alert.Details
	if labels == nil {
		labels = map[string]string{}
	}
	if details == nil {
		details = map[string]any{}
	}
	return map[string]any{
		"action": string(e.Alert.Action), "title": e.Alert.Title, "severity": string(e.Alert.Severity), "status": e.Alert.Status,
		"source": e.Alert.Source, "dedup_key": e.Alert.DedupKey, "service": string(e.Service), "integration": string(e.Integration),
		"format": e.Format, "client": e.Alert.Client, "labels": labels, "details": details, "at": e.At,
	}
}

// Bodies is the scope of mappings: the JSON of a request as body, one of its entries as item, its headers and query.
func Bodies() (Scope, error) { return bodies() }

func newBodies() (Scope, error) {
	return scope(
		cel.Variable("body", cel.DynType), cel.Variable("item", cel.DynType),
		cel.Variable("header", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("query", cel.MapType(cel.StringType, cel.StringType)),
	)
}

func scope(names ...cel.EnvOption) (Scope, error) {
	env, err := cel.NewEnv(append(append(names, words()...),
		cel.OptionalTypes(),
		cel.CrossTypeNumericComparisons(true), // numbers of JSON have a fraction, those that people write do not
		cel.DefaultUTCTimeZone(true),
		cel.ParserRecursionLimit(deepest), cel.ParserExpressionSizeLimit(Longest), cel.ExpressionNodeLimit(mostNodes),
		cel.ExpressionNestingDepthLimit(deepest*2), cel.RegexProgramSizeLimit(patterns),
		cel.ASTValidators(cel.ValidateRegexLiterals(), cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals(),
			cel.ValidateComprehensionNestingLimit(mostLoops), writtenPatterns{}),
	)...)
	if err != nil {
		return Scope{}, fault.Wrap(fault.Internal, err, "prepare expressions")
	}
	return Scope{env: env}, nil
}

// Program is an expression that was found to be right.
type Program struct {
	Source string
	run    cel.Program
}

// Mistake is what is wrong with an expression, and where in it.
type Mistake struct {
	Line, Column int // from 1; 0: the whole of it
	Message      string
}

func (m Mistake) Error() string {
	if m.Line == 0 {
		return m.Message
	}
	if m.Line == 1 {
		return fmt.Sprintf("at character %d: %s", m.Column, m.Message)
	}
	return fmt.Sprintf("at line %d, character %d: %s", m.Line, m.Column, m.Message)
}

// Compile checks an expression. The error is a Mistake.
func (s Scope) Compile(source string, want Yields) (Program, error) {
	if len(source) > Longest {
		return Program{}, Mistake{Message: fmt.Sprintf("%d bytes are too many, %d are allowed", len(source), Longest)}
	}
	if strings.TrimSpace(source) == "" {
		return Program{}, Mistake{Message: "is empty"}
	}
	checked, issues := s.env.Compile(source)
	if issues != nil && len(issues.Errors()) > 0 {
		first := issues.Errors()[0]
		return Program{}, Mistake{Line: first.Location.Line(), Column: first.Location.Column() + 1, Message: short(first.Message)}
	}
	if err := issues.Err(); err != nil {
		return Program{}, Mistake{Message: short(err.Error())}
	}
	if kind := checked.OutputType(); !want.allows(kind) {
		return Program{}, Mistake{Message: fmt.Sprintf("comes to %s, must come to %s", cel.FormatCELType(kind), want)}
	}
	run, err := s.env.Program(checked, append([]cel.ProgramOption{cel.CostLimit(mostCost), cel.MemoryTracking(weigh()), cel.MemoryLimit(mostSpace), cel.InterruptCheckFrequency(100),
		cel.EvalOptions(cel.OptOptimize)}, s.space...)...)
	if err != nil {
		return Program{}, Mistake{Message: short(err.Error())}
	}
	return Program{Source: source, run: run}, nil
}

func weigh() types.MemoryTrackerOption {
	return types.MemoryTrackerSizeCalculator(types.NewSizeCalculator(types.SizeCalculatorMaxDepth(weighedLevels), types.SizeCalculatorMaxTraversal(weighedElements)))
}

// short keeps what a parser says about a hostile line on one line.
func short(message string) string {
	message = strings.Join(strings.Fields(message), " ")
	if runes := []rune(message); len(runes) > 200 {
		return string(runes[:200]) + "…"
	}
	return message
}

func (y Yields) allows(kind *cel.Type) bool {
	if kind.Kind() == types.DynKind {
		return true
	}
	switch y {
	case Truth:
		return kind.Kind() == types.BoolKind
	case Text:
		return slices.Contains([]types.Kind{types.StringKind, types.IntKind, types.UintKind, types.DoubleKind, types.BoolKind}, kind.Kind())
	case Any:
		return true
	}
	return false
}

// mostExact is the largest whole number up to which a float64 holds each.
const mostExact = 1 << 53

// ErrAbsent is the error of an expression that asked for a label or field which is not there. Rules are written for those
// that have it: for the others they simply do not match.
var ErrAbsent = errors.New("is not there")

// Test runs a condition. It never panics, and never runs for long. The error says what went wrong: ErrAbsent, a value of
// another type, more work than is allowed.
func (p Program) Test(vars map[string]any) (bool, error) {
	value, _, err := p.eval(vars)
	if err != nil {
		return false, err
	}
	truth, ok := value.(types.Bool)
	if !ok {
		return false, fault.New(fault.Invalid, "comes to %s, must come to true or false", value.Type().TypeName())
	}
	return bool(truth), nil
}

// Text runs an expression that comes to text; numbers and truths are written out.
func (p Program) Text(vars map[string]any) (string, error) {
	value, _, err := p.eval(vars)
	if err != nil {
		return "", err
	}
	if o, ok := value.(*types.Optional); ok {
		if !o.HasValue() {
			return "", nil
		}
		value = o.GetValue()
	}
	switch v := value.(type) {
	case types.String:
		return string(v), nil
	case types.Int, types.Uint, types.Double, types.Bool:
		if text, ok := value.ConvertToType(types.StringType).(types.String); ok {
			return string(text), nil
		}
	case types.Null:
		return "", nil
	}
	return "", fault.New(fault.Invalid, "comes to %s, must come to text", value.Type().TypeName())
}

// Value runs an expression and answers what it comes to as JSON would hold it: nil, bool, float64, string, []any,
// map[string]any; instants as text of RFC 3339, and whole numbers that a float64 would not hold exactly as json.Number.
func (p Program) Value(vars map[string]any) (any, error) {
	left := MostWork
	return p.ValueWithin(vars, &left)
}

// ValueWithin is Value, with its work taken from what is left for all expressions of one request: each is bounded by itself,
// and a thousand of them together would still take minutes.
func (p Program) ValueWithin(vars map[string]any, left *Work) (any, error) {
	value, done, err := p.eval(vars)
	if done > *left {
		*left = 0
		return nil, fault.New(fault.Invalid, "asks for more work than is allowed for one request")
	}
	*left -= done
	if err != nil {
		return nil, err
	}
	return plain(value, weighedLevels)
}

// Work is how much expressions do, in CEL's units: about a tenth of a microsecond each.
type Work uint64

// MostWork is for one request: some thousand events with ten expressions each of a size that people write, twice over. It
// takes a second or two.
const MostWork Work = 10_000_000

func (p Program) eval(vars map[string]any) (value ref.Val, done Work, err error) {
	defer func() {
		if cause := recover(); cause != nil { // what nobody foresaw is an error of the expression, not the end of a process
			value, err = nil, fault.New(fault.Invalid, "cannot be evaluated: %s", short(fmt.Sprint(cause)))
		}
	}()
	value, details, err := p.run.Eval(vars)
	if details != nil {
		if cost := details.ActualCost(); cost != nil {
			done = Work(*cost)
		}
	}
	if err == nil {
		return value, done, nil
	}
	text := err.Error()
	switch {
	case strings.Contains(text, "no such key"), strings.Contains(text, "no such attribute"), strings.Contains(text, "index out of bounds"):
		return nil, done, fmt.Errorf("%w: %s", ErrAbsent, short(text))
	case strings.Contains(text, "cost limit exceeded"), strings.Contains(text, "memory limit"):
		return nil, mostCost, fault.New(fault.Invalid, "asks for more work than is allowed")
	}
	return nil, done, fault.New(fault.Invalid, "%s", short(text))
}

func plain(value ref.Val, depth int) (any, error) {
	if depth == 0 {
		return nil, fault.New(fault.Invalid, "is nested too deeply")
	}
	switch v := value.(type) {
	case types.Null:
		return nil, nil
	case types.Bool:
		return bool(v), nil
	case types.String:
		return string(v), nil
	case types.Int:
		if v > mostExact || v < -mostExact {
			return json.Number(strconv.FormatInt(int64(v), 10)), nil
		}
		return float64(v), nil
	case types.Uint:
		return float64(v), nil
	case types.Double:
		return float64(v), nil
	case types.Timestamp:
		return v.Time.UTC().Format(time.RFC3339Nano), nil
	case *types.Optional:
		if !v.HasValue() {
			return nil, nil
		}
		return plain(v.GetValue(), depth-1)
	case traits.Lister:
		out := []any{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			item, err := plain(it.Next(), depth-1)
			if err != nil {
				return nil, err
			}
			out = append(out, item)
		}
		return out, nil
	case traits.Mapper:
		out := map[string]any{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			key := it.Next()
			name, ok := key.(types.String)
			if !ok {
				return nil, fault.New(fault.Invalid, "has a key that is not text")
			}
			item, err := plain(v.Get(key), depth-1)
			if err != nil {
				return nil, err
			}
			out[string(name)] = item
		}
		return out, nil
	}
	native, err := value.ConvertToNative(reflect.TypeFor[string]())
	if err != nil {
		return nil, fault.New(fault.Invalid, "comes to %s, which JSON does not have", value.Type().TypeName())
	}
	return native, nil
}

// writtenPatterns refuses regular expressions that are not written out: what a monitor sends is never one.
type writtenPatterns struct{}

func (writtenPatterns) Name() string { return "belay.written_patterns" }

func (writtenPatterns) Validate(_ *cel.Env, _ cel.ValidatorConfig, a *ast.AST, issues *cel.Issues) {
	root := ast.NavigateAST(a)
	for _, call := range ast.MatchDescendants(root, ast.FunctionMatcher("matches")) {
		args := call.AsCall().Args()
		if pattern := args[len(args)-1]; pattern.Kind() != ast.LiteralKind {
			issues.ReportErrorAtID(pattern.ID(), "the pattern of matches() must be written out in quotes")
		}
	}
}
