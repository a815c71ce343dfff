#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fuzz.sh [CALLS [SEED]]: makes so many random calls (default: as many as make test does) to the module
# on the debug kernel, and says which share of the module's lines they ran through. A program
# that the log of a failed run names is run again by IOMD_FUZZ_PROGRAM=... in the environment.

. "${BASH_SOURCE[0]%/*}/common.sh"
cd "$checkout"

export IOMD_KERNEL=debug
[[ ! ${1-} ]] || export IOMD_FUZZ_CALLS=$1
[[ ! ${2-} ]] || export IOMD_FUZZ_SEED=$2
export IOMD_TIMEOUT=${IOMD_TIMEOUT:-$((900 + ${1:-0}))}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$qemu_dir/module.sh" modules >&2
(cd tools && "$qemu_dir/enter.sh" cargo guest --quiet -- fuzz:: --include-ignored --nocapture) >"$work/output" || {
	grep -v '^fuzz place: ' "$work/output"
	exit 1
}
grep '^fuzz: ' "$work/output"

# The kernel is told of a place by a call in front of it: those that happened, and all there are.
sed -n 's/^fuzz place: //p' "$work/output" >"$work/reached"
while read -r offset; do
	printf '%x\n' $((16#$offset + 4))
done < <("$qemu_dir/enter.sh" readelf -rW debug/iomd.ko | awk '
	/^Relocation section/ { text = /\.rela\.text/ }
	text && $5 == "__sanitizer_cov_trace_pc" { print $1 }
') >"$work/all"

# lines FILE: the lines of the module's code where the places in it are, or what is inlined there.
lines() {
	"$qemu_dir/enter.sh" addr2line -i -e debug/iomd.ko -j .text <"$1" | grep -o '/debug/rust/.*:[0-9]\+' | sort -u
}
lines "$work/reached" >"$work/reached-lines"
lines "$work/all" >"$work/all-lines"
reached=$(wc -l <"$work/reached-lines") all=$(wc -l <"$work/all-lines")
((all)) || die "the module was built without line numbers"
printf 'fuzz: %d of %d places, in %d of %d lines (%d %%) of the module\n' "$(wc -l <"$work/reached")" \
	"$(wc -l <"$work/all")" "$reached" "$all" $((100 * reached / all))
