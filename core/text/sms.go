package text

import (
	"strings"
	"unicode/utf8"
)

// sms is one text message if it can be, two at most when there is a link. What gives way, in this order: when an
// answer is due, the end of the title, the name of the service, the link. The code and the verbs always stay.
func (f facts) sms(link string) string {
	hint := " " + f.t("Reply ack%[1]s, esc%[1]s, resolve%[1]s", f.number)
	most, due := 1, ""
	if link != "" {
		most, hint = 2, hint+" "+f.t("or")+" "+link
	}
	if f.due != "" {
		due = " " + f.t("Answer by %s.", f.due)
	}
	head := strings.TrimSpace(plain(f.priority) + " " + f.code)
	write := func(service, title, due string) string { return sentence(head+" "+about(service, title)) + due + hint }

	service, title := plain(f.service), plain(f.title)
	for segments := 1; segments <= most; segments++ {
		for _, due := range []string{due, ""} {
			if full := write(service, title, due); Segments(full) <= segments {
				return full
			}
		}
	}
	if short, ok := shorten(title, most, func(title string) string { return write(service, title, "") }); ok {
		return short
	}
	if short, ok := shorten(service, most, func(service string) string { return write(service, cut(title, least), "") }); ok {
		return short
	}
	if link != "" {
		return f.sms("")
	}
	return sentence(head) + hint
}

// smsNews is one text message, two when there is much to say. What it is about is added as far as there is room.
func (f facts) smsNews() string {
	news := plain(f.news)
	said := f.named(news)
	if Segments(said) > 1 {
		short, _ := shorten(news, 2, f.named)
		return short
	}
	if f.news == f.title {
		return said
	}
	subject := about(plain(f.service), plain(f.title))
	if full, ok := shorten(subject, 1, func(subject string) string { return said + " (" + subject + ")" }); ok {
		return full
	}
	return said
}

// least is how many characters of a part still say something.
const least = 8

// shorten cuts a part of a text no more than is needed, and tells whether that was enough.
func shorten(part string, segments int, write func(part string) string) (string, bool) {
	for limit := utf8.RuneCountInString(part); limit > least; limit-- {
		if said := write(cut(part, limit)); Segments(said) <= segments {
			return said, true
		}
	}
	said := write(cut(part, least))
	return said, Segments(said) <= segments
}
