package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const officeHours = `time_zone: Europe/Berlin
hours:
  mon: [["09:00", "17:00"]]
  tue: [["09:00", "17:00"]]
  wed: [["09:00", "12:00"], ["13:00", "24:00"]]
  thu: [["09:00", "17:00"]]
  fri: [["09:00", "17:00"]]
holidays: ["2026-05-14", 12-25]
holidays_yearly: ["01-01"]
shifts: {"2026-12-24": [["09:00", "12:00"]]}
breaks: {2026-03-31: [["10:00", "11:30"], ["16:00", "17:00"]]}
`

func office(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "office.yaml")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestDueAndElapsedPrintOneLine(t *testing.T) {
	file := office(t, officeHours)
	for _, scene := range []struct {
		want string
		args []string
	}{
		{"2026-03-30T10:30:00Z\n", []string{"due", "--start", "2026-03-27T16:30:00+01:00", "--target", "14400s"}}, // over the weekend in which the clock changes
		{"2026-03-31T08:00:00Z\n", []string{"due", "--start", "2026-03-31T09:00:00+02:00", "--target", "1h"}},     // used up as the break begins
		{"2026-03-31T09:30:01Z\n", []string{"due", "--start", "2026-03-31T09:00:00+02:00", "--target", "3601s"}},
		{"2026-05-15T07:30:00Z\n", []string{"due", "--start", "2026-05-13T23:30:00+02:00", "--target", "1h"}}, // Ascension
		{"2026-12-28T10:00:00Z\n", []string{"due", "--start", "2026-12-24T10:00:00+01:00", "--target", "4h"}},
		{"2026-12-28T10:00:00.25Z\n", []string{"due", "--start", "2026-12-24T10:00:00.25+01:00", "--target", "4h"}},
		{"2026-03-03T12:00:00Z\n", []string{"due", "--start", "2026-03-02T16:00:00+01:00", "--target", "4h", "--pause", "2026-03-02T18:00:00+01:00/2026-03-03T10:00:00+01:00"}},
		{"2026-03-03T08:00:00Z\n", []string{"due", "--start", "2026-03-02T18:00:00+01:00", "--target", "0s"}},
		{"5400\n", []string{"elapsed", "--from", "2026-03-27T16:00:00+01:00", "--to", "2026-03-30T09:30:00+02:00"}},
		{"1\n", []string{"elapsed", "--from", "2026-03-30T09:00:00.2+02:00", "--to", "2026-03-30T09:00:01+02:00"}},
		{"0\n", []string{"elapsed", "--from", "2026-01-01T00:00:00+01:00", "--to", "2026-01-02T00:00:00+01:00"}},
	} {
		out, err := belay(t, append(append([]string{"sla"}, scene.args...), "--calendar", file)...)
		require.NoError(t, err, scene.args)
		require.Equal(t, scene.want, out, scene.args)
	}
	out, err := belay(t, "sla", "elapsed", "--calendar", file, "--from", "2026-03-30T09:00:00.2+02:00", "--to", "2026-03-30T09:00:01+02:00", "-o", "json")
	require.NoError(t, err)
	require.JSONEq(t, `{"from":"2026-03-30T07:00:00.2Z","to":"2026-03-30T07:00:01Z","elapsed_seconds":0.8,"actual_seconds":0.8}`, out)
	out, err = belay(t, "sla", "due", "--calendar", file, "--start", "2026-03-30T09:00:00+02:00", "--target", "90m", "-o", "json")
	require.NoError(t, err)
	require.JSONEq(t, `{"start":"2026-03-30T07:00:00Z","target_seconds":5400,"due_at":"2026-03-30T08:30:00Z"}`, out)
}

func TestMeasuringSaysWhatWouldBeRight(t *testing.T) {
	due := func(content string, args ...string) string {
		_, err := belay(t, append([]string{"sla", "due", "--calendar", office(t, content)}, args...)...)
		require.Error(t, err)
		return err.Error()
	}
	right := []string{"--start", "2026-03-27T16:30:00Z", "--target", "4h"}
	require.Contains(t, due(officeHours, "--start", "yesterday", "--target", "4h"), `--start: "yesterday" is not an instant`)
	require.Contains(t, due(officeHours, "--start", "2026-03-27T16:30:00Z", "--target", "4"), `--target: "4" is not an amount of time`)
	require.Contains(t, due(officeHours, "--start", "2026-03-27T16:30:00Z", "--target", "-4h"), "negative")
	require.Contains(t, due(officeHours, append(right, "--pause", "now")...), "FROM/TO")
	require.Contains(t, due("time_zone: Mars/Olympus\nhours: {}\n", right...), `office.yaml:1:12: time_zone: "Mars/Olympus" is not a time zone`)
	require.Contains(t, due("time_zone: UTC\nhours: {mon: [[\"17:00\", \"09:00\"]]}\n", right...), "17:00 is not before 09:00")
	require.Contains(t, due("time_zone: UTC\nhours: {mon: [[\"9\", \"17:00\"]]}\n", right...), "hours.mon[0][0]")
	require.Contains(t, due("time_zone: UTC\nhours: {mon: [[\"09:00\"]]}\n", right...), "must be two times")
	require.Contains(t, due("time_zone: UTC\nhours: {moon: []}\n", right...), "hours.moon")
	require.Contains(t, due("time_zone: UTC\nhours: {}\n", right...), "does not open")
	require.Contains(t, due("time_zone: UTC\nhours: {}\nholidys: []\n", right...), `did you mean "holidays"`)
	require.Contains(t, due("time_zone: UTC\nhours: {}\nholidays_yearly: [\"2026-01-01\"]\n", right...), "month and day")
	require.Contains(t, due("", right...), "must hold one calendar")
	require.Contains(t, due("- a\n", right...), "mapping")
	_, err := belay(t, "sla", "elapsed", "--calendar", office(t, officeHours), "--from", "2026-03-28T00:00:00Z", "--to", "2026-03-27T00:00:00Z")
	require.ErrorContains(t, err, "--to")
	_, err = belay(t, "sla", "elapsed", "--calendar", "/nowhere.yaml", "--from", "2026-03-28T00:00:00Z", "--to", "2026-03-28T00:00:00Z")
	require.ErrorContains(t, err, "--calendar")
	_, err = belay(t, "sla", "due")
	require.ErrorContains(t, err, "calendar")
}

// Every vector is asked of the command as anybody would ask it: one calendar in a file, instants as they are written.
func TestTheCommandAgreesWithWhatOtherProductsPrint(t *testing.T) {
	dir := os.Getenv("BELAY_REFERENCE")
	if fixtures := os.Getenv("BELAY_FIXTURES"); dir == "" && fixtures != "" {
		dir = filepath.Join(fixtures, "..", "reference")
	}
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "reference")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "sla-business-hours.yaml"))
	if err != nil {
		t.Skipf("the collection of published values is not here (set BELAY_REFERENCE to its directory): %v", err)
	}
	var ref struct {
		Calendars map[string]yaml.Node `yaml:"calendars"`
		Vectors   []struct {
			ID, Kind, Calendar, Start, End string
			Target                         float64     `yaml:"target_seconds"`
			Pauses                         [][2]string `yaml:"pauses"`
			Due                            string      `yaml:"expected_due"`
			Business                       float64     `yaml:"expected_business_seconds"`
		} `yaml:"vectors"`
	}
	require.NoError(t, yaml.Unmarshal(raw, &ref))
	require.Len(t, ref.Vectors, 64)
	for _, v := range ref.Vectors {
		t.Run(v.ID, func(t *testing.T) {
			one := ref.Calendars[v.Calendar]
			content, err := yaml.Marshal(&one)
			require.NoError(t, err)
			file := office(t, string(content))
			if v.Kind == "elapsed" {
				out, err := belay(t, "sla", "elapsed", "--calendar", file, "--from", v.Start, "--to", v.End)
				require.NoError(t, err)
				got, err := strconv.Atoi(strings.TrimSuffix(out, "\n"))
				require.NoError(t, err)
				require.InDelta(t, v.Business, got, 0.5)
				return
			}
			args := []string{"sla", "due", "--calendar", file, "--start", v.Start, "--target", strconv.FormatFloat(v.Target, 'f', -1, 64) + "s"}
			for _, p := range v.Pauses {
				args = append(args, "--pause", p[0]+"/"+p[1])
			}
			out, err := belay(t, args...)
			require.NoError(t, err)
			got, err := time.Parse(time.RFC3339Nano, strings.TrimSuffix(out, "\n"))
			require.NoError(t, err)
			want, err := time.Parse(time.RFC3339Nano, v.Due)
			require.NoError(t, err)
			require.True(t, want.Equal(got), "want %s, printed %s", want, got)
		})
	}
}
