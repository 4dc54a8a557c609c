package text

import "github.com/belayhq/belay/core/tongue"

// catalogues are what messages say, by language; English stands where it is said.
var catalogues = map[tongue.Language]tongue.Catalogue{tongue.German: german}

// german has umlauts where German has: text messages carry them without becoming longer.
var german = tongue.Catalogue{
	"(no title)": "(ohne Titel)",

	// Text messages.
	"Reply ack%[1]s, esc%[1]s, resolve%[1]s": "Antworten: übernehmen%[1]s, eskalieren%[1]s, gelöst%[1]s",
	"or":                                     "oder",
	"Answer by %s.":                          "Antwort bis %s.",
	"%d pages: %s.":                          "%d Rufe: %s.",
	"First answer by %s.":                    "Erste Antwort bis %s.",
	"Reply ack%s for one, ack all for all":   "Antworten: übernehmen%s für einen, übernehmen alle für alle",
	", or %s":                                ", oder %s",
	"+%d more.":                              "+%d weitere.",
	"%d pages: %s":                           "%d Rufe: %s",
	", and %d more":                          ", und %d weitere",

	// Calls.
	"This is Belay, with a page.": "Hier ist Belay mit einem Ruf.",
	"An answer is due by %s.":     "Antwort bis %s.",
	"Press %s to acknowledge, %s to escalate, %s to resolve, or %s to hear this again.": "Drücken Sie %s zum Übernehmen, %s zum Eskalieren, %s, wenn es gelöst ist, oder %s, um dies noch einmal zu hören.",
	"This call takes no keys: please answer in Belay, or to its text message.":          "Dieser Anruf nimmt keine Tasten an: Bitte antworten Sie in Belay oder auf die SMS.",
	"This is Belay, for your information. %s Goodbye.":                                  "Hier ist Belay, nur zur Kenntnis. %s Auf Wiederhören.",
	"Priority %s, escalation %s.":                                                       "Priorität %s, Eskalation %s.",
	"Escalation %s.":                                                                    "Eskalation %s.",
	"escalation %s":                                                                     "Eskalation %s",
	"a link":                                                                            "ein Link",
	"This is Belay, with %d pages.":                                                     "Hier ist Belay mit %d Rufen.",
	"And %d more.":                                                                      "Und %d weitere.",
	"The first answer is due by %s.":                                                    "Erste Antwort bis %s.",
	"Press %s to acknowledge all of them, %s to escalate all of them, or %s to hear this again.": "Drücken Sie %s, um alle zu übernehmen, %s, um alle zu eskalieren, oder %s, um dies noch einmal zu hören.",
	"%s of priority %s": "%s mit Priorität %s",

	// Mail.
	"Answer here. Opening the page does nothing yet: it shows the escalation and asks you.": "Hier antworten. Die Seite zu öffnen bewirkt noch nichts: Sie zeigt die Eskalation und fragt nach.",
	"About: %s": "Es geht um: %s",
	"This is for your information. Nothing is asked of you.": "Nur zur Kenntnis. Es wird nichts von Ihnen verlangt.",
	"Escalation": "Eskalation",
	"Service":    "Dienst",
	"Priority":   "Priorität",
	"Tier":       "Stufe",
	"Opened":     "Geöffnet",
	"Answer by":  "Antwort bis",
	"Many pages came at once, so here are %d in one message: %s.": "Viele Rufe kamen auf einmal, darum stehen hier %d in einer Nachricht: %s.",
	"First answer by %s": "Erste Antwort bis %s",
	"Answer each of them, or all at once, here. Opening the page does nothing yet: it shows them and asks you.": "Hier einzeln oder alle zusammen beantworten. Die Seite zu öffnen bewirkt noch nichts: Sie zeigt sie und fragt nach.",
}
