package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Process is one of an installation.
type Process struct {
	Name   string
	PID    int
	Family bool // with the processes it forked: PostgreSQL has one for each connection
}

// resident is the memory that a process has in use, in bytes. Of pages that several share each has its part, so that a
// family can be added up.
func resident(p Process) (int64, error) {
	pids := []int{p.PID}
	if p.Family {
		pids = append(pids, children(p.PID)...)
	}
	var all int64
	for i, pid := range pids {
		bytes, err := shareOf(pid)
		if err != nil && i == 0 {
			return 0, fmt.Errorf("weigh %s: %w", p.Name, err)
		}
		all += bytes // one that has just ended has none
	}
	return all, nil
}

// shareOf reads the proportional set size, in bytes.
func shareOf(pid int) (int64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(bytes.NewReader(raw))
	for lines.Scan() {
		if size, ok := strings.CutPrefix(lines.Text(), "Pss:"); ok {
			kilo, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(size, "kB")), 10, 64)
			return kilo << 10, err
		}
	}
	return 0, fmt.Errorf("process %d does not say", pid)
}

func children(parent int) []int {
	var found []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is a good one
	for _, path := range stats {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err == nil && parentOf(pid) == parent {
			found = append(found, pid)
		}
	}
	return found
}

// parentOf is zero when there is no such process.
func parentOf(pid int) int {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(raw), ") ") // the name may hold anything
	fields := strings.Fields(rest)
	if len(fields) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(fields[1])
	return parent
}
