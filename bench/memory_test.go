package bench

import (
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAFamilyIsWeighedWithItsChildren(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("memory is read from /proc")
	}
	child := exec.Command("sleep", "60")
	require.NoError(t, child.Start())
	defer func() { _ = child.Process.Kill(); _ = child.Wait() }()

	require.Equal(t, os.Getpid(), parentOf(child.Process.Pid))
	require.Contains(t, children(os.Getpid()), child.Process.Pid)
	own, err := resident(Process{Name: "we", PID: os.Getpid()})
	require.NoError(t, err)
	require.Greater(t, own, int64(1<<20))
	family, err := resident(Process{Name: "we", PID: os.Getpid(), Family: true})
	require.NoError(t, err)
	require.Greater(t, family, own/2, "the child weighs little, and shares are read anew")

	_, err = resident(Process{Name: "nobody", PID: 1 << 30})
	require.ErrorContains(t, err, "nobody")
}
