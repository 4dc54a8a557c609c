package blueprint

import (
	"github.com/belayhq/belay/core/calendar"
	"github.com/belayhq/belay/core/org"
)

// Kind says what a document describes.
type Kind string

const (
	KindOrganisation Kind = "organisation"
	KindUnit         Kind = "unit"
	KindTeam         Kind = "team"
	KindPerson       Kind = "person"
	KindService      Kind = "service"
	KindIntegration  Kind = "integration"
	KindSchedule     Kind = "schedule"
	KindCalendar     Kind = "calendar"
	KindPolicy       Kind = "policy"
	KindVendor       Kind = "vendor"
	KindRules        Kind = "rules"
	KindWindow       Kind = "window"
	KindHeartbeat    Kind = "heartbeat"
	KindSLA          Kind = "sla"
	KindTrigger      Kind = "trigger"
	KindTicketSystem Kind = "ticket_system"
)

// Kinds lists them in the order in which a newcomer would read them.
func Kinds() []Kind {
	return []Kind{KindOrganisation, KindUnit, KindTeam, KindPerson, KindService, KindIntegration, KindSchedule,
		KindCalendar, KindPolicy, KindVendor, KindRules, KindWindow, KindHeartbeat, KindSLA, KindTrigger, KindTicketSystem}
}

// language is the whole of it: the keys of every kind. What holds when a key is left out is decided in build.go.
func language() map[Kind]*shape {
	return map[Kind]*shape{
		KindOrganisation: organisation(),
		KindUnit:         unit(),
		KindTeam:         team(),
		KindPerson:       person(),
		KindService:      service(),
		KindIntegration:  integration(),
		KindSchedule:     schedule(),
		KindCalendar:     calendarShape(),
		KindPolicy:       policyShape(),
		KindVendor:       vendor(),
		KindRules:        rulesShape(),
		KindSLA:          slaShape(),
		KindTrigger:      triggerShape(),
		KindWindow:       windowShape(),
		KindHeartbeat:    heartbeat(),
		KindTicketSystem: ticketSystemShape(),
	}
}

// describe is a document: its own keys behind the two that every document has.
func describe(kind Kind, doc string, keys ...key) *shape {
	common := []key{
		{name: "kind", need: true, shape: shape{form: formChoice, choices: []string{string(kind)}, doc: "What this document describes."}},
		{name: "id", need: true, shape: shape{form: formIdent, doc: "Its name in references; unique among documents of this kind."}},
	}
	return &shape{form: formRecord, doc: doc, keys: append(common, keys...)}
}

func ref(of Kind, doc string) shape { return shape{form: formRef, of: of, doc: doc} }

func refs(of Kind, doc string) shape {
	return shape{form: formList, doc: doc, items: &shape{form: formRef, of: of, doc: "Id of a " + string(of) + "."}}
}

func words(doc string) shape { return shape{form: formText, doc: doc} }

func lasts(doc, fallback string) shape {
	return shape{form: formDuration, doc: doc, fallback: fallback}
}

func one(doc, fallback string, choices ...string) shape {
	return shape{form: formChoice, doc: doc, fallback: fallback, choices: choices}
}

func zone(fallback string) shape {
	return shape{form: formZone, doc: "IANA time zone in which its times are meant.", fallback: fallback}
}

func organisation() *shape {
	return describe(KindOrganisation, "The company: exactly one document.",
		key{"name", true, words("How it is called.")},
		key{"time_zone", false, zone("UTC; units, people, schedules and calendars without a zone of their own take this one")},
		key{"terms", false, termsShape()},
		key{"catch_all", true, shape{form: formRecord,
			doc: "Who is told when a ladder ends in silence, or when no policy matches. Never a vendor.",
			keys: []key{
				{"name", false, shape{form: formText, doc: "How it is called in timelines.", fallback: "catch-all"}},
				{"targets", true, targets("Everybody who is told at once.", "the catch-all is never a vendor: name a schedule, person or team of ours")},
				{"backups", false, backups()},
				{"ack_within", false, lasts("How long one round waits for an acknowledge.", "15m")},
				{"repeat", false, shape{form: formNumber, max: 100, doc: "Further rounds after the first.", fallback: "0"}},
			}}},
	)
}

func unit() *shape {
	return describe(KindUnit, "A part of the company; units form a tree.",
		key{"name", true, words("How it is called.")},
		key{"parent", false, ref(KindUnit, "The unit above; left out at the root.")},
		key{"time_zone", false, zone("the organisation's")},
	)
}

func team() *shape {
	return describe(KindTeam, "People who own services together.",
		key{"name", true, words("How it is called.")},
		key{"unit", true, ref(KindUnit, "The unit it belongs to.")},
		key{"lead", false, ref(KindPerson, "Who leads it; need not be a member.")},
		key{"members", true, minimum(refs(KindPerson, "Who belongs to it; the lead too, if they answer pages for it."))},
	)
}

func person() *shape {
	method := shape{form: formRecord, doc: "One way to reach this person: exactly one address.",
		exactly: []string{"sms", "voice", "email", "webhook"},
		keys: []key{
			{"id", false, shape{form: formOwn, doc: "Its name in the ladder.", fallback: "the channel: sms, voice, email or webhook"}},
			{"sms", false, shape{form: formPhone, doc: "Number for text messages, in E.164 form and in quotes."}},
			{"voice", false, shape{form: formPhone, doc: "Number for calls, in E.164 form and in quotes."}},
			{"email", false, shape{form: formMail, doc: "E-mail address."}},
			{"webhook", false, shape{form: formWeb, doc: "URL that is posted to."}},
			{"each", false, shape{form: formSwitch, doc: "Every page by itself, also in a storm: for programs rather than people.", fallback: "false"}},
		}}
	rung := shape{form: formRecord, doc: "One step: use the method, then wait before the next.", keys: []key{
		{"use", true, shape{form: formOwn, doc: "Id of one of the person's methods."}},
		{"wait", false, shape{form: formDuration, zero: true, doc: "How long to wait before the next step; the last step waits for nothing.", fallback: "2m"}},
	}}
	ladder := func(doc, fallback string) shape {
		return shape{form: formList, min: 1, doc: doc, fallback: fallback, items: &rung}
	}
	return describe(KindPerson, "Somebody who can be told.",
		key{"name", true, words("How they are called.")},
		key{"time_zone", false, zone("the organisation's")},
		key{"language", false, one("Language of what they are told by text message, telephone and mail, and of their pages.", "en; pages speak as the browser asks", languages()...)},
		key{"manager", false, ref(KindPerson, "Who decides above them; left out at the top.")},
		key{"vendor", false, ref(KindVendor, "Set for an outsider, who answers for this vendor only.")},
		key{"methods", false, shape{form: formList, doc: "Ways to reach them, the quickest first.", items: &method}},
		key{"ladder", false, shape{form: formRecord, doc: "Which methods are tried in which order, by urgency.", keys: []key{
			{"high", false, ladder("For P1 and P2.", "every method in the order written, 2 minutes apart")},
			{"low", false, ladder("For P3, P4 and P5.", "the same as high")},
		}}},
		key{"away", false, shape{form: formList, doc: "Absences known in advance: skipped with a reason, backups step in.",
			items: &shape{form: formRecord, doc: "One absence.", keys: []key{
				{"from", true, shape{form: formMoment, doc: "First instant of absence, in the person's zone unless it has an offset."}},
				{"until", true, shape{form: formMoment, doc: "First instant back: a bare date is the first day back."}},
			}}}},
		key{"status_updates", false, shape{form: formOwn, doc: "Id of the method that hears what others did (\"Ana has it\").", fallback: "not told"}},
		key{"departed", false, shape{form: formSwitch, doc: "Gone: kept for history, never told.", fallback: "false"}},
	)
}

func service() *shape {
	return describe(KindService, "What breaks, and who owns it.",
		key{"name", true, words("How it is called.")},
		key{"owner", true, ref(KindTeam, "The team that answers for it.")},
		key{"unit", false, shape{form: formRef, of: KindUnit, doc: "The unit it counts for.", fallback: "the owner's unit"}},
		key{"tier", false, shape{form: formNumber, min: 1, max: 4, doc: "How critical: 1 most … 4 least.", fallback: "3"}},
		key{"impact", false, one("How wide the damage is when it fails; with the severity of the alert it gives the priority.",
			"high for tier 1, medium for tier 2, low for tiers 3 and 4", "high", "medium", "low")},
	)
}

func integration() *shape {
	return describe(KindIntegration, "A door through which one outside system opens escalations for one service.",
		key{"type", false, one("Which dialect comes through it: events is the PagerDuty Events API v2.", "events", "events")},
		key{"service", true, ref(KindService, "What its alerts are about.")},
		key{"key", true, shape{form: formKey, doc: "The secret that senders give (routing key); unique."}},
		key{"secret", false, shape{form: formKey, doc: "What its requests must be signed with, as that system signs, or must carry; without it the key is enough."}},
		key{"alerts", false, one("Which path its alerts take.", "technical", kinds()...)},
		key{"topics", false, shape{form: formList, min: 1, doc: "The topics of Amazon SNS that may come through it: everybody's messages are signed by the same Amazon.",
			fallback: "any", items: &shape{form: formText, doc: "ARN of a topic."}}},
		key{"rules", false, rules("Tried in order, before those of the organisation; the first match wins.")},
		key{"flapping", false, flapping()},
		key{"mapping", false, mapping()},
		key{"canary", false, canary()},
		key{"tickets", false, shape{form: formRef, of: KindTicketSystem, doc: "What comes in its format are tickets of this system: they are watched, and page nobody by themselves.", fallback: "what comes are alerts"}},
	)
}

func schedule() *shape {
	only := shape{form: formRecord, doc: "A stretch of the week in which the layer counts.", keys: []key{
		{"days", false, shape{form: formList, min: 1, doc: "The days on which the stretch begins.", fallback: "every day",
			items: &shape{form: formDays, doc: "A day, or days from - to."}}},
		{"from", false, shape{form: formClock, doc: "Local time at which it begins.", fallback: "00:00"}},
		{"until", false, shape{form: formClock, doc: "Local time at which it ends; at or before from: on the next day.", fallback: "24:00"}},
	}}
	rotation := shape{form: formChoice, choices: []string{"daily", "weekly"}, doc: "How long a turn lasts.", fallback: "weekly",
		or: &shape{form: formRecord, exactly: []string{"daily", "weekly", "every"}, doc: "A turn of several days or weeks, or of a fixed length.", keys: []key{
			{"daily", false, shape{form: formNumber, min: 1, max: 366, doc: "A turn of so many days."}},
			{"weekly", false, shape{form: formNumber, min: 1, max: 52, doc: "A turn of so many weeks."}},
			{"every", false, lasts("A turn of fixed length, also across changes of the clock.", "")},
		}}}
	layer := shape{form: formRecord, doc: "One rotation; where it has nobody, the layer below counts.", keys: []key{
		{"name", false, shape{form: formText, doc: "How it is called.", fallback: "layer 1, layer 2, …"}},
		{"people", true, shape{form: formList, min: 1, doc: "In order of turn; null is a turn that nobody takes.",
			items: &shape{form: formRef, of: KindPerson, blank: true, doc: "Id of a person, or null."}}},
		{"rotation", false, rotation},
		{"start", true, shape{form: formMoment, doc: "When the first turn begins, in the schedule's zone: a date, or a date with its time. Its weekday is the handoff day of weekly turns."}},
		{"handoff", false, shape{form: formClock, doc: "Local time at which turns change, when start is a bare date.", fallback: "09:00"}},
		{"until", false, shape{form: formMoment, doc: "When the layer ends.", fallback: "never"}},
		{"only", false, shape{form: formList, min: 1, doc: "Restricts the layer to parts of the week.", fallback: "always", items: &only}},
	}}
	override := shape{form: formRecord, doc: "Puts a person in place of whoever the layers say.", keys: []key{
		{"person", true, ref(KindPerson, "Who takes over.")},
		{"from", true, shape{form: formMoment, doc: "First instant, in the schedule's zone unless it has an offset."}},
		{"until", true, shape{form: formMoment, doc: "First instant after."}},
		{"reason", false, words("Why.")},
	}}
	return describe(KindSchedule, "Who is on call when: layers one above the other, the highest that has somebody wins.",
		key{"name", false, shape{form: formText, doc: "How it is called.", fallback: "the id"}},
		key{"team", true, ref(KindTeam, "Whose schedule it is.")},
		key{"time_zone", false, zone("the organisation's")},
		key{"layers", true, shape{form: formList, min: 1, doc: "Lowest first.", items: &layer}},
		key{"overrides", false, shape{form: formList, doc: "Exceptions known in advance; they must not overlap.", items: &override}},
	)
}

func calendarShape() *shape {
	spans := func(doc string) *shape {
		return &shape{form: formList, doc: doc, items: &shape{form: formSpan, doc: "From - until, up to 24:00."}}
	}
	written := shape{form: formDayDate, doc: "A date, or month and day for every year.", or: &shape{form: formRecord, doc: "A date with its name.", keys: []key{
		{"date", true, shape{form: formDayDate, doc: "A date, or month and day for every year."}},
		{"name", false, shape{form: formText, doc: "How the day is called.", fallback: "holiday"}},
	}}}
	return describe(KindCalendar, "When time counts: deadlines run only in these hours.",
		key{"name", false, shape{form: formText, doc: "How it is called.", fallback: "the id"}},
		key{"time_zone", false, zone("the organisation's")},
		key{"hours", true, shape{form: formBook, pages: formDays, doc: "Open hours by day or days; a day that is not named is closed.",
			items: spans("Open hours of these days; empty: closed.")}},
		key{"holidays", false, shape{form: formRecord, doc: "Days without hours.", keys: []key{
			{"public", false, shape{form: formList, doc: "Public holidays by country or region, written out for 2024 to 2040.", items: &shape{form: formChoice, choices: calendar.PublicNames(), doc: "Name of a country or region."}}},
			{"dates", false, shape{form: formList, doc: "Days of one's own.", items: &written}},
		}}},
		key{"exceptions", false, shape{form: formBook, pages: formDate, doc: "Hours of single dates, instead of the usual ones and against holidays.",
			items: spans("Open hours of this date; empty: closed.")}},
	)
}

func policyShape() *shape {
	return describe(KindPolicy, "A ladder of tiers, and for what it is meant. Policies are tried in the order of files (by path) and documents; the first match wins.",
		key{"name", false, shape{form: formText, doc: "How it is called.", fallback: "the id"}},
		key{"for", false, shape{form: formRecord, doc: "What it is meant for; a condition left out matches everything.", fallback: "everything", keys: []key{
			{"services", false, minimum(refs(KindService, "Any of these services."))},
			{"kinds", false, shape{form: formList, min: 1, doc: "Any of these kinds of escalation.", items: &shape{form: formChoice, choices: kinds(), doc: "Kind of escalation."}}},
			{"priorities", false, shape{form: formList, min: 1, doc: "Any of these priorities.", items: &shape{form: formChoice, choices: priorities(), doc: "P1 most urgent … P5."}}},
		}}},
		key{"tiers", true, shape{form: formList, min: 1, doc: "Climbed in order until somebody acknowledges.", items: tier()}},
		key{"repeat", false, shape{form: formNumber, max: 100, doc: "How often the whole ladder is climbed again before the catch-all is told.", fallback: "0"}},
		key{"reopen_within", false, lasts("How long a resolved escalation can be reopened; then it closes.", "1d")},
	)
}

func minimum(s shape) shape {
	s.min = 1
	return s
}

func tier() *shape {
	return &shape{form: formRecord, doc: "One level of a ladder.", keys: []key{
		{"name", false, shape{form: formText, doc: "How it is called.", fallback: "tier 1, tier 2, …"}},
		{"targets", true, targets("Everybody who is told at once.", "")},
		{"backups", false, backups()},
		{"ack_within", false, lasts("How long an acknowledge may take before the next backup or tier is told.", "15m")},
		{"update_every", false, lasts("After an acknowledge: how often news are due before the ladder climbs on.", "no updates are asked for")},
		{"resolve_within", false, lasts("When the work should be done, from the opening.", "no promise")},
		{"direction", false, one("functional moves the work; hierarchic moves information and decisions up the line.", "functional", "functional", "hierarchic")},
		{"repeat", false, shape{form: formNumber, max: 100, doc: "Further rounds of this tier before the next one.", fallback: "0"}},
		{"calendar", false, shape{form: formRef, of: KindCalendar, doc: "On which its times run.", fallback: "around the clock"}},
	}}
}

func targets(doc, noVendors string) shape {
	return shape{form: formList, min: 1, doc: doc, items: target(noVendors)}
}

func backups() shape {
	return shape{form: formList, doc: "In order: each stands in for a target who cannot be reached, or follows a silent one.",
		items: target("a vendor is engaged beside the ladder and cannot stand in for somebody: make it a target")}
}

// target names somebody; noVendors says why vendors are refused here, empty where they are welcome.
func target(noVendors string) *shape {
	s := &shape{form: formRecord, doc: "Exactly one of these.", exactly: []string{"schedule", "person", "team"}, keys: []key{
		{"schedule", false, ref(KindSchedule, "Whoever is on call.")},
		{"person", false, ref(KindPerson, "This person.")},
		{"team", false, ref(KindTeam, "Everybody in the team.")},
	}}
	if noVendors != "" {
		s.refuses = map[string]string{"vendor": noVendors}
		return s
	}
	s.exactly = append(s.exactly, "vendor")
	s.keys = append(s.keys, key{"vendor", false, ref(KindVendor, "Engaged beside the ladder, on the vendor's own one.")})
	return s
}

func vendor() *shape {
	contact := &shape{form: formRecord, doc: "A person of this vendor.", keys: []key{{"person", true, ref(KindPerson, "One of the contacts.")}}}
	return describe(KindVendor, "An outside company under contract, engaged as a target of a tier.",
		key{"name", true, words("How it is called.")},
		key{"owner", true, ref(KindTeam, "Who of ours answers for the relation; told when the vendor is silent and nobody has acknowledged.")},
		key{"cover", false, shape{form: formRef, of: KindCalendar, doc: "Its hours of cover.", fallback: "around the clock"}},
		key{"contacts", true, minimum(refs(KindPerson, "Its people, each with this vendor set."))},
		key{"ack_within", false, lasts("Its promise to acknowledge, in hours of cover.", "no promise; its tiers then wait 15m")},
		key{"resolve_within", false, lasts("Its promise to resolve, in hours of cover.", "no promise")},
		key{"tiers", false, shape{form: formList, min: 1, doc: "The vendor's own ladder.", fallback: "one tier: the first contact, the others as backups in order",
			items: &shape{form: formRecord, doc: "One level of the vendor's ladder.", keys: []key{
				{"name", false, shape{form: formText, doc: "How it is called.", fallback: "tier 1, tier 2, …"}},
				{"targets", true, shape{form: formList, min: 1, doc: "Everybody who is told at once.", items: contact}},
				{"backups", false, shape{form: formList, doc: "In order: each stands in for a target who cannot be reached, or follows a silent one.", items: contact}},
				{"ack_within", false, lasts("How long an acknowledge may take.", "the vendor's ack_within, else 15m")},
				{"repeat", false, shape{form: formNumber, max: 100, doc: "Further rounds of this tier.", fallback: "0"}},
			}}}},
	)
}

func kinds() []string {
	var list []string
	for _, kind := range org.Kinds() {
		list = append(list, string(kind))
	}
	return list
}

func priorities() []string {
	var list []string
	for _, priority := range org.Priorities() {
		list = append(list, string(priority))
	}
	return list
}
