package expr

import (
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// longestText is what a function of ours may come to, in bytes. The string library of CEL has no such bound: a text that
// replaces each of its own letters by itself fills any memory.
const longestText = 64 << 10

// words are what CEL's core cannot do with text: lower(), trim(), split(separator), and join(separator) of a list.
func words() []cel.EnvOption {
	text, list := cel.StringType, cel.ListType(cel.StringType)
	return []cel.EnvOption{
		cel.Function("lower", cel.MemberOverload("string_lower", []*cel.Type{text}, text, cel.UnaryBinding(func(v ref.Val) ref.Val {
			return bounded(v, func(s string) ref.Val { return types.String(strings.ToLower(s)) })
		}))),
		cel.Function("trim", cel.MemberOverload("string_trim", []*cel.Type{text}, text, cel.UnaryBinding(func(v ref.Val) ref.Val {
			return bounded(v, func(s string) ref.Val { return types.String(strings.TrimSpace(s)) })
		}))),
		cel.Function("split", cel.MemberOverload("string_split", []*cel.Type{text, text}, list, cel.BinaryBinding(func(v, by ref.Val) ref.Val {
			separator, ok := by.(types.String)
			if !ok || separator == "" {
				return types.NewErr("split needs a separator")
			}
			return bounded(v, func(s string) ref.Val {
				return types.DefaultTypeAdapter.NativeToValue(strings.Split(s, string(separator)))
			})
		}))),
		cel.Function("join", cel.MemberOverload("list_join", []*cel.Type{list, text}, text, cel.BinaryBinding(join))),
	}
}

func bounded(v ref.Val, then func(string) ref.Val) ref.Val {
	s, ok := v.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(v)
	}
	if len(s) > longestText {
		return types.NewErr("%d bytes of text are too many, %d are allowed", len(s), longestText)
	}
	return then(string(s))
}

func join(v, by ref.Val) ref.Val {
	list, ok := v.(traits.Lister)
	separator, also := by.(types.String)
	if !ok || !also {
		return types.MaybeNoSuchOverloadErr(v)
	}
	var b strings.Builder
	for it, first := list.Iterator(), true; it.HasNext() == types.True; first = false {
		part, ok := it.Next().(types.String)
		if !ok {
			return types.NewErr("join joins text only")
		}
		if b.Len()+len(part)+len(separator) > longestText {
			return types.NewErr("the joined text is longer than %d bytes", longestText)
		}
		if !first {
			b.WriteString(string(separator))
		}
		b.WriteString(string(part))
	}
	return types.String(b.String())
}
