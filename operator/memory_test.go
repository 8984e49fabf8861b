package operator

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"
)

func TestTheMemoryLimitOfTheCgroup(t *testing.T) {
	type files map[string]string
	for _, tc := range []struct {
		name  string
		files files
		env   string
		want  int64 // what is set; 0 for nothing
		says  string
	}{
		{name: "version 2, in a container", files: files{"proc/self/cgroup": "0::/\n",
			"sys/fs/cgroup/memory.max": "1000000\n"}, want: 900_000, says: "memory limit set"},
		{name: "version 2, on a host", files: files{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.max": "1000000\n",
			"sys/fs/cgroup/a/b/memory.max": "max\n"}, want: 900_000, says: "file=/sys/fs/cgroup/a/memory.max"},
		{name: "the lowest counts", files: files{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.max": "1000000\n",
			"sys/fs/cgroup/a/b/memory.max": "2000000\n"}, want: 900_000},
		{name: "the path is the host's", files: files{"proc/self/cgroup": "0::/kubepods/pod1/c\n",
			"sys/fs/cgroup/memory.max": "1000000\n"}, want: 900_000},
		{name: "the path is above the root", files: files{"proc/self/cgroup": "0::/../../c\n",
			"sys/fs/cgroup/memory.max": "1000000\n"}, want: 900_000},
		{name: "version 1", files: files{"proc/self/cgroup": "12:cpu,cpuacct:/x\n5:memory:/docker/y\n0::/\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "1000000\n"}, want: 900_000},
		{name: "version 1 without a limit", files: files{"proc/self/cgroup": "5:memory:/\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, says: "the cgroup has none"},
		{name: "no limit", files: files{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"}, says: "the cgroup has none"},
		{name: "a limit that is no number", files: files{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "?"}, says: "the cgroup has none"},
		{name: "no file of a limit", files: files{"proc/self/cgroup": "0::/\n"}, says: "the cgroup has none"},
		{name: "no cgroups", says: "cannot be read"},
		{name: "no cgroup with memory", files: files{"proc/self/cgroup": "12:cpu:/\nnonsense\n"}, says: "cannot be read"},
		{name: "GOMEMLIMIT is set", env: "1GiB", files: files{"proc/self/cgroup": "0::/\n",
			"sys/fs/cgroup/memory.max": "1000000\n"}, says: "GOMEMLIMIT is set"},
	} {
		root := fstest.MapFS{}
		for name, data := range tc.files {
			root[name] = &fstest.MapFile{Data: []byte(data)}
		}
		var set int64
		var log bytes.Buffer
		got := limitMemory(slog.New(slog.NewTextHandler(&log, nil)), root, tc.env, func(n int64) int64 { set = n; return 0 })
		if got != tc.want || set != tc.want {
			t.Errorf("%s: returned %d and set %d, want %d", tc.name, got, set, tc.want)
		}
		if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), tc.says) {
			t.Errorf("%s: the log says %s", tc.name, &log)
		}
	}
}
