package blueprint

import (
	"fmt"
	"slices"
	"time"

	"github.com/belayhq/belay/core/calendar"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

func (b builder) calendar(doc *document) org.Calendar {
	n := doc.root
	c := org.Calendar{ID: id.Calendar(doc.id), Name: b.text(n, "name", doc.id), Zone: b.zone,
		Hours: map[time.Weekday][]org.Span{}, Holidays: b.holidays(n), Exceptions: map[org.Date][]org.Span{}}
	open := false
	for name, value := range entries(b.value(n, "hours")) {
		if b.broken[name] || b.broken[value] {
			open = true // what was meant is unknown: not an empty calendar
			continue
		}
		spans := b.spans(value, "hours."+name.Value)
		open = open || len(value.Content) > 0
		named, _ := days(name.Value)
		for _, day := range named {
			if _, twice := c.Hours[day]; twice {
				b.fail(b.path, name, "hours."+name.Value, "%s already has its hours above", shortDay(day))
			}
			c.Hours[day] = spans
		}
	}
	if hours := b.value(n, "hours"); hours != nil && !open {
		b.fail(b.path, hours, "hours", "is never open: deadlines on it would never come")
	}
	for name, value := range entries(b.value(n, "exceptions")) {
		if b.broken[name] || b.broken[value] {
			continue
		}
		day, _ := date(name.Value)
		c.Exceptions[day] = b.spans(value, "exceptions."+name.Value)
	}
	return c
}

// spans of one day, in order and apart.
func (b builder) spans(n node, field string) []org.Span {
	spans := []org.Span{}
	for i, item := range n.Content {
		if b.broken[item] {
			continue
		}
		next, _ := span(item.Value)
		for _, other := range spans {
			if next.From < other.Until && other.From < next.Until {
				b.fail(b.path, item, fmt.Sprintf("%s[%d]", field, i), "%s overlaps other hours of the same day", item.Value)
				break
			}
		}
		spans = append(spans, next)
	}
	slices.SortFunc(spans, func(x, y org.Span) int { return int(x.From - y.From) })
	return spans
}

func (b builder) holidays(n node) []org.Holiday {
	var out []org.Holiday
	of := b.value(n, "holidays")
	for _, name := range b.items(of, "public") {
		for year := firstYear; year <= lastYear; year++ {
			days, err := calendar.Public(name.Value, year)
			if err != nil {
				b.fail(b.path, name, "holidays.public", "%d: %v", year, err)
				break
			}
			out = append(out, days...)
		}
	}
	for _, item := range b.items(of, "dates") {
		written, called := item, "holiday"
		if inner := b.value(item, "date"); inner != nil {
			written, called = inner, b.text(item, "name", called)
		}
		if day, every := yearly(written.Value); every {
			out = append(out, org.Holiday{Date: day, Yearly: true, Name: called})
			continue
		}
		if day, ok := date(written.Value); ok {
			out = append(out, org.Holiday{Date: day, Name: called})
		}
	}
	return out
}
