#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# bench.sh [ARGUMENT...]: runs `iomdctl bench ARGUMENT...` beside the floor module on the stock kernel:
# with IOMD_BENCH=count, the default, on one processor that counts instructions, else on two as they are.
# IOMD_BENCH_PAGES is how many pages large works are about (16384); those with pieces of 2 MiB are about
# four times as many, and a redirect of such about sixteen times: of 1 GiB.

. "${BASH_SOURCE[0]%/*}/common.sh"
cd "$checkout"

floor=$checkout/tools/bench/floor pages=${IOMD_BENCH_PAGES:-16384}
"$qemu_dir/module.sh" modules >/dev/null
"$qemu_dir/module.sh" modules M="$floor" >/dev/null
(cd tools && "$qemu_dir/enter.sh" cargo build --release --quiet --package iomdctl)

options=()
[[ ${IOMD_BENCH:-count} != count ]] || options=(--count)
# For what is mapped in pieces, of several contestants at once.
export IOMD_GUEST_MEMORY=${IOMD_GUEST_MEMORY:-8G}
# A guest that has just started still has much to do of its own.
# shellcheck disable=SC2016 # the guest's shell expands it
exec "$qemu_dir/run.sh" "${options[@]}" \
	--with "$floor/iomd_floor.ko:/iomd_floor.ko" \
	--with "$checkout/tools/bench/ratios.json:/ratios.json" \
	--with "$checkout/tools/target/x86_64-unknown-linux-gnu/release/iomdctl:/bin/iomdctl" \
	-- sh -c 'insmod /iomd_floor.ko "pages=$1" "large_pages=$(($1 * 16))" && sleep 8 && shift && exec iomdctl bench "$@"' \
	bench "$pages" --pages "$pages" "$@"
