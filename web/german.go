package web

import "github.com/belayhq/belay/core/tongue"

// german is what the pages say in German. A test holds it to every text that a page says.
var german = tongue.Catalogue{
	// Clocks.
	"in %s":                                "in %s",
	"now":                                  "jetzt",
	"late by %s":                           "%s zu spät",
	"%s ago":                               "vor %s",
	"just now":                             "gerade eben",
	"d":                                    "T",
	"Live":                                 "Live",
	"Not live since %s. Connecting again…": "Seit %s nicht mehr live. Neue Verbindung …",

	// Frame.
	"Skip to the content": "Zum Inhalt",
	"Pages":               "Seiten",
	"Now":                 "Jetzt",
	"On call":             "Bereitschaft",
	"People":              "Personen",
	"Services":            "Dienste",
	"Simulate":            "Durchspielen",
	"Sandbox":             "Sandkasten",
	"Reloads every %d s.": "Lädt alle %d s neu.",
	"Hold still":          "Anhalten",
	"dev mode":            "Dev-Modus",
	"Look":                "Ansicht",
	"Dev mode: this machine is let in without signing in.": "Dev-Modus: Dieser Rechner kommt ohne Anmeldung herein.",
	"Theme":         "Farben",
	"As the device": "Wie das Gerät",
	"Light":         "Hell",
	"Dark":          "Dunkel",
	"Language":      "Sprache",
	"Apply":         "Übernehmen",
	"Sign out":      "Abmelden",
}
