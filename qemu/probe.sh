#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# probe.sh KDIR: what this kernel build directory, or this machine, lacks for building the module:
# a line each, with the remedy. Exit status 0 when nothing is.

. "${BASH_SOURCE[0]%/*}/common.sh"

kdir=${1:?usage: probe.sh KDIR}
config=$kdir/include/config/auto.conf
lacking=0

lacks() {
	echo "$kdir: $1: $2"
	lacking=1
}

# option NAME: its value in the configuration.
option() {
	sed -n "s/^CONFIG_$1=\"\?\([^\"]*\)\"\?\$/\1/p" "$config"
}

# compare WHAT THEIRS COMMAND...: whether this machine's tool is the one the kernel was built with.
compare() {
	local what=$1 theirs=$2 ours
	shift 2
	ours=$("$@" 2>/dev/null | head -n 1) || ours=none
	[[ $ours == "$theirs" ]] ||
		lacks "its $what is not this machine's" "it was built with '$theirs', here is '${ours:-none}': install that one, or rebuild the kernel"
}

if [[ ! -f $kdir/Makefile ]]; then
	lacks "no kernel build directory" "give KDIR=/path/to/linux (its O= directory if built with one)"
	exit 1
fi
if [[ ! -f $config ]]; then
	lacks "not configured" "run: make -C $kdir olddefconfig prepare modules_prepare"
	exit 1
fi

release=$(cat "$kdir/include/config/kernel.release" 2>/dev/null || true)
[[ $release =~ ^7\.3([.+-]|$) ]] ||
	lacks "linux ${release:-of no known version}" "the module is written for linux 7.3"
[[ $(option MODULES) == y ]] || lacks "CONFIG_MODULES is off" "rebuild the kernel with it"
if [[ $(option RUST) != y ]]; then
	lacks "CONFIG_RUST is off" "rebuild the kernel with it (make rustavailable says what that takes)"
else
	for crate in core kernel; do
		[[ -f $kdir/rust/lib$crate.rmeta ]] ||
			lacks "rust/lib$crate.rmeta is missing" "run: make -C $kdir prepare (distributions' header packages ship none; the set-up without KDIR builds it for Debian's)"
	done
	compare "Rust compiler" "$(option RUSTC_VERSION_TEXT)" rustc --version
	command -v bindgen >/dev/null || lacks "bindgen is missing" "install it (Debian: apt-get install bindgen)"
fi
[[ -s $kdir/Module.symvers ]] || lacks "Module.symvers is missing" "run: make -C $kdir (or copy the distribution's)"
cc=$(option CC_VERSION_TEXT)
if [[ $(option CC_IS_CLANG) == y ]]; then
	compare "C compiler" "$cc" clang --version
else
	compare "C compiler" "$cc" "${cc%% *}" --version
fi
exit "$lacking"
