package calendar_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/calendar"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
)

func TestPublicHolidaysThatPeopleKnow(t *testing.T) {
	for _, scene := range []struct{ name, date, holiday string }{
		{"us", "2026-11-26", "Thanksgiving Day"},
		{"us", "2026-07-04", "Independence Day"},
		{"us", "2026-07-03", "Independence Day (observed)"},
		{"us", "2021-12-31", "New Year's Day (observed)"}, // of 2022
		{"gb", "2026-12-28", "Boxing Day (observed)"},
		{"gb", "2023-05-08", "Coronation of King Charles III"},
		{"de", "2026-10-03", "Tag der Deutschen Einheit"},
		{"de-by", "2026-01-06", "Heilige Drei Könige"},
		{"es", "2026-10-12", "Fiesta Nacional de España"},
		{"jp", "2026-05-05", ""},
		{"au-nsw", "2026-01-26", "Australia Day"},
		{"no", "2026-05-17", ""},
	} {
		t.Run(scene.name+" "+scene.date, func(t *testing.T) {
			on := date(t, scene.date)
			holidays, err := calendar.Public(scene.name, on.Year)
			require.NoError(t, err)
			var found []string
			for _, h := range holidays {
				require.Equal(t, on.Year, h.Date.Year)
				require.False(t, h.Yearly)
				require.NotEmpty(t, h.Name)
				if h.Date == on {
					found = append(found, h.Name)
				}
			}
			require.Len(t, found, 1)
			if scene.holiday != "" {
				require.Equal(t, scene.holiday, found[0])
			}
		})
	}
	bavaria, err := calendar.Public("de-by", 2026)
	require.NoError(t, err)
	all, err := calendar.Public("de", 2026)
	require.NoError(t, err)
	require.Greater(t, len(bavaria), len(all))
}

func TestEveryNameHasHolidaysInOrder(t *testing.T) {
	names := calendar.PublicNames()
	require.IsIncreasing(t, names)
	require.Contains(t, names, "ch-zh")
	for _, name := range names {
		for year := 1990; year <= 2040; year += 5 {
			holidays, err := calendar.Public(name, year)
			require.NoError(t, err, name)
			require.GreaterOrEqual(t, len(holidays), 5, "%s %d", name, year)
			seen := map[org.Date]bool{}
			previous := org.Date{}
			for _, h := range holidays {
				require.False(t, seen[h.Date], "%s %v twice", name, h)
				seen[h.Date] = true
				require.False(t, h.Date.Month < previous.Month || h.Date.Month == previous.Month && h.Date.Day < previous.Day)
				previous = h.Date
			}
		}
	}
}

func TestAnUnknownCountryIsNamed(t *testing.T) {
	for _, name := range []string{"", "atlantis", "US", "de_by", "us "} {
		_, err := calendar.Public(name, 2026)
		require.True(t, fault.Is(err, fault.Invalid))
		require.ErrorContains(t, err, "public_holidays")
		require.ErrorContains(t, err, "de-by")
	}
	_, err := calendar.Public("us", 0)
	require.True(t, fault.Is(err, fault.Invalid))
}
