#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Writes rust-project.json for editors.

. "${BASH_SOURCE[0]%/*}/common.sh"

# The kernel's generator knows a crate by a Kbuild file beside its root, where we have none.
view=$(mktemp -d)
trap 'rm -rf "$view"' EXIT
echo 'obj-m := iomd.o' >"$view/Kbuild"
ln -s "$checkout/rust/iomd.rs" "$view"
"$qemu_dir/module.sh" rust-analyzer M="$view" >&2

# Editors see the toolchain root from outside.
root=''
if [[ ! ${KDIR-} ]]; then
	root=$("$qemu_dir/toolchain.sh")
fi
sed -e "s|\"iomd.rs\"|\"$checkout/rust/iomd.rs\"|" -e "s|\"/usr\([/\"]\)|\"$root/usr\1|" "$view/rust-project.json" \
	>"$checkout/rust-project.json"
