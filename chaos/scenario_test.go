package chaos

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEveryScenarioCanBeRead(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Scenarios() {
		require.False(t, seen[s.Name], s.Name)
		seen[s.Name] = true
		for _, text := range []string{s.Long, s.Short} {
			_, err := Read(text)
			require.NoError(t, err, s.Name)
		}
		require.NotEmpty(t, s.Long, s.Name)
		require.NotEmpty(t, s.About, s.Name)
	}
	_, err := Read("load 4/s\nbrake everything")
	require.ErrorContains(t, err, `line 2: no verb is called "brake"`)
}

func TestARungIsReadFromTheKeyOfAMessage(t *testing.T) {
	for key, want := range map[string]int{
		"E-1/t1/hook0/hook/1": 1, "E-1/t2/text0/mobile/2": 2, "E-1/t3/hook1/hook/4": 3, "E-1/t3/spare0/hook/5": 4, "E-1/t4/last/hook/6": 5,
		"E-1/told/hook0/hook/7": 0, "nonsense": 0,
	} {
		require.Equal(t, want, rungOf(key), key)
	}
	require.Equal(t, "E-1/t2/text0/mobile", stepOf("E-1/t2/text0/mobile/2"))
}

func TestALineHoldsCutsAndHeals(t *testing.T) {
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer echo.Close()
	go func() {
		for {
			c, err := echo.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
		}
	}()
	l, err := connect("127.0.0.1:0", echo.Addr().String())
	require.NoError(t, err)
	defer l.close()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", l.listener.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	says := func(c net.Conn, patience time.Duration) error {
		_, _ = c.Write([]byte("x"))
		_ = c.SetReadDeadline(time.Now().Add(patience))
		_, err := io.ReadFull(c, make([]byte, 1))
		return err
	}
	first := dial()
	require.NoError(t, says(first, time.Minute))

	l.turn(hold)
	require.Error(t, says(first, 50*time.Millisecond))
	l.turn(carry)
	_ = first.SetReadDeadline(time.Now().Add(time.Minute))
	_, err = io.ReadFull(first, make([]byte, 1))
	require.NoError(t, err, "what was held arrives")

	l.turn(drop)
	require.Error(t, says(first, time.Minute))
	require.Error(t, says(dial(), time.Minute))
	l.turn(carry)
	require.NoError(t, says(dial(), time.Minute))
}

func TestAMissedRowFailsTheReport(t *testing.T) {
	report := Report{figure("a", 0, "mistakes").atMost(0), figure("b-late", 4.2, "s").atMost(5), figure("c", 9, "alerts"), skip("d", "no disk")[0]}
	require.True(t, report.OK())
	require.False(t, append(report, figure("e", 1, "mistakes").atMost(0)).OK())
	require.False(t, Report{}.broken("f", fmt.Errorf("no stack")).OK())
	var out bytes.Buffer
	require.NoError(t, report.Write(&out))
	require.Contains(t, out.String(), "skipped: no disk")
}

func TestPeopleUnderstandTheirAnswers(t *testing.T) {
	for text, want := range map[string]taken{
		"You have E-7. Next update due 14:02.":             theirs,
		"Ana has had E-7 since 14:01.":                     theirs,
		"E-7: received; E-7 has not confirmed it yet":      later,
		"That could not be taken just now. Try once more.": no,
	} {
		require.Equal(t, want, wordsOf(text), text)
	}
}
