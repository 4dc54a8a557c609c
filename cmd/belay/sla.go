package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/belayhq/belay/app"
	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/calendar"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
)

// arithmetic is what a measuring command is asked.
type arithmetic struct {
	calendar, start, target, from, to string
	pauses                            []string
	json                              bool
}

func serviceLevels() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sla",
		Short: "Service levels: when a promise is due, and how much of it is used",
		Long: "Working time on a calendar. Hours are local wall time; what is counted between opening and closing is real elapsed\n" +
			"time, so a night in which an hour is skipped or repeated counts one hour less or more. A target that is used up\n" +
			"exactly at closing is due at closing.",
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(slaDue(), slaElapsed(), slaRecalculate())
	return cmd
}

func slaDue() *cobra.Command {
	var a arithmetic
	cmd := &cobra.Command{
		Use:   "due",
		Short: "Say when a target is used up",
		Long: "Print the instant, in UTC, at which so much working time has passed since the start. The file holds one calendar:\n\n" +
			"  time_zone: Europe/Berlin\n" +
			"  hours: {mon: [[\"09:00\", \"12:00\"], [\"13:00\", \"24:00\"]]}\n" +
			"  holidays: [\"2026-12-24\", \"12-25\"]\n" +
			"  shifts: {\"2026-12-31\": [[\"09:00\", \"12:00\"]]}    # instead of the usual hours\n" +
			"  breaks: {\"2026-12-30\": [[\"10:00\", \"10:30\"]]}    # out of the usual hours",
		Example: "  belay sla due --calendar office.yaml --start 2026-03-27T16:30:00+01:00 --target 4h",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.due(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&a.calendar, "calendar", "", "file with one calendar (YAML)")
	flags.StringVar(&a.start, "start", "", "when the clock starts, as 2026-03-27T16:30:00+01:00")
	flags.StringVar(&a.target, "target", "", "working time, as 14400s, 4h or 1h30m")
	flags.StringArrayVar(&a.pauses, "pause", nil, "FROM/TO while the clock stands, in order; may be given again")
	output(cmd, &a.json)
	needs(cmd, "calendar", "start", "target")
	return cmd
}

func slaElapsed() *cobra.Command {
	var a arithmetic
	cmd := &cobra.Command{
		Use:     "elapsed",
		Short:   "Say how much working time lies between two instants",
		Long:    "Print the working time between two instants, to the nearest second (-o json has the fraction). `belay sla due --help` shows the calendar.",
		Example: "  belay sla elapsed --calendar office.yaml --from 2026-03-27T16:30:00+01:00 --to 2026-03-30T09:30:00+02:00",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.elapsed(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&a.calendar, "calendar", "", "file with one calendar (YAML)")
	flags.StringVar(&a.from, "from", "", "first instant, as 2026-03-27T16:30:00+01:00")
	flags.StringVar(&a.to, "to", "", "last instant")
	output(cmd, &a.json)
	needs(cmd, "calendar", "from", "to")
	return cmd
}

func needs(cmd *cobra.Command, flags ...string) {
	for _, name := range flags {
		_ = cmd.MarkFlagRequired(name)
	}
}

func (a *arithmetic) due(cmd *cobra.Command) error {
	hours, err := a.hours()
	if err != nil {
		return err
	}
	start, err := instantOf("--start", a.start)
	if err != nil {
		return err
	}
	target, err := amountOf("--target", a.target)
	if err != nil {
		return err
	}
	from, left := start, target
	for _, pause := range a.pauses {
		begin, end, err := pauseOf(pause, from)
		if err != nil {
			return err
		}
		used := calendar.Elapsed(hours, from, begin)
		if used >= left {
			break // it was due before this pause
		}
		from, left = end, left-used
	}
	due, err := calendar.Due(hours, from, left)
	if err != nil {
		return err
	}
	if a.json {
		return write(cmd, map[string]any{"start": start.UTC(), "target_seconds": target.Seconds(), "due_at": due})
	}
	fmt.Fprintln(cmd.OutOrStdout(), due.Format(time.RFC3339Nano))
	return nil
}

func (a *arithmetic) elapsed(cmd *cobra.Command) error {
	hours, err := a.hours()
	if err != nil {
		return err
	}
	from, err := instantOf("--from", a.from)
	if err != nil {
		return err
	}
	to, err := instantOf("--to", a.to)
	if err != nil {
		return err
	}
	if to.Before(from) {
		return fault.New(fault.Invalid, "--to: %s is before --from %s", a.to, a.from)
	}
	elapsed := calendar.Elapsed(hours, from, to)
	if a.json {
		return write(cmd, map[string]any{
			"from": from.UTC(), "to": to.UTC(), "elapsed_seconds": elapsed.Seconds(), "actual_seconds": to.Sub(from).Seconds(),
		})
	}
	fmt.Fprintln(cmd.OutOrStdout(), int64(elapsed.Round(time.Second)/time.Second))
	return nil
}

func (a *arithmetic) hours() (org.Calendar, error) {
	content, err := os.ReadFile(a.calendar)
	if err != nil {
		return org.Calendar{}, fmt.Errorf("--calendar: %w", err)
	}
	return blueprint.Hours(a.calendar, content, app.Zone)
}

func instantOf(flag, text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, strings.TrimSpace(text))
	if err != nil {
		return time.Time{}, fault.New(fault.Invalid, `%s: %q is not an instant: write "2026-03-27T16:30:00+01:00" or "2026-03-27T15:30:00Z"`, flag, text)
	}
	return at, nil
}

func amountOf(flag, text string) (time.Duration, error) {
	d, err := time.ParseDuration(strings.TrimSpace(text))
	switch {
	case err != nil:
		return 0, fault.New(fault.Invalid, `%s: %q is not an amount of time: write "14400s", "4h" or "1h30m"`, flag, text)
	case d < 0:
		return 0, fault.New(fault.Invalid, "%s: %s is negative", flag, text)
	}
	return d, nil
}

// pauseOf reads FROM/TO, which must not begin before the clock stood last.
func pauseOf(text string, after time.Time) (begin, end time.Time, err error) {
	first, second, found := strings.Cut(text, "/")
	if !found {
		return begin, end, fault.New(fault.Invalid, `--pause: %q is not FROM/TO, two instants with a slash between them`, text)
	}
	if begin, err = instantOf("--pause", first); err != nil {
		return begin, end, err
	}
	if end, err = instantOf("--pause", second); err != nil {
		return begin, end, err
	}
	if begin.Before(after) || end.Before(begin) {
		return begin, end, fault.New(fault.Invalid, "--pause: %q must follow the start and the pauses before it, and end after it began", text)
	}
	return begin, end, nil
}
