package mailbox

import (
	"net/mail"
	"regexp"
	"strings"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/integrations/foreign"
)

// Monit's own mails begin with what happened to what: "Does not exist Service nginx". Its subject has the same words in another
// order, and the words for well again are others than those for broken: only its table knows that they belong together.
var monitSays = regexp.MustCompile(`^(\S.*?) Service (\S+)\s*$`)

// monitWell are the words for well again, with what they end, where these are not "… failed" and "… succeeded".
var monitWell = map[string]string{
	"Exists": "Does not exist", "Link up": "Link down", "Timeout recovery": "Timeout", "Type succeeded": "Invalid type",
	"Data access succeeded": "Data access error", "Resource limit succeeded": "Resource limit matched", "Does not exist": "Does not exist",
}

// monit reads a mail of Monit in its default form into the alert that was read of it so far. One whose mail-format is of somebody's
// own is read as any other mail.
func monit(h mail.Header, text string, a alert.Alert) alert.Alert {
	if !strings.HasPrefix(h.Get("X-Mailer"), "Monit") {
		return a
	}
	found := monitSays.FindStringSubmatch(foreign.FirstLine(text))
	if found == nil {
		return a
	}
	event, service := found[1], found[2]
	said := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok && said[name] == "" {
			said[name] = strings.TrimSpace(value)
		}
	}
	host := foreign.First(said["Host"], a.Source)
	about, action := event, alert.Trigger
	for _, well := range []string{" succeeded", " ok", " not changed"} {
		if stem, ok := strings.CutSuffix(event, well); ok {
			about, action = stem, alert.Resolve
		}
	}
	for _, broken := range []string{" failed", " exceeded", " changed"} {
		about = strings.TrimSuffix(about, broken)
	}
	if ended, ok := monitWell[event]; ok {
		about = ended
		if event != ended {
			action = alert.Resolve
		}
	}
	if strings.HasPrefix(event, "Monit instance") || event == "Action done" {
		action = alert.Ignore // it was started or stopped, or told to do something
	}
	a.Action, a.Status, a.Source = action, event, host
	a.Title = foreign.Title(service + ": " + foreign.First(said["Description"], event))
	a.DedupKey = foreign.Key("monit", host, service, strings.ToLower(about))
	a.Labels = foreign.Labels(map[string]string{"from": a.Labels["from"], "service": service, "action": said["Action"]})
	return a
}
