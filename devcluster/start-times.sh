#!/usr/bin/env bash
# Prints how many seconds `up` takes with each of the binaries, by turns, and the medians:
#
#	devcluster/start-times.sh OLD NEW [N]      # N times each, 9 by default
#
# UP has the flags of up, such as UP=--no-controller-manager.
set -euo pipefail
[ $# -ge 2 ] || { sed -n 's/^# \{0,1\}//p' "$0" | sed 1d >&2; exit 2; }
old=$1 new=$2 n=${3:-9}

once() {
	local begin line
	# shellcheck disable=SC2086 # UP is words
	coproc cluster { exec "$1" up --control ${UP:-} 2>/dev/null; }
	local pid=$cluster_PID in=${cluster[1]}
	begin=$EPOCHREALTIME
	read -r line <&"${cluster[0]}"
	awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f\n", b - a }'
	exec {in}>&-
	wait "$pid"
}

echo "load before: $(cut -d' ' -f1-3 /proc/loadavg 2>/dev/null || uptime)"
olds=() news=()
for ((i = 0; i < n; i++)); do
	olds+=("$(once "$old")")
	news+=("$(once "$new")")
	echo "${olds[-1]} ${news[-1]}"
done
median() { printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"; }
echo "median: $(median "${olds[@]}") s, $(median "${news[@]}") s"
echo "load after: $(cut -d' ' -f1-3 /proc/loadavg 2>/dev/null || uptime)"
