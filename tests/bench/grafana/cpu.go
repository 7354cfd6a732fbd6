package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"google.golang.org/grpc"
)

// Clock ticks of a second in /proc: what USER_HZ is on every architecture that Linux runs on today.
const ticksPerSecond = 100

// cpuSeconds is what the process has used of all processors so far, in user mode and in the kernel.
func cpuSeconds(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The second field, a name in brackets, may hold spaces; utime and stime are the 14th and 15th.
	_, rest, found := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if !found || len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat is not as expected: %q", pid, text)
	}
	var ticks float64
	for _, field := range fields[11:13] {
		count, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/%d/stat is not as expected: %w", pid, err)
		}
		ticks += count
	}
	return ticks / ticksPerSecond, nil
}

func dialOptions() []grpc.DialOption {
	return []grpc.DialOption{grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageBytes))}
}
