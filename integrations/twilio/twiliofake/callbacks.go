package twiliofake

import (
	"crypto/hmac"
	"crypto/sha1" // Twilio's choice
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"time"
)

// errUnknown: nothing was sent under this name, or it wants no callbacks.
var errUnknown = errors.New("twiliofake: no such message or call, or no callback address")

func (s *Server) follow(one *Sent, reports []Report) {
	if len(reports) == 0 {
		return
	}
	s.wait.Add(1)
	go func() {
		defer s.wait.Done()
		for _, report := range reports {
			time.Sleep(report.After)
			_, _ = s.report(one, report)
		}
	}()
}

// Report changes what became of a message or call and says so to its StatusCallback, if it has one.
func (s *Server) Report(sid string, report Report) (Post, error) {
	one := s.find(sid)
	if one == nil {
		return Post{}, errUnknown
	}
	return s.report(one, report)
}

func (s *Server) report(one *Sent, report Report) (Post, error) {
	s.mu.Lock()
	one.Status, one.Code, one.By = report.Status, report.Code, fallback(report.AnsweredBy, one.By)
	form := s.about(one)
	if one.Kind == "Messages" {
		form.Set("MessageStatus", one.Status)
		form.Set("SmsStatus", one.Status)
	} else {
		form.Set("CallbackSource", "call-progress-events")
		form.Set("Timestamp", s.now().UTC().Format(time.RFC1123Z))
	}
	if one.Code != "" {
		form.Set("ErrorCode", one.Code)
	}
	target := one.Form.Get("StatusCallback")
	s.mu.Unlock()
	if report.Silent {
		return Post{}, nil
	}
	if target == "" {
		return Post{}, errUnknown
	}
	return s.post(target, form)
}

// about is what every callback about a message or call has. The lock is held.
func (s *Server) about(one *Sent) url.Values {
	form := url.Values{"AccountSid": {s.account()}, "ApiVersion": {"2010-04-01"}, "To": {one.To}, "From": {one.From}}
	if one.Kind == "Messages" {
		form.Set("MessageSid", one.SID)
		form.Set("SmsSid", one.SID)
		return form
	}
	form.Set("CallSid", one.SID)
	form.Set("CallStatus", one.Status)
	form.Set("Direction", "outbound-api")
	form.Set("Called", one.To)
	form.Set("Caller", one.From)
	if one.By != "" {
		form.Set("AnsweredBy", one.By)
	}
	return form
}

// Answer picks up a call: its TwiML is fetched. answeredBy is "human", "machine_start" or empty.
func (s *Server) Answer(sid, answeredBy string) (Post, error) {
	one := s.find(sid)
	if one == nil || one.Kind != "Calls" || one.Form.Get("Url") == "" {
		return Post{}, errUnknown
	}
	s.mu.Lock()
	one.Status, one.By = "in-progress", answeredBy
	form, target := s.about(one), one.Form.Get("Url")
	s.mu.Unlock()
	return s.post(target, form)
}

// Press presses keys on a call after the answer with TwiML, which must have a Gather.
func (s *Server) Press(sid, digits string, heard Post) (Post, error) {
	one := s.find(sid)
	if one == nil {
		return Post{}, errUnknown
	}
	var document struct {
		Gather []struct {
			Action string `xml:"action,attr"`
		} `xml:"Gather"`
	}
	if err := xml.Unmarshal(heard.Body, &document); err != nil {
		return Post{}, fmt.Errorf("twiliofake: TwiML: %w", err)
	}
	if len(document.Gather) == 0 {
		return Post{}, errors.New("twiliofake: the TwiML waits for no key")
	}
	base, err := url.Parse(heard.URL)
	if err != nil {
		return Post{}, err
	}
	action, err := base.Parse(document.Gather[0].Action)
	if err != nil {
		return Post{}, err
	}
	s.mu.Lock()
	form := s.about(one)
	s.mu.Unlock()
	form.Set("Digits", digits)
	form.Set("msg", "Gather End")
	return s.post(action.String(), form)
}

// Text is an SMS from a person to us, delivered to the address of an incoming message. Each has a SID of its own.
func (s *Server) Text(address, sid, from, to, body string) (Post, error) {
	form := url.Values{
		"AccountSid": {s.account()}, "ApiVersion": {"2010-04-01"}, "MessageSid": {sid}, "SmsSid": {sid},
		"SmsMessageSid": {sid}, "SmsStatus": {"received"}, "NumMedia": {"0"}, "NumSegments": {"1"},
		"From": {from}, "To": {to}, "Body": {body},
	}
	return s.post(address, form)
}

func (s *Server) find(sid string) *Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.sent {
		if one.SID == sid {
			return one
		}
	}
	return nil
}

func (s *Server) post(target string, form url.Values) (Post, error) {
	made := Post{URL: target, Form: form}
	made.Status, made.Body, made.Err = s.exchange(target, form)
	s.mu.Lock()
	s.posts = append(s.posts, made)
	s.mu.Unlock()
	return made, made.Err
}

func (s *Server) exchange(target string, form url.Values) (int, []byte, error) {
	request, err := http.NewRequest(http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	request.Header.Set("User-Agent", "TwilioProxy/1.1")
	request.Header.Set("X-Twilio-Signature", sign(s.token(), target, form))
	client := s.Client
	if client == nil {
		client = &http.Client{Timeout: 5 * time.Second}
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return response.StatusCode, body, err
}

// sign is Twilio's side of the signature, written a second time on purpose: a mistake in the verifier must not be
// repeated by the fake that it is tested with.
func sign(token, target string, form url.Values) string {
	keys := make([]string, 0, len(form))
	for key := range form {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	text := target
	for _, key := range keys {
		text += key + form.Get(key) // callbacks have one value per key
	}
	h := hmac.New(sha1.New, []byte(token))
	_, _ = io.WriteString(h, text)
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}
