// Command notify says one thing through every receiver of an alertmanager.yml, with Alertmanager's own packages and nothing
// around them: no waiting, no grouping, no second try. Tests of the product run it against a running Belay.
//
//	notify -name DiskFull [-resolved] < alertmanager.yml
//
// It ends with 0 when each receiver was content with what it heard, else with 1 and a line for each that was not.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/config/receiver"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"
)

func main() {
	name := flag.String("name", "DiskFull", "alertname: it tells this alert from others")
	resolved := flag.Bool("resolved", false, "say that all is well again")
	flag.Parse()
	if err := say(*name, *resolved); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func say(name string, resolved bool) error {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	conf, err := config.Load(string(text))
	if err != nil {
		return fmt.Errorf("read alertmanager.yml: %w", err)
	}
	templates, err := template.FromGlobs(nil)
	if err != nil {
		return err
	}
	templates.ExternalURL = &url.URL{Scheme: "http", Host: "alertmanager.example:9093"}

	now := time.Now()
	labels := model.LabelSet{"alertname": model.LabelValue(name), "instance": "db-1", "severity": "critical"}
	said := model.Alert{
		Labels: labels, Annotations: model.LabelSet{"summary": model.LabelValue(name + " on db-1")},
		StartsAt: now.Add(-time.Minute), EndsAt: now.Add(time.Hour), GeneratorURL: "http://prometheus.example/graph",
	}
	reason := notify.ReasonFirstNotification
	if resolved {
		said.EndsAt, reason = now.Add(-time.Second), notify.ReasonAllAlertsResolved
	}

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ctx = notify.WithGroupKey(ctx, fmt.Sprintf("{}:{alertname=%q}", name))
	ctx = notify.WithGroupLabels(ctx, model.LabelSet{"alertname": labels["alertname"]})
	ctx = notify.WithReceiverName(ctx, "belay")
	ctx = notify.WithNow(ctx, now)
	ctx = notify.WithRepeatInterval(ctx, time.Hour)
	ctx = notify.WithNotificationReason(ctx, reason)

	refused := 0
	for _, r := range conf.Receivers {
		integrations, err := receiver.BuildReceiverIntegrations(r, templates, slog.New(slog.DiscardHandler))
		if err != nil {
			return fmt.Errorf("receiver %s: %w", r.Name, err)
		}
		for _, i := range integrations {
			if verdict := i.Notify(ctx, alert.New(said, now, false)); verdict.Err() != nil {
				refused++
				fmt.Printf("%s: again: %t: %v\n", i.String(), verdict.ShouldRetry(), verdict.Err())
			}
		}
	}
	if refused > 0 {
		return fmt.Errorf("%d receivers were refused", refused)
	}
	return nil
}
