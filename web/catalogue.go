package web

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/belayhq/belay/core/tongue"
)

// catalogues are what pages say, by language; English stands in the pages themselves. A file with pages of its own may
// have a catalogue of its own.
var catalogues = map[tongue.Language]tongue.Catalogue{tongue.German: together(german, germanHouse, germanTry)}

func together(all ...tongue.Catalogue) tongue.Catalogue {
	whole := tongue.Catalogue{}
	for _, c := range all {
		maps.Copy(whole, c)
	}
	return whole
}

// t says a text in the reader's language, with its values put in. Only literals, so that a test finds what is missing.
func (f frame) t(english string, values ...any) string {
	return catalogues[f.Language].Say(english, values...)
}

// n says a number of something: n(3, "%d page", "%d pages").
func (f frame) n(count int, one, many string) string {
	if count == 1 {
		return f.t(one, count)
	}
	return f.t(many, count)
}

// day is a date as the reader writes it: "24 Nov", "24. Nov.".
func (f frame) day(at time.Time) string {
	if f.Language == tongue.German {
		return fmt.Sprintf("%d. %s", at.Day(), f.t(at.Format("Jan")))
	}
	return at.Format("2 Jan")
}

// clockWords are what belay.js needs to count in the reader's language, in the order in which it reads them.
func (f frame) clockWords() string {
	return strings.Join([]string{
		f.t("in %s"), f.t("now"), f.t("late by %s"), f.t("%s ago"), f.t("just now"), f.t("d"),
		f.t("Live"), f.t("Not live since %s. Connecting again…"),
		f.t("We cannot say whether your request arrived. Nothing that you typed is lost; send it again, it counts once."),
		f.t("You are signed out, and nothing was changed. Sign in again in another window, then send this again: what you typed is still here."),
	}, "|")
}
