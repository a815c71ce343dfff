#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Prints the directory of the stock kernel that modules are built for and tested on: Debian's own
# image, and its source made ready for building Rust modules, which Debian's headers are not.
#
#   vmlinuz     the image, as Debian ships it       linux/      the source tree: the KDIR
#   System.map  its symbols                         release     RELEASE, what uname -r prints
#   modules/    its modules (lib/modules/RELEASE)   version     Debian's version of all this
#
# Which version it is was decided once and is on record in the cache, so that all builds agree and
# none needs the network; "kernel.sh --update" takes what is newest now.

. "${BASH_SOURCE[0]%/*}/common.sh"

series=7.3
flavour=cloud-amd64
suite=trixie-backports
# Debian keeps every archive that ever was. At this time it held a kernel that is known to do.
snapshot=http://snapshot.debian.org/archive/debian/20261121T000000Z

record=$cache/kernel.version

# What is needed of a kernel RELEASE, by package name.
packages_of() {
	echo "linux-source-$series linux-headers-$1 linux-binary-$1 linux-modules-$1 linux-base-$1"
}

# apt_in_root TOOL ARGUMENT...: one of apt's tools in the toolchain root, with lists of its own.
apt_in_root() {
	local tool=$1 options=(-q) proxy
	shift
	while read -r proxy; do
		options+=(-o "${proxy/ /=}")
	done < <(apt_proxies)
	"$qemu_dir/enter.sh" "$tool" "${options[@]}" -o "Dir::State::Lists=$apt/lists" \
		-o "Dir::Cache=$apt/cache" -o "Dir::Etc::SourceList=$apt/sources.list" \
		-o Dir::Etc::SourceParts=/dev/null "$@"
}

# Reads "package | version | ..." lines; prints "RELEASE VERSION" of the newest complete kernel.
newest_complete() {
	local name version release part best=''
	declare -A have=()
	while IFS=' |' read -r name version _; do
		have[$name=$version]=1
	done
	for part in "${!have[@]}"; do
		[[ $part == linux-headers-* ]] || continue
		release=${part%=*}
		release=${release#linux-headers-}
		version=${part##*=}
		for name in $(packages_of "$release"); do
			[[ ${have[$name=$version]-} ]] || continue 2
		done
		if [[ ! $best ]] || dpkg --compare-versions "$version" gt "${best#* }"; then
			best="$release $version"
		fi
	done
	echo "$best"
}

# resolve SOURCE-LINE prints "RELEASE VERSION" of the newest kernel there, or nothing.
resolve() {
	local names
	echo "$1" >"$apt/sources.list"
	apt_in_root apt-get update --error-on=any >"$cache/logs/apt.log" 2>&1 || return 0
	apt_in_root apt-cache pkgnames linux- | sort >"$apt/seen"
	names=$(grep -E "^linux-(source-$series|[a-z]+-$series\..*-$flavour)\$" "$apt/seen" || true)
	# shellcheck disable=SC2086 # a list of words
	[[ ! $names ]] || apt_in_root apt-cache madison $names | newest_complete
}

# Decides on the version and puts it on record, with the archive that has it.
decide() {
	local line found seen
	# The root's own line names the mirror it came from.
	line=$(sed -n "s/^\(deb .*\) ${suite%-backports} /\1 $suite /p" "$root/etc/apt/sources.list" | head -n 1)
	if [[ ${IOMD_MIRROR-} ]]; then
		line="deb $IOMD_MIRROR $suite main"
	fi
	say "kernel: looking for the newest $series in $suite"
	found=$(resolve "$line")
	if [[ ! $found ]]; then
		seen=$(grep -E -s '^linux-(source-[0-9.]+|headers-.*-cloud-amd64)$' "$apt/seen" | paste -s -d ' ')
		say "kernel: not there; asking Debian's snapshot archive"
		# A snapshot's signature has long expired, which is no reason against it here.
		line="deb [check-valid-until=no] $snapshot $suite main"
		found=$(resolve "$line")
		[[ $found ]] || die "no complete linux $series $flavour (source, headers, binary, modules" \
			"of one version) in $suite, which has: ${seen:-no kernel}; nor could one be had from $snapshot (apt said: $cache/logs/apt.log)"
	fi
	printf '%s\n' "$found" "$line" >"$record.part"
	mv "$record.part" "$record"
}

# Whether the archive on record still has the version on record.
still_there() {
	local names=() name
	for name in $(packages_of "$release"); do
		names+=("$name=$version")
	done
	echo "$source_line" >"$apt/sources.list"
	apt_in_root apt-get update >"$cache/logs/apt.log" 2>&1 || return
	apt_in_root apt-get download --print-uris "${names[@]}" >/dev/null 2>&1
}

read_record() {
	{
		read -r release version
		read -r source_line
	} <"$record"
	key="$release $version ${root##*/} $(cat "$qemu_dir/source-excluded") $(source_of "${BASH_SOURCE[0]}" build make_in_root)"
}

build() {
	local entry=$1 package deb=$1/deb linux=$1/linux headers=$1/deb/usr/src/linux-headers-$release
	mkdir -p "$deb" "$linux" "$apt/lists/partial" "$apt/cache/archives/partial"
	echo "$source_line" >"$apt/sources.list"
	echo "fetching Debian's packages"
	fetch "$deb"
	# The image, its symbols, its modules and their index all go to usr/lib/modules/RELEASE.
	for package in binary base modules headers; do
		"$qemu_dir/enter.sh" dpkg-deb --fsys-tarfile "$deb/linux-$package-${release}_"*.deb |
			tar -x -C "$deb" --no-same-owner
	done
	mkdir -p "$entry/modules/lib"
	rm -r "$deb/usr/lib/modules/$release/"{build,source}
	mv "$deb/usr/lib/modules" "$entry/modules/lib/"
	mv "$entry/modules/lib/modules/$release/"{vmlinuz,System.map} "$entry"
	"$qemu_dir/enter.sh" depmod -b "$entry/modules" "$release"

	echo "unpacking the source"
	# Without what no module of ours can need, which is more than half of it.
	"$qemu_dir/enter.sh" bash -euo pipefail -c "
		dpkg-deb --fsys-tarfile $deb/linux-source-*.deb |
			tar -x --to-stdout ./usr/src/linux-source-$series.tar.xz | xz -dc -T0 |
			tar -x -C $linux --strip-components=1 --no-same-owner --exclude-from=$qemu_dir/source-excluded"
	cp "$headers/.config" "$linux/.config"
	echo "building what Rust modules need"
	make_in_root prepare modules_prepare
	cp "$headers/Module.symvers" "$linux/Module.symvers"
	check_config "$headers/.config"
	check_symbols
	rm -rf "$deb"
	echo "$release" >"$entry/release"
	echo "$version" >"$entry/version"
}

make_in_root() {
	# The compiler goes by the name that Debian's configuration has for it.
	"$qemu_dir/enter.sh" make -C "$linux" -j"$(nproc)" CC=x86_64-linux-gnu-gcc-14 KERNELRELEASE="$release" "$@"
}

# fetch DIRECTORY: the packages, by version.
fetch() {
	local names=() name
	for name in $(packages_of "$release"); do
		names+=("$name=$version")
	done
	cd "$1" || return
	apt_in_root apt-get download "${names[@]}"
}

# The configuration must not have been changed by a tool that we have in another version.
check_config() {
	if ! diff "$1" "$linux/.config"; then
		echo "the kernel's configuration did not survive: see the differences above"
	fi
}

# A module is linked by name to Rust functions in the kernel, so our build of the kernel crate must
# have given them the names that Debian's has.
check_symbols() {
	local ours theirs missing
	ours=$(sed -n 's/^EXPORT_SYMBOL_RUST_GPL(\(.*\));$/\1/p' "$linux"/rust/exports_*_generated.h | sort -u)
	theirs=$(cut -f 2 "$linux/Module.symvers" | sort -u)
	missing=$(comm -23 <(echo "$ours") <(echo "$theirs"))
	echo "$(wc -l <<<"$ours") Rust symbols, of which Debian's kernel lacks $(grep -c . <<<"$missing" || true)"
	[[ ! $missing ]] || {
		echo "$missing" | head -n 5
		return 1
	}
}

root=$("$qemu_dir/toolchain.sh")
apt=$cache/apt
if [[ ${1-} == --update ]]; then
	rm -f "$record"
fi
if [[ -e $record ]]; then
	read_record
fi
if [[ ! -e $record || ! -d $(entry kernel "$key") ]]; then
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$cache/logs"
	exec {deciding}>>"$cache/kernel-version.lock"
	flock "$deciding"
	if [[ ! -e $record ]] || ! { read_record && still_there; }; then
		decide
		read_record
	fi
	exec {deciding}>&-
	say "kernel: Debian's linux $version ($release)"
fi
step kernel "$key" build
