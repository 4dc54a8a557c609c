package text

import (
	"fmt"
	"strings"
)

// longestSubject keeps the subject to what mail programs show and what a header may hold.
const longestSubject = 150

// subject is "[P1] E-42 Payments: card payments fail".
func (f facts) subject(what string) string {
	return cut(f.head()+" "+about(f.service, what), longestSubject)
}

func (f facts) mail(link string) string {
	var b strings.Builder
	b.WriteString(f.title + "\n\n")
	f.table(&b)
	if link != "" {
		b.WriteString("\n" + f.t("Answer here. Opening the page does nothing yet: it shows the escalation and asks you.") + "\n" + link + "\n")
	}
	return b.String()
}

func (f facts) mailNews() string {
	var b strings.Builder
	b.WriteString(f.news + "\n\n")
	if f.news != f.title {
		b.WriteString(f.t("About: %s", f.title) + "\n\n")
	}
	f.table(&b)
	b.WriteString("\n" + f.t("This is for your information. Nothing is asked of you.") + "\n")
	return b.String()
}

func (f facts) table(b *strings.Builder) {
	for _, row := range [][2]string{
		{f.t("Escalation"), f.code}, {f.t("Service"), f.service}, {f.t("Priority"), f.priority}, {f.t("Tier"), f.tier},
		{f.t("Opened"), f.opened}, {f.t("Answer by"), f.answerBy},
	} {
		if row[1] != "" {
			fmt.Fprintf(b, "%-12s%s\n", row[0], row[1])
		}
	}
}

// named makes sure that news says which escalation it is about.
func (f facts) named(news string) string {
	if strings.Contains(news, f.code) {
		return news
	}
	return f.code + ": " + news
}
