#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# soak.sh [ROUNDS [SEED [ONLY]]]: so many rounds (default 100) of the stress test on the debug kernel
# (IOMD_KERNEL: another), with the seeds from SEED (default 1) on, or all with the seed ONLY, with as
# many processors as the host has, and at least four. A failure tells with which seed it comes again.

. "${BASH_SOURCE[0]%/*}/common.sh"
cd "$checkout"

export IOMD_KERNEL=${IOMD_KERNEL:-debug}
export IOMD_STRESS_ROUNDS=${1:-100}
export IOMD_STRESS_SEED=${2:-1}
[[ ! ${3-} ]] || export IOMD_STRESS_ONLY=$3
processors=$(nproc)
export IOMD_GUEST_PROCESSORS=${IOMD_GUEST_PROCESSORS:-$((processors < 4 ? 4 : processors > 8 ? 8 : processors))}
export IOMD_TIMEOUT=${IOMD_TIMEOUT:-$((900 + 30 * IOMD_STRESS_ROUNDS))}

"$qemu_dir/module.sh" modules >&2
cd tools
"$qemu_dir/enter.sh" cargo guest --quiet -- stress:: --nocapture
