package expr

import (
	"slices"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/belayhq/belay/core/fault"
)

// Request is what is asked of a system that keeps tickets, or what it answers: expressions about each have names of their own.
type Request string

const (
	ToOpen   Request = "open"    // a ticket is made
	ToFind   Request = "find"    // was it made already?
	ToGet    Request = "get"     // how it stands
	ToNumber Request = "number"  // the ticket that people know by this number
	ToNote   Request = "note"    // something is written into it
	ToNotes  Request = "notes"   // what was written into it
	ToChange Request = "change"  // its fields
	ToPoll   Request = "changed" // what changed
	Answered Request = "answer"  // what it answers to any of these
	Posted   Request = "posted"  // what it posts
	Item     Request = "item"    // one ticket, or one note, as it shows it
)

// Requests lists them.
func Requests() []Request {
	return []Request{ToOpen, ToFind, ToGet, ToNumber, ToNote, ToNotes, ToChange, ToPoll, Answered, Posted, Item}
}

// What a system answers may be as large and as nested as foreign.JSON reads it: a page of tickets, with everything that customers wrote,
// counts whenever it is looked at. What an expression may make of it is bounded by what it may cost.
const (
	mostAnswer  = 8 << 20 // elements; ten bytes of text are one
	deepAnswer  = 70
	partsAnswer = 400_000
)

type name struct {
	called string
	is     *cel.Type
}

func (r Request) names() []name {
	text, maybe := cel.StringType, cel.OptionalType(cel.StringType)
	words := cel.MapType(text, text)
	page := []name{{"page", cel.IntType}, {"next", text}}
	switch r {
	case ToOpen:
		return []name{{"correlation", text}, {"key", text}, {"title", text}, {"text", text}, {"html", text}, {"service", text}, {"priority", text}, {"link", text}, {"fields", words}}
	case ToFind:
		return append([]name{{"correlation", text}}, page...)
	case ToGet:
		return []name{{"ticket", text}}
	case ToNumber:
		return append([]name{{"number", text}}, page...)
	case ToNote:
		return []name{{"ticket", text}, {"correlation", text}, {"key", text}, {"text", text}, {"html", text}}
	case ToNotes:
		return append([]name{{"ticket", text}, {"correlation", text}}, page...)
	case ToChange:
		return []name{{"ticket", text}, {"state", maybe}, {"status", maybe}, {"priority", maybe}, {"assignee", maybe}, {"fields", words}, {"text", text}}
	case ToPoll:
		return append([]name{{"since", cel.TimestampType}, {"now", cel.TimestampType}, {"watch", text}}, page...)
	case Answered:
		return []name{{"answer", cel.DynType}, {"header", words}, {"page", cel.IntType}}
	case Posted:
		return []name{{"body", cel.DynType}, {"header", words}, {"query", words}}
	case Item:
		return []name{{"item", cel.DynType}, {"base", text}}
	}
	return nil
}

// Names lists what an expression about this may use, for people.
func (r Request) Names() []string {
	var all []string
	for _, n := range r.names() {
		all = append(all, n.called)
	}
	return all
}

// Texts are those of the names that are texts which are always there: what an address may be filled with.
func (r Request) Texts() []string {
	var all []string
	for _, n := range r.names() {
		if n.is == cel.StringType {
			all = append(all, n.called)
		}
	}
	return all
}

var requests = sync.OnceValues(func() (map[Request]Scope, error) {
	all := map[Request]Scope{}
	for _, r := range Requests() {
		var named []cel.EnvOption
		for _, n := range r.names() {
			named = append(named, cel.Variable(n.called, n.is))
		}
		s, err := scope(named...)
		if err != nil {
			return nil, err
		}
		s.space = []cel.ProgramOption{cel.MemoryLimit(mostAnswer), cel.MemoryTracking(types.MemoryTrackerSizeCalculator(
			types.NewSizeCalculator(types.SizeCalculatorMaxDepth(deepAnswer), types.SizeCalculatorMaxTraversal(partsAnswer)),
		))}
		all[r] = s
	}
	return all, nil
})

// About is the scope of expressions about one request.
func About(r Request) (Scope, error) {
	all, err := requests()
	if err != nil {
		return Scope{}, err
	}
	s, known := all[r]
	if !known {
		return Scope{}, fault.New(fault.Internal, "%q is no request to a ticket system", r)
	}
	return s, nil
}

// Maybe is the value of a name that may be without one.
func Maybe(text string) any {
	if text == "" {
		return types.OptionalNone
	}
	return types.OptionalOf(types.String(text))
}

// Part is something of an answer, for other expressions to look at. Numbers in it are as exact as they came.
type Part struct{ value ref.Val }

// Var is what an expression takes as the value of a name.
func (p Part) Var() any { return p.value }

// Word is a part that is a text or a number, written out; false: it is an object, a list or nothing of the kind.
func (p Part) Word() (string, bool) {
	switch p.value.(type) {
	case types.String, types.Int, types.Uint, types.Double:
		text, ok := p.value.ConvertToType(types.StringType).(types.String)
		return string(text), ok
	}
	return "", false
}

// Object is a part that is an object, as JSON would hold it.
func (p Part) Object() (map[string]any, bool) {
	if _, ok := p.value.(traits.Mapper); !ok {
		return nil, false
	}
	value, err := plain(p.value, deepest*2)
	object, ok := value.(map[string]any)
	return object, ok && err == nil
}

// Parts runs an expression and answers what it comes to: each of a list, or the one thing that it is; of nothing, none.
func (p Program) Parts(vars map[string]any) ([]Part, error) {
	value, _, err := p.eval(vars)
	if err != nil {
		return nil, err
	}
	if o, ok := value.(*types.Optional); ok {
		if !o.HasValue() {
			return nil, nil
		}
		value = o.GetValue()
	}
	if _, nothing := value.(types.Null); nothing {
		return nil, nil
	}
	list, many := value.(traits.Lister)
	if !many {
		return []Part{{value}}, nil
	}
	var all []Part
	for it := list.Iterator(); it.HasNext() == types.True; {
		all = append(all, Part{it.Next()})
	}
	return slices.Clip(all), nil
}
