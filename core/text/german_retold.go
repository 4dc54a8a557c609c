package text

import (
	"fmt"
	"maps"

	"github.com/belayhq/belay/core/tongue"
)

// retoldInGerman is what was said in English, by form. %v is somebody's own words: a title, a note, a name.
var retoldInGerman = func() tongue.Catalogue {
	all := tongue.Catalogue{
		// What an escalation answers to a human.
		"You have had %s since %s.":        "Sie haben %s seit %s.",
		"%v has had %s since %s.":          "%v hat %s seit %s.",
		"You have %s.":                     "Sie haben %s.",
		"You have %s. Next update due %s.": "Sie haben %s. Nächste Rückmeldung fällig um %s.",
		"E-%s is closed.":                  "E-%s ist geschlossen.",
		"E-%s was resolved at %s by %v.":   "E-%s wurde um %s von %v gelöst.",
		"E-%s watches its ticket no more.": "E-%s beobachtet sein Ticket nicht mehr.",
		"E-%s is resolved; its ticket is still open and is watched on.": "E-%s ist gelöst; das Ticket ist noch offen und wird weiter beobachtet.",
		"E-%s is resolved.":                                                        "E-%s ist gelöst.",
		"E-%s goes to %s.":                                                         "E-%s geht an %s.",
		"E-%s goes to %s, who must take it.":                                       "E-%s geht an %s; übernommen werden muss es dort.",
		"E-%s goes up to management.":                                              "E-%s geht an die Vorgesetzten.",
		"Escalate to whom? Name a person, team, schedule or vendor.":               "An wen eskalieren? Nennen Sie eine Person, ein Team, einen Plan oder einen Lieferanten.",
		"A vendor's engagement cannot call in another vendor.":                     "Der Einsatz eines Lieferanten kann keinen weiteren Lieferanten rufen.",
		"Vendor %v is engaged in %s already.":                                      "Lieferant %v ist in %s schon im Einsatz.",
		"Vendor %v is called in for %s.":                                           "Lieferant %v wird für %s gerufen.",
		"Reassign to whom? Name a person, team or schedule.":                       "Wem übergeben? Nennen Sie eine Person, ein Team oder einen Plan.",
		"Snooze until when? Name an instant that is still to come.":                "Bis wann ruhen? Nennen Sie einen Zeitpunkt, der noch kommt.",
		"A snooze may last seven days at most.":                                    "Es darf höchstens sieben Tage ruhen.",
		"E-%s is quiet until %s.":                                                  "E-%s ruht bis %s.",
		"A note needs words.":                                                      "Eine Notiz braucht Worte.",
		"Noted on %s.":                                                             "Notiert zu %s.",
		"E-%s is open.":                                                            "E-%s ist offen.",
		"E-%s is open again; %s is called.":                                        "E-%s ist wieder offen; %s wird gerufen.",
		"Priority %q is none of P1 to P5.":                                         "Priorität %s ist keine von P1 bis P5.",
		"E-%s is %s.":                                                              "E-%s ist %s.",
		"E-%s becomes %s; the ladder follows.":                                     "E-%s wird %s; die Leiter folgt.",
		"E-%s watches no ticket.":                                                  "E-%s beobachtet kein Ticket.",
		"The clocks of %s are recalculated.":                                       "Die Fristen von %s sind neu berechnet.",
		"E-%s watches ticket %v: nobody was called. Escalate it to call somebody.": "E-%s beobachtet Ticket %v: Niemand wurde gerufen. Eskalieren Sie es, um jemanden zu rufen.",

		// What it tells people.
		"%v has %s.":                            "%v hat %s.",
		"E-%s is resolved, by %v.":              "E-%s ist gelöst, von %v.",
		"%s: %s. It climbs; you still have it.": "%s: %s. Es steigt weiter; Sie haben es noch.",
		"E-%s is not resolved in time. It climbs; you still have it.": "E-%s ist nicht rechtzeitig gelöst. Es steigt weiter; Sie haben es noch.",
		"%s: vendor %v: %s.": "%s: Lieferant %v: %s.",
		"E-%d with %v":       "E-%d mit %v",
		"%d with %v":         "%d mit %v",

		// What it puts on record.
		"E-%s opened as %s for %v: %v":                     "E-%s geöffnet als %s für %v: %v",
		"E-%s watches ticket %v for %v: %v":                "E-%s beobachtet Ticket %v für %v: %v",
		"%v has it":                                        "%v hat es",
		"%v has it, after %v":                              "%v hat es, nach %v",
		"%v acknowledged what was resolved already":        "%v hat übernommen, was schon gelöst war",
		"%v ended the watching":                            "%v hat das Beobachten beendet",
		"resolved by %v":                                   "gelöst von %v",
		"closed":                                           "geschlossen",
		"stood down: %s":                                   "entlassen: %s",
		"%v escalated ticket %v":                           "%v hat Ticket %v eskaliert",
		"%v escalated to %s":                               "%v hat an %s eskaliert",
		"%v called in vendor %v":                           "%v hat Lieferant %v gerufen",
		"vendor %v is called in":                           "Lieferant %v wird gerufen",
		"%v reassigned it to %s":                           "%v hat es an %s übergeben",
		"%v snoozed it until %s":                           "%v lässt es ruhen bis %s",
		"the snooze ended":                                 "die Ruhe ist vorbei",
		"reopened by %v":                                   "wieder geöffnet von %v",
		"%v recalculated the clocks":                       "%v hat die Fristen neu berechnet",
		"no update from %v in time":                        "keine rechtzeitige Rückmeldung von %v",
		"not resolved in time":                             "nicht rechtzeitig gelöst",
		"promised to acknowledge within %s and has not":    "hat zugesagt, binnen %s zu übernehmen, und es nicht getan",
		"promised to resolve within %s and has not":        "hat zugesagt, binnen %s zu lösen, und es nicht getan",
		"still no answer: %s is called again":              "noch immer keine Antwort: %s wird erneut gerufen",
		"the ladder begins again, round %d":                "die Leiter beginnt von vorn, Runde %d",
		"%s is called again":                               "%s wird erneut gerufen",
		"%s is called":                                     "%s wird gerufen",
		"nobody there has answered":                        "dort hat niemand geantwortet",
		"the ladder ended without an answer: %s is called": "die Leiter endete ohne Antwort: %s wird gerufen",
		"outside hours of cover until %s":                  "außerhalb der Einsatzzeiten bis %s",
		"%s skipped: %s":                                   "%s übersprungen: %s",
		"%v of %v skipped: %v":                             "%v von %v übersprungen: %v",
		"%v paged by %s (%v)":                              "%v gerufen per %s (%v)",
		"%v told by webhook (%v)":                          "%v per Webhook unterrichtet (%v)",
		"%s; the webhook is not told: this ticket has been watched since before webhooks were known": "%s; der Webhook wird nicht unterrichtet: Dieses Ticket wird schon länger beobachtet, als es Webhooks gibt",
		"%v informed by %s (%v)": "%v benachrichtigt per %s (%v)",
		"%s to %v (%v): %s":      "%s an %v (%v): %s",
		"%s to %v (%v): %s, %v":  "%s an %v (%v): %s, %v",
		"%s reaches nobody":      "%s erreicht niemanden",
		"nobody at all can be reached: trying everybody again at %s":            "niemand ist zu erreichen: alle werden um %s erneut versucht",
		"no tier reaches anybody: the catch-all is called":                      "keine Stufe erreicht jemanden: das letzte Netz wird gerufen",
		"%s: no answer in time":                                                 "%s: keine rechtzeitige Antwort",
		"%s: no answer in time from %v":                                         "%s: keine rechtzeitige Antwort von %v",
		"fired again, %d in all since it opened":                                "erneut gemeldet, %d-mal seit dem Öffnen",
		"it fires again after it was resolved":                                  "meldet sich wieder, nachdem es gelöst war",
		"severity rose from %s to %s":                                           "Schwere stieg von %s auf %s",
		"priority %s → %s; the ladder is now that of policy %v":                 "Priorität %s → %s; die Leiter ist jetzt die der Regel %v",
		"the ladder of the new priority cannot be found: the present one stays": "die Leiter der neuen Priorität ist nicht zu finden: die jetzige bleibt",
		"a condition cannot be evaluated: %v":                                   "eine Bedingung lässt sich nicht auswerten: %v",
		"its clocks are those of revision %s from now on":                       "ihre Fristen sind ab jetzt die der Revision %s",
		"ticket %v came back":                                                   "Ticket %v kam zurück",
		"ticket %v is %s":                                                       "Ticket %v ist %s",
		"the ticket":                                                            "das Ticket",
		"%v: %s is due within %s, and %d%% of it is used":                       "%v: %s ist binnen %s fällig, und %d%% davon sind verbraucht",
		"%v: %s is due within %s, and %s is left":                               "%v: %s ist binnen %s fällig, und %s bleiben",
		"%v: %s is due within %s, and is late by %s":                            "%v: %s war binnen %s fällig und ist %s zu spät",
		"%v: %s is due within %s, and is late":                                  "%v: %s war binnen %s fällig und ist zu spät",
		"a first response":                                                      "eine erste Antwort",
		"an update":                                                             "eine Rückmeldung",
		"the solution":                                                          "die Lösung",
		"it went back and forth between teams":                                  "es ging zwischen Teams hin und her",
		"it went back and forth between teams %d times":                         "es ging %d-mal zwischen Teams hin und her",
		"%v: %v has said nothing for %s":                                        "%v: %v hat seit %s nichts gesagt",

		"%d-%d-%d %d:%d UTC": "%[3]d.%[2]d.%[1]d %[4]d:%[5]d UTC",

		// Tiers, targets, reasons, states, ways.
		"the last of its ladder": "die letzte Stufe der Leiter",
		"the catch-all":          "das letzte Netz",
		"tier %d":                "Stufe %d",
		"tier %d (%v)":           "Stufe %d (%v)",
		"management":             "die Vorgesetzten",
		"the managers of %v":     "die Vorgesetzten von %v",
		"manager of %v":          "Vorgesetzte von %v",
		"schedule %v (%v)":       "Plan %v (%v)",
		"team %v (%v)":           "Team %v (%v)",
		"manager of %v (%v)":     "Vorgesetzte von %v (%v)",
		"schedule %v":            "Plan %v",
		"person %v":              "Person %v",
		"team %v":                "Team %v",
		"vendor %v":              "Lieferant %v",
		"nobody":                 "niemand",
		"somebody":               "jemand",

		"nobody is on call":              "niemand hat Bereitschaft",
		"away":                           "abwesend",
		"no usable contact method":       "kein brauchbarer Kontaktweg",
		"every contact method is barred": "jeder Kontaktweg ist gesperrt",
		"every contact method failed":    "jeder Kontaktweg ist gescheitert",
		"no longer in the organisation":  "nicht mehr im Haus",
		"outside hours of cover":         "außerhalb der Einsatzzeiten",
		"told already in this tier":      "in dieser Stufe schon gerufen",

		"open": "offen", "acknowledged": "übernommen", "resolved": "gelöst", "watching": "beobachtet",
		"sms": "SMS", "voice": "Anruf", "email": "E-Mail", "webhook": "Webhook",
		"gathered": "gesammelt", "withdrawn": "zurückgezogen", "accepted": "angenommen", "delivered": "zugestellt", "answered": "abgehoben",
		"undelivered": "nicht zugestellt", "busy": "besetzt", "no answer": "keine Antwort", "machine": "Anrufbeantworter", "failed": "gescheitert",
		"opted out": "abbestellt",
		"critical":  "kritisch", "error": "Fehler", "warning": "Warnung", "info": "Hinweis",

		// What replies by phone are answered.
		"E-%d: %s":                          "E-%d: %s",
		"E-%d open: %v":                     "E-%d offen: %v",
		"E-%d acknowledged: %v (%v has it)": "E-%d übernommen: %v (%v hat es)",
		"E-%d acknowledged: %v":             "E-%d übernommen: %v",
		"E-%d %v: %v (%v has it)":           "E-%d %v: %v (%v hat es)", // in terms of the organisation
		"E-%d watching: %v":                 "E-%d beobachtet: %v",
		"E-%d resolved: %v":                 "E-%d gelöst: %v",
		"E-%d closed: %v":                   "E-%d geschlossen: %v",
		"Which one? Reply with its number.": "Welche? Antworten Sie mit der Nummer.",
		"ack %d: %v":                        "übernehmen %d: %v",
		"esc %d: %v":                        "eskalieren %d: %v",
		"resolve %d: %v":                    "gelöst %d: %v",
		"note %d: %v":                       "notiz %d: %v",
		"snooze %d: %v":                     "ruhe %d: %v",
		"… and %d more":                     "… und %d weitere",
		"There is no %s for you.":           "Für Sie gibt es kein %s.",
		"This number is not known here. Nothing was done.": "Diese Nummer ist hier nicht bekannt. Es wurde nichts getan.",
		"Nothing is open that you were told of.":           "Es ist nichts offen, zu dem Sie gerufen wurden.",
		"Belay will send you messages again.":              "Belay schickt Ihnen wieder Nachrichten.",
		"This call is not known here. Goodbye.":            "Dieser Anruf ist hier nicht bekannt. Auf Wiederhören.",
		"E-%d: %v is %s already. Goodbye.":                 "E-%d: %v ist schon %s. Auf Wiederhören.",
		"Received, but not confirmed yet, for %s.":         "Angekommen, aber noch nicht bestätigt, für %s.",
		"You have %d: %s.":                                 "Sie haben %d: %s.",
		"%d resolved: %s.":                                 "%d gelöst: %s.",
		"%d escalated: %s.":                                "%d eskaliert: %s.",
		"Done for %d: %s.":                                 "Erledigt für %d: %s.",
		"Belay could not take that just now. Please try again, or use the link in your message.":    "Belay konnte das gerade nicht annehmen. Bitte noch einmal versuchen, oder den Link in der Nachricht benutzen.",
		"No digest was sent to you lately. Reply ack, and then the number in the message.":          "Zuletzt ging keine Sammelnachricht an Sie. Antworten Sie übernehmen und dann die Nummer aus der Nachricht.",
		"On a call with several pages, resolve them one by one: by text message, or with the link.": "Bei einem Anruf mit mehreren Rufen melden Sie jeden einzeln als gelöst: per SMS oder mit dem Link.",
		"Reply with a verb and the number in the message: ack 42, resolve 42, esc 42, note 42 what you found, " +
			"snooze 42 30m, status. The number may be left out when only one is open; ack all is everything in the last digest.": "Antworten Sie mit einem Wort und der Nummer aus der Nachricht: übernehmen 42, gelöst 42, eskalieren 42, " +
			"notiz 42 was Sie fanden, ruhe 42 30m, status. Die Nummer darf fehlen, wenn nur eines offen ist; übernehmen alle meint alles in der letzten Sammelnachricht.",

		"Reply ack, esc or resolve, and then the number in the message.":                                                "Antworten Sie übernehmen, eskalieren oder gelöst und dann die Nummer aus der Nachricht.",
		"Reply ack %d, esc %d or resolve %d.":                                                                           "Antworten Sie übernehmen %d, eskalieren %d oder gelöst %d.",
		"That is too long: %d characters at most. %s":                                                                   "Das ist zu lang: höchstens %d Zeichen. %s",
		"There is nothing in that. %s":                                                                                  "Darin steht nichts. %s",
		"What about %d? %s":                                                                                             "Was ist mit %d? %s",
		"I did not understand that. %s":                                                                                 "Das habe ich nicht verstanden. %s",
		"I did not understand that, so I did nothing. %s":                                                               "Das habe ich nicht verstanden und nichts getan. %s",
		"I did not understand that, so I did nothing. Put the number right after %v.":                                   "Das habe ich nicht verstanden und nichts getan. Die Nummer gehört gleich hinter %v.",
		"Say what to note, such as: note looking into it":                                                               "Sagen Sie, was zu notieren ist, etwa: notiz sehe nach",
		"Say what to note, such as: note %d looking into it":                                                            "Sagen Sie, was zu notieren ist, etwa: notiz %d sehe nach",
		"One number at a time, please, such as: %v %d":                                                                  "Bitte nur eine Nummer, etwa: %v %d",
		"There is no number %v. Use the one in the message, the digits after E-.":                                       "Eine Nummer %v gibt es nicht. Nehmen Sie die aus der Nachricht, die Ziffern nach E-.",
		"Say for how long, such as: snooze 30m or snooze 2h":                                                            "Sagen Sie, wie lange, etwa: ruhe 30m oder ruhe 2h",
		"Say for how long, such as: snooze %d 30m or snooze %d 2h":                                                      "Sagen Sie, wie lange, etwa: ruhe %d 30m oder ruhe %d 2h",
		"That key does nothing here. Press %s to acknowledge, %s to escalate, %s to resolve, or %s to hear this again.": "Diese Taste bewirkt hier nichts. Drücken Sie %s zum Übernehmen, %s zum Eskalieren, %s, wenn es gelöst ist, oder %s, um dies noch einmal zu hören.",

		// What keeps an answer from being taken.
		"received; %s has not confirmed it yet":      "angekommen; %s hat es noch nicht bestätigt",
		"escalation %v":                              "Eskalation %v",
		"the engagement of %v in %v":                 "der Einsatz von %v in %v",
		"%s is over":                                 "%s ist vorbei",
		"%s does not exist":                          "%s gibt es nicht",
		"there is no %s":                             "es gibt kein %s",
		"there is no %q":                             "es gibt kein %s",
		"there is no escalation %q":                  "es gibt keine Eskalation %s",
		"%v is not one of us":                        "%v gehört nicht zu uns",
		"%v answers for vendor %v only":              "%v antwortet nur für Lieferant %v",
		"%v may not %v":                              "%v darf das nicht: %v",
		"the role %v may not %v":                     "die Rolle %v darf das nicht: %v",
		"%d characters are too many, %d are allowed": "%d Zeichen sind zu viele, erlaubt sind %d",
		"say something":                              "sagen Sie etwas",
		"say to whom":                                "sagen Sie, an wen",
		"%q is none of %v":                           "%s ist keines von %v",
		"%q is neither %v nor %v":                    "%s ist weder %v noch %v",
		"name exactly one of schedule, person, team, vendor": "nennen Sie genau eines: Plan, Person, Team, Lieferant",
		"say until when":                               "sagen Sie, bis wann",
		"%v has passed":                                "%v ist vorbei",
		"this link is not valid":                       "dieser Link ist nicht gültig",
		"this link has expired":                        "dieser Link ist abgelaufen",
		"this link was for somebody who has left":      "dieser Link war für jemanden, der nicht mehr da ist",
		"this link is for a vendor's people":           "dieser Link ist für die Leute eines Lieferanten",
		"nothing is left in this message":              "in dieser Nachricht ist nichts mehr übrig",
		"this form is incomplete; load the page again": "dieses Formular ist unvollständig; laden Sie die Seite neu",
		"this form is too old or was not made for you; load the page again and repeat":                   "dieses Formular ist zu alt oder nicht für Sie gemacht; laden Sie die Seite neu und wiederholen Sie es",
		"You were called. What it is about cannot be shown just now; your answer is taken all the same.": "Sie wurden gerufen. Worum es geht, lässt sich gerade nicht zeigen; Ihre Antwort wird trotzdem angenommen.",
		"Something failed on our side. It is in the log.":                                                "Auf unserer Seite ist etwas schiefgegangen. Es steht im Protokoll.",
		"there is no schedule %q":            "es gibt keinen Plan %s",
		"there is no person %q":              "es gibt keine Person %s",
		"there is no service %q":             "es gibt keinen Dienst %s",
		"say from when":                      "sagen Sie, ab wann",
		"must come after from":               "muss nach dem Anfang liegen",
		"an override lasts 366 days at most": "eine Vertretung dauert höchstens 366 Tage",
		"the clocks in %v go forward over %s: that time does not exist": "die Uhren in %v gehen über %s vor: Diese Zeit gibt es nicht",
		"a snooze lasts 7 days at most":                                 "es darf höchstens 7 Tage ruhen",
	}
	maps.Copy(all, lengths())
	return all
}()

// lengths are what Duration says.
func lengths() tongue.Catalogue {
	all := tongue.Catalogue{"a moment": "einem Augenblick"}
	type unit struct{ english, german string }
	units := [][2]unit{
		{{"1 day", "1 Tag"}, {"%d days", "%d Tagen"}}, {{"1 hour", "1 Stunde"}, {"%d hours", "%d Stunden"}},
		{{"1 minute", "1 Minute"}, {"%d minutes", "%d Minuten"}}, {{"1 second", "1 Sekunde"}, {"%d seconds", "%d Sekunden"}},
	}
	for i, large := range units {
		for _, l := range large {
			all[l.english] = l.german
			if i+1 == len(units) {
				continue
			}
			for _, s := range units[i+1] {
				all[fmt.Sprintf("%s %s", l.english, s.english)] = l.german + " " + s.german
			}
		}
	}
	return all
}
