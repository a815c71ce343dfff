#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Whether iomd takes longer now, as a multiple of the floor, than tools/bench/ratios.json says. --record
# writes that file anew instead.

. "${BASH_SOURCE[0]%/*}/common.sh"

ratios=$checkout/tools/bench/ratios.json
# What takes little, and has a floor. Where a tick of the clock falls into is not the median.
export IOMD_BENCH_PAGES=2048 IOMD_GUEST_MEMORY=${IOMD_GUEST_MEMORY:-4G}
works=(--rounds 9 touch redirect suspend unpinnable large pager copy)

if [[ ${1-} == --record ]]; then
	new=$("$qemu_dir/bench.sh" --ratios "${works[@]}" 2>/dev/null)
	printf '%s\n' "$new" >"$ratios"
else
	"$qemu_dir/bench.sh" --check /ratios.json "${works[@]}"
fi
