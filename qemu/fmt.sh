#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fmt.sh [--check]: formats all Rust code, the module's as the kernel's own is.

. "${BASH_SOURCE[0]%/*}/common.sh"
cd "$checkout"

# rustfmt follows every mod, to the one that is generated too.
[[ -e rust/abi.rs ]] || "$qemu_dir/module.sh" modules >&2

kernel=$("$qemu_dir/kernel.sh")
find rust -name '*.rs' -print0 |
	xargs -0 "$qemu_dir/enter.sh" rustfmt --edition 2021 --config-path "$kernel/linux/.rustfmt.toml" "$@"
cd tools
"$qemu_dir/enter.sh" cargo fmt --all "$@"
