package blueprint

import (
	"fmt"
	"strconv"
	"time"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

func (b builder) schedule(doc *document) org.Schedule {
	n := doc.root
	s := org.Schedule{ID: id.Schedule(doc.id), Name: b.text(n, "name", doc.id), Team: id.Team(b.text(n, "team", "")), Zone: b.zone}
	for i, item := range b.items(n, "layers") {
		s.Layers = append(s.Layers, b.layer(item, i))
	}
	s.Overrides = b.overrides(n, s.ID)
	return s
}

func (b builder) layer(n node, i int) org.Layer {
	field := fmt.Sprintf("layers[%d]", i)
	l := org.Layer{Name: b.text(n, "name", "layer "+strconv.Itoa(i+1)), Rotation: b.rotation(n), Start: b.start(n, field)}
	for _, person := range b.items(n, "people") {
		if person.Tag == "!!null" {
			l.People = append(l.People, "")
			continue
		}
		l.People = append(l.People, id.Person(person.Value))
	}
	if until := b.value(n, "until"); until != nil {
		l.Until, _ = moment(until.Value, b.zone)
		if !l.Start.IsZero() && !l.Start.Before(l.Until) {
			b.fail(b.path, until, field+".until", "must come after start")
		}
	}
	for _, item := range b.items(n, "only") {
		l.Only = append(l.Only, b.weekHours(item))
	}
	return l
}

// start is the handoff of the first turn: a date takes its time of day from handoff.
func (b builder) start(n node, field string) time.Time {
	start, handoff := b.value(n, "start"), b.value(n, "handoff")
	if start == nil {
		return time.Time{}
	}
	day, bare := date(start.Value)
	if !bare {
		if handoff != nil {
			b.fail(b.path, handoff, field+".handoff", "start already says the time: leave one of them out")
		}
		at, _ := moment(start.Value, b.zone)
		return at
	}
	at := defaultHandoff
	if handoff != nil {
		at, _ = clock(handoff.Value)
	}
	return time.Date(day.Year, day.Month, day.Day, int(at)/60, int(at)%60, 0, 0, b.zone).UTC()
}

func (b builder) rotation(n node) org.Rotation {
	v := b.value(n, "rotation")
	if v == nil {
		return org.Rotation{Every: org.Weekly, Count: 1}
	}
	if every := b.duration(v, "every", 0); every > 0 {
		return org.Rotation{Every: org.Custom, Count: 1, Each: every}
	}
	if days := b.number(v, "daily", 0); days > 0 || v.Value == "daily" {
		return org.Rotation{Every: org.Daily, Count: max(1, days)}
	}
	return org.Rotation{Every: org.Weekly, Count: max(1, b.number(v, "weekly", 1))}
}

func (b builder) weekHours(n node) org.WeekHours {
	hours := org.WeekHours{From: 0, Until: 24 * 60}
	for _, item := range b.items(n, "days") {
		list, _ := days(item.Value)
		hours.Days = append(hours.Days, list...)
	}
	if from := b.value(n, "from"); from != nil {
		hours.From, _ = clock(from.Value)
	}
	if until := b.value(n, "until"); until != nil {
		hours.Until, _ = clock(until.Value)
	}
	return hours
}

func (b builder) overrides(n node, schedule id.Schedule) []org.Override {
	var out []org.Override
	for i, item := range b.items(n, "overrides") {
		field := fmt.Sprintf("overrides[%d]", i)
		when, ok := b.interval(item, field)
		if !ok {
			continue
		}
		next := org.Override{
			ID:       id.Override(string(schedule) + "@" + when.From.Format("2006-01-02T15:04:05Z")),
			Schedule: schedule, Person: id.Person(b.text(item, "person", "")),
			From: when.From, Until: when.Until, Reason: b.text(item, "reason", ""),
		}
		for _, other := range out {
			if next.From.Before(other.Until) && other.From.Before(next.Until) {
				b.fail(b.path, item, field, "overlaps the override of %s (%s until %s): end one before the other begins",
					other.Person, other.From.In(b.zone).Format("2006-01-02T15:04"), other.Until.In(b.zone).Format("2006-01-02T15:04"))
				break
			}
		}
		out = append(out, next)
	}
	return out
}
