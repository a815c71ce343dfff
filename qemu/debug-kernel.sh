#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Prints the directory of the debug kernel: the stock kernel's source as debug.config wants it, and
# built by clang, since only what clang built lets KASAN see into Rust. What is in there goes by the
# names that kernel.sh gives it:
#
#   vmlinuz     the image (an ELF file)             linux/      the source tree: the KDIR
#   System.map  its symbols                         release     RELEASE, what uname -r prints
#   modules/    its modules (lib/modules/RELEASE)   version     Debian's version of the source

. "${BASH_SOURCE[0]%/*}/common.sh"

# A build that was interrupted is gone on with: this directory outlives it, with what it is for.
building=$cache/debug-kernel.building

make_in_root() {
	"$qemu_dir/enter.sh" make -C "$building/linux" -j"$(nproc)" LLVM=1 \
		KBUILD_BUILD_USER=iomd KBUILD_BUILD_HOST=debug "$@"
}

build() {
	local entry=$1 linux=$building/linux release
	if [[ ! -d $linux || $(cat "$building/key" 2>/dev/null) != "$key" ]]; then
		rm -rf "$building"
		mkdir -p "$building"
		# The same files under other names. What make writes it writes anew, and mrproper
		# unlinks what was made for the stock kernel.
		cp -al "$kernel/linux" "$linux"
		make_in_root mrproper
		cp "$qemu_dir/debug.config" "$building/debug.config"
		make_in_root allnoconfig KCONFIG_ALLCONFIG="$building/debug.config"
		check_config
		echo "$key" >"$building/key"
	fi
	make_in_root vmlinux modules

	release=$(<"$linux/include/config/kernel.release")
	make_in_root modules_install INSTALL_MOD_PATH="$building/modules"
	rm -f "$building/modules/lib/modules/$release/build"
	"$qemu_dir/enter.sh" llvm-strip -o "$building/vmlinuz" "$linux/vmlinux"
	cp "$linux/System.map" "$building"
	# Modules need neither the kernel's objects nor make's notes on them.
	find "$linux" -type f '(' -name '*.o' -o -name '*.a' -o -name '.*.cmd' -o -name '.tmp_*' -o -name vmlinux ')' -delete
	mv "$building"/{vmlinuz,System.map,modules,linux} "$entry"
	echo "$release" >"$entry/release"
	cp "$kernel/version" "$entry/version"
	rm -rf "$building"
}

# What depends on something that is off, or is called otherwise in this kernel, is silently left out
# of a configuration.
check_config() {
	local line missing=0
	while read -r line; do
		[[ $line == *CONFIG_* ]] || continue
		grep -q -x -F "$line" "$building/linux/.config" || {
			echo "the configuration came out without: $line"
			missing=1
		}
	done <"$qemu_dir/debug.config"
	return "$missing"
}

kernel=$("$qemu_dir/kernel.sh")
root=$("$qemu_dir/toolchain.sh")
# By its compilers and not by all that is in the toolchain root: this takes long to build.
compilers=$(grep -E '^(bindgen|clang-19|lld-19|rustc)[[:space:]]' "$root/packages")
key="$(cat "$kernel/version" "$qemu_dir/source-excluded" "$qemu_dir/debug.config") $compilers
$(source_of "${BASH_SOURCE[0]}" build make_in_root)"
step debug-kernel "$key" build
