package blueprint

import (
	"fmt"
	"maps"
	"slices"
)

// check walks every document along the shape of its kind, and files it under its id.
func (r *reader) check(docs []*document) {
	r.index = map[Kind]map[string]*document{}
	known := language()
	for _, doc := range docs {
		if doc.root != nil {
			r.checkOne(doc, known)
		}
		if doc.id == "" {
			continue
		}
		if first, twice := r.index[doc.kind][doc.id]; twice {
			r.fail(doc.path, doc.mark, "id", "%s %s is described twice (first at %s:%d)",
				doc.kind, clip(doc.id), first.path, first.mark.Line)
			continue
		}
		if r.index[doc.kind] == nil {
			r.index[doc.kind] = map[string]*document{}
		}
		r.index[doc.kind][doc.id] = doc
	}
}

func (r *reader) checkOne(doc *document, known map[Kind]*shape) {
	doc.mark = doc.root
	kind := get(doc.root, "kind")
	if kind == nil {
		r.fail(doc.path, doc.root, "kind", "is missing (one of %s)", kindNames())
		return
	}
	doc.kind = Kind(kind.Value)
	s, ok := known[doc.kind]
	if !ok {
		names := slices.Sorted(maps.Keys(known))
		hint := suggest(kind.Value, texts(names))
		if hint == "" {
			hint = " (one of " + kindNames() + ")"
		}
		r.fail(doc.path, kind, "kind", "%s is not a kind of document%s", clip(kind.Value), hint)
		return
	}
	r.walk(doc.path, s, doc.root, "")
	if name := get(doc.root, "id"); name != nil && !r.broken[name] {
		doc.id, doc.mark = name.Value, name
	}
}

// resolve checks that everything named exists.
func (r *reader) resolve() {
	for _, ref := range r.references {
		if _, found := r.index[ref.kind][ref.node.Value]; found {
			continue
		}
		hint := suggest(ref.node.Value, slices.Collect(maps.Keys(r.index[ref.kind])))
		for _, kind := range Kinds() {
			if _, other := r.index[kind][ref.node.Value]; other && hint == "" {
				hint = fmt.Sprintf("; there is a %s of that name", kind)
			}
		}
		r.fail(ref.path, ref.node, ref.field, "no %s is called %s%s", ref.kind, clip(ref.node.Value), hint)
	}
}

func kindNames() string {
	text := ""
	for i, kind := range Kinds() {
		if i > 0 {
			text += ", "
		}
		text += string(kind)
	}
	return text
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}
