#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# module.sh ARGUMENT...: the kernel's make for the module, with KDIR's kernel on this machine, or,
# where KDIR is not set, with the stock kernel in the toolchain root; with the debug kernel instead
# if IOMD_KERNEL is debug, and then in a copy, debug/. The compiler is the one that the kernel was
# built with.

. "${BASH_SOURCE[0]%/*}/common.sh"

kernel=${IOMD_KERNEL:-stock} source=$checkout
if [[ ${KDIR-} ]]; then
	kernel=''
	enter=()
	"$qemu_dir/probe.sh" "$KDIR" >&2
else
	enter=("$qemu_dir/enter.sh")
	KDIR=$(kernel_named "$kernel")/linux
	# What tests need besides is never installed.
	[[ " $* " == *" modules_install "* ]] || set -- IOMD_PEERS=m "$@"
fi

config=$KDIR/include/config/auto.conf
compiler=()
if grep -q -s '^CONFIG_CC_IS_CLANG=y' "$config"; then
	compiler=(LLVM=1)
else
	gcc=$(sed -n 's/^CONFIG_CC_VERSION_TEXT="\?\([^ ]*\).*/\1/p' "$config")
	if "${enter[@]}" "$gcc" --version >/dev/null 2>&1; then
		compiler=(CC="$gcc")
	fi
fi

line_numbers=()
if [[ $kernel == debug ]]; then
	source=$checkout/debug
	mkdir -p "$source"
	# Who looks at what code ran wants to know its lines. The kernel itself has none.
	line_numbers=(KRUSTFLAGS=-Cdebuginfo=line-tables-only)
fi

# One build at a time; the lock goes with make.
exec {lock}<"$source"
flock "$lock"

# Objects elsewhere (MO=) would not do: make would take those that are beside the source for them.
if [[ $kernel == debug ]]; then
	"${enter[@]}" rsync -a --relative --delete --exclude-from="$checkout/.gitignore" \
		"$checkout/./"{Kbuild,include,rust,qemu/peers} "$source"
fi

# A BTF section needs a vmlinux, which Debian has none of; the message about that helps nobody.
exec "${enter[@]}" make -C "$KDIR" M="$source" --no-print-directory "${compiler[@]}" "${line_numbers[@]}" "$@" \
	2> >(exec grep --line-buffered -v '^Skipping BTF generation' >&2)
