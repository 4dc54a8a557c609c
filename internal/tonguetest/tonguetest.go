// Package tonguetest finds what a package says, so that tests can hold catalogues to it.
package tonguetest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/tongue"
)

// Sentences are the texts of several words that the sources of a package hold: its literals outside of tests, without
// struct tags and without what is said to the log. Only files that are named are read; with none named, all.
func Sentences(t *testing.T, dir string, files ...string) []string {
	t.Helper()
	var all []string
	for _, file := range parsed(t, dir, files) {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ImportSpec, *ast.Field:
				return false
			case *ast.CallExpr:
				if told, ok := n.Fun.(*ast.SelectorExpr); ok && strings.HasSuffix(told.Sel.Name, "Context") {
					return false // a line for the log
				}
			case *ast.BasicLit:
				if n.Kind != token.STRING {
					return true
				}
				text, err := strconv.Unquote(n.Value)
				require.NoError(t, err)
				if strings.Contains(strings.TrimSpace(text), " ") {
					all = append(all, text)
				}
			}
			return true
		})
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Said are the literals that calls of a method or function of this name begin with: what f.t("…") says.
func Said(t *testing.T, dir, name string) []string {
	t.Helper()
	var all []string
	for _, file := range parsed(t, dir, nil) {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			if sel, ok := call.Fun.(*ast.SelectorExpr); !ok || sel.Sel.Name != name {
				return true
			}
			if lit, ok := call.Args[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
				text, err := strconv.Unquote(lit.Value)
				require.NoError(t, err)
				all = append(all, text)
			}
			return true
		})
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func parsed(t *testing.T, dir string, names []string) []*ast.File {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	var files []*ast.File
	for _, path := range found {
		name := filepath.Base(path)
		if strings.HasSuffix(name, "_test.go") || len(names) > 0 && !slices.Contains(names, name) {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		require.NoError(t, err)
		files = append(files, file)
	}
	require.GreaterOrEqual(t, len(files), max(1, len(names)), dir)
	return files
}

var verb = regexp.MustCompile(`%(?:\[(\d+)\])?(?:\.\d+)?([a-z%])`)

// Filled is a form with values put in: 7 for numbers, one word for everything else.
func Filled(form, word string) string {
	return verb.ReplaceAllStringFunc(form, func(v string) string {
		switch v[len(v)-1] {
		case '%':
			return "%"
		case 'd':
			return "7"
		case 'q':
			return strconv.Quote(word)
		}
		return word
	})
}

// Agree holds a catalogue to its own forms: a translation has the values of the English, each of them, and no others.
func Agree(t *testing.T, c tongue.Catalogue) {
	t.Helper()
	for english, says := range c {
		want, got := values(english), values(says)
		for i, kind := range want {
			require.Contains(t, got, i, "%q lacks value %d of %q", says, i, english)
			if kind != "v" && kind != "q" { // those are words already when they are said again
				require.Equal(t, kind, got[i], "value %d of %q in %q", i, english, says)
			}
		}
		for i := range got {
			require.Contains(t, want, i, "%q has a value that %q has not", says, english)
		}
		require.NotContains(t, says, "%!")
		require.Equal(t, strings.TrimSpace(english) == english, strings.TrimSpace(says) == says, "spaces around %q", says)
	}
}

// values are the kinds of the values of a form by their number, from 1.
func values(form string) map[int]string {
	found, next := map[int]string{}, 1
	for _, v := range verb.FindAllStringSubmatch(form, -1) {
		if v[2] == "%" {
			continue
		}
		at := next
		if v[1] != "" {
			at, _ = strconv.Atoi(v[1])
		}
		found[at], next = v[2], at+1
	}
	return found
}
