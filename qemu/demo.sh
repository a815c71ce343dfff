#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Shows in a guest what iomd is for. Arguments go to "iomdctl demo".

. "${BASH_SOURCE[0]%/*}/common.sh"

"$qemu_dir/module.sh" modules >&2
cd "$checkout/tools"
exec "$qemu_dir/enter.sh" cargo --config "target.x86_64-unknown-linux-gnu.runner='../qemu/run.sh'" \
	run --release --package iomdctl -- demo "$@"
