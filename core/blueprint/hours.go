package blueprint

import (
	"fmt"
	"slices"
	"time"

	"github.com/belayhq/belay/core/calendar"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// hoursShape is one calendar by itself, as collections of service-level arithmetic write it down.
func hoursShape() *shape {
	spans := func(doc string) *shape {
		return &shape{form: formList, doc: doc, items: &shape{form: formList, min: 1, doc: "From and until.",
			items: &shape{form: formClock, doc: "Local time, up to 24:00."}}}
	}
	days := func(doc string) shape {
		return shape{form: formList, doc: doc, items: &shape{form: formDayDate, doc: "A date, or month and day for every year."}}
	}
	return &shape{form: formRecord, doc: "When time counts.", keys: []key{
		{"time_zone", true, shape{form: formZone, doc: "IANA time zone of all hours."}},
		{"hours", true, shape{form: formBook, pages: formDays, doc: "Open hours by day.", items: spans("Open hours of this day.")}},
		{"holidays", false, days("Days without hours.")},
		{"holidays_yearly", false, days("Days without hours, every year.")},
		{"shifts", false, shape{form: formBook, pages: formDate, doc: "Hours of single dates, instead of the usual ones.", items: spans("Hours of this date.")}},
		{"breaks", false, shape{form: formBook, pages: formDate, doc: "What is taken out of the hours of single dates.", items: spans("Breaks of this date.")}},
	}}
}

// Hours reads one calendar that stands in a file by itself:
//
//	time_zone: America/Los_Angeles
//	hours: {mon: [["09:00", "12:00"], ["13:00", "24:00"]]}
//	holidays: ["2026-12-24", "12-25"]          # a date, or month and day of every year
//	holidays_yearly: ["01-01"]
//	shifts: {"2026-12-24": [["09:00", "12:00"]]} # replace the hours of a date, also of a holiday
//	breaks: {"2026-12-23": [["10:00", "11:30"]]} # are taken out of the hours of a date
//
// The error is of type Errors and names every mistake with its place.
func Hours(path string, content []byte, zones func(name string) (*time.Location, error)) (org.Calendar, error) {
	r := &reader{load: zones, zones: map[string]*time.Location{}, broken: map[node]bool{}}
	docs := r.documents([]File{{Path: path, Content: content}})
	switch {
	case len(r.errors) > 0:
		return org.Calendar{}, sorted(r.errors)
	case len(docs) != 1 || docs[0].root == nil:
		return org.Calendar{}, Errors{{Path: path, Line: 1, Column: 1, Message: fmt.Sprintf("must hold one calendar, not %d", len(docs))}}
	}
	root := docs[0].root
	r.walk(path, hoursShape(), root, "")
	b := builder{reader: r, path: path, zone: time.UTC}
	c := b.hours(root, path)
	if len(r.errors) > 0 {
		return org.Calendar{}, sorted(r.errors)
	}
	return c, nil
}

func (b builder) hours(n node, name string) org.Calendar {
	c := org.Calendar{ID: id.Calendar(name), Name: name, Zone: b.zoneOf(n), Hours: map[time.Weekday][]org.Span{}, Exceptions: map[org.Date][]org.Span{}}
	for on, value := range entries(b.value(n, "hours")) {
		spans := b.pairs(value, "hours."+on.Value)
		named, _ := days(on.Value)
		for _, day := range named {
			if _, twice := c.Hours[day]; twice {
				b.fail(b.path, on, "hours."+on.Value, "%s already has its hours above", shortDay(day))
			}
			c.Hours[day] = spans
		}
	}
	for _, field := range []string{"holidays", "holidays_yearly"} {
		for i, item := range b.items(n, field) {
			if day, every := yearly(item.Value); every {
				c.Holidays = append(c.Holidays, org.Holiday{Date: day, Yearly: true})
				continue
			}
			day, ok := date(item.Value)
			switch {
			case field == "holidays_yearly":
				b.fail(b.path, item, fmt.Sprintf("%s[%d]", field, i), `%s is not month and day, such as "12-25"`, clip(item.Value))
			case ok:
				c.Holidays = append(c.Holidays, org.Holiday{Date: day})
			}
		}
	}
	for on, value := range entries(b.value(n, "shifts")) {
		day, _ := date(on.Value)
		c.Exceptions[day] = b.pairs(value, "shifts."+on.Value)
	}
	for on, value := range entries(b.value(n, "breaks")) {
		day, ok := date(on.Value)
		if !ok || b.broken[value] {
			continue
		}
		c.Exceptions[day] = without(calendar.HoursOn(c, day), b.pairs(value, "breaks."+on.Value))
	}
	return c
}

// pairs are spans written as a list of two times.
func (b builder) pairs(n node, field string) []org.Span {
	spans := []org.Span{}
	if b.broken[n] {
		return spans
	}
	for i, item := range n.Content {
		at := fmt.Sprintf("%s[%d]", field, i)
		if b.broken[item] || slices.ContainsFunc(item.Content, func(n node) bool { return b.broken[n] }) {
			continue
		}
		if len(item.Content) != 2 {
			b.fail(b.path, item, at, `must be two times, from and until, such as ["09:00", "17:00"]`)
			continue
		}
		from, _ := clock(item.Content[0].Value)
		until, _ := clock(item.Content[1].Value)
		if from >= until {
			b.fail(b.path, item, at, `%s is not before %s (past midnight: one span up to "24:00", one on the next day)`, item.Content[0].Value, item.Content[1].Value)
			continue
		}
		spans = append(spans, org.Span{From: from, Until: until})
	}
	return spans
}

// without takes breaks out of hours.
func without(hours, breaks []org.Span) []org.Span {
	for _, pause := range breaks {
		left := []org.Span{}
		for _, s := range hours {
			for _, part := range []org.Span{{From: s.From, Until: min(s.Until, pause.From)}, {From: max(s.From, pause.Until), Until: s.Until}} {
				if part.From < part.Until {
					left = append(left, part)
				}
			}
		}
		hours = left
	}
	return hours
}
