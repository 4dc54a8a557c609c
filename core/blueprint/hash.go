package blueprint

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	yaml "go.yaml.in/yaml/v3"

	"github.com/belayhq/belay/core/id"
)

// Hash names a blueprint by its meaning: SHA-256 over the documents in canonical JSON. Comments, layout, quotes, the
// order of keys and the way documents are spread over files do not matter; the order of policies, of rules and of promises does.
// Files that cannot be read are taken by their bytes, so that every input has a name.
func Hash(files []File) id.Revision {
	files = slices.Clone(files)
	slices.SortStableFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	var parts, policies, rules, promises []string
	for _, file := range files {
		r := &reader{broken: map[node]bool{}}
		docs := r.documents([]File{file})
		if len(r.errors) > 0 {
			parts = append(parts, "unread "+string(file.Content))
			continue
		}
		for _, doc := range docs {
			if kind := get(doc.root, "kind"); kind != nil && Kind(kind.Value) == KindPolicy {
				policies = append(policies, canonical(doc.root))
				continue
			}
			if kind := get(doc.root, "kind"); kind != nil && Kind(kind.Value) == KindRules {
				rules = append(rules, canonical(doc.root))
				continue
			}
			if kind := get(doc.root, "kind"); kind != nil && Kind(kind.Value) == KindSLA {
				promises = append(promises, canonical(doc.root))
				continue
			}
			parts = append(parts, canonical(doc.root))
		}
	}
	slices.Sort(parts)
	sum := sha256.New()
	for _, part := range slices.Concat(parts, policies, rules, promises) {
		sum.Write([]byte(strconv.Itoa(len(part)) + "\n" + part + "\n"))
	}
	return id.Revision(hex.EncodeToString(sum.Sum(nil)))
}

func canonical(n node) string {
	text, err := json.Marshal(plain(n))
	if err != nil {
		return n.Value // plain values always marshal
	}
	return string(text)
}

// plain is a document as JSON would hold it: mappings sort their keys when written.
func plain(n node) any {
	switch n.Kind {
	case yaml.MappingNode:
		out := map[string]any{}
		for name, value := range entries(n) {
			out[name.Value] = plain(value)
		}
		return out
	case yaml.SequenceNode:
		out := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			out = append(out, plain(item))
		}
		return out
	}
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return n.Value == "true"
	case "!!int":
		if i, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
			return i
		}
	}
	return n.Value
}
