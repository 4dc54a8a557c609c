package text

import (
	"sync"

	"github.com/belayhq/belay/core/tongue"
)

// books know what escalations, services and replies say: what they answer, tell and put on record is English, so that
// what is recorded means the same to everybody, and is said again to whoever reads another language.
var books = sync.OnceValue(func() map[tongue.Language]tongue.Book {
	return map[tongue.Language]tongue.Book{tongue.German: retoldInGerman.Book()}
})

// Retell says in a language what Belay answered or recorded in English, line by line. What it does not know stays as it
// is: the words of humans and of carriers do.
func Retell(l tongue.Language, said string) string { return books()[l].Retell(said) }

// Retold reports whether a line is known in a language.
func Retold(l tongue.Language, line string) bool { return books()[l].Knows(line) }
