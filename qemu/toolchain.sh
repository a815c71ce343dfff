#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Prints the root of a Debian 13 system with the compilers and tools that everything is built and
# run with; makes it where it is missing. enter.sh runs commands in it.

. "${BASH_SOURCE[0]%/*}/common.sh"

suite=trixie
packages=(
	# the kernel's and its modules' build
	bc bison cpio dwarves flex gcc g++ kmod libc6-dev libdw-dev libelf-dev libssl-dev make
	perl python3-minimal rsync xz-utils zstd
	bindgen cargo clang-19 lld-19 llvm-19 rust-clippy rust-src rustc rustfmt
	# the guest
	busybox-static qemu-system-x86
	# checks
	python3-docutils shellcheck
	# the documentation
	furo python3-myst-parser python3-sphinx
	# fetching
	ca-certificates git
)
# The kernel's Rust symbols have the compiler's version in their names.
rustc_version=1.85.1

build() {
	local root=$1 options=()
	while read -r proxy; do
		options+=(--aptopt="$proxy")
	done < <(apt_proxies)
	if ((EUID)); then
		options+=(--mode=unshare)
	else
		options+=(--mode=root)
	fi
	# Root and an ordinary user go the same way, by a tar stream, so that who runs this owns (and
	# can remove) what comes out. Debian 13's own /tmp is a small tmpfs: not there.
	TMPDIR=${TMPDIR:-/var/tmp} mmdebstrap --variant=apt --format=tar "${options[@]}" \
		--include="$(IFS=,; echo "${packages[*]}")" \
		--aptopt='APT::Install-Recommends "false"' --aptopt='APT::Sandbox::User "root"' \
		--dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
		"$suite" - ${IOMD_MIRROR:+"$IOMD_MIRROR"} |
		tar -x -C "$root" --no-same-owner --exclude='./dev/*'
	# Made as an ordinary user's own, all of it must be open to that user.
	chmod -R u+rwX "$root"
	dpkg-query --admindir="$root/var/lib/dpkg" --show >"$root/packages"
	[[ $(sed -n 's/^rustc\t\([0-9.]*\).*/\1/p' "$root/packages") == "$rustc_version" ]] || {
		echo "Debian's $suite has rustc $(sed -n 's/^rustc\t//p' "$root/packages"), but its" \
			"kernel's Rust symbols are those of rustc $rustc_version"
		return 1
	}
}

# What the host itself must have: named when missing, installed when we may.
require_host_packages() {
	local missing=() name
	[[ $(command -v apt-get) ]] || die "this set-up needs a Debian system (apt-get is missing)"
	command -v mmdebstrap >/dev/null || missing+=(mmdebstrap)
	[[ -e /usr/share/keyrings/debian-archive-keyring.gpg ]] || missing+=(debian-archive-keyring)
	if ((EUID)); then
		command -v newuidmap >/dev/null || missing+=(uidmap)
	fi
	if ((${#missing[@]} && EUID)); then
		die "missing: ${missing[*]}. Install with: sudo apt-get install ${missing[*]}"
	elif ((${#missing[@]})); then
		say "toolchain: installing ${missing[*]} on this machine"
		mkdir -p "$cache/logs"
		{ apt-get update && DEBIAN_FRONTEND=noninteractive \
			apt-get install -y --no-install-recommends "${missing[@]}"; } \
			>"$cache/logs/host-packages.log" 2>&1 ||
			die "cannot install ${missing[*]}; see $cache/logs/host-packages.log"
	fi
	((EUID)) || return 0
	name=$(id -un)
	unshare --user --map-root-user true 2>/dev/null ||
		die "user namespaces are disabled here (sysctl kernel.unprivileged_userns_clone," \
			"user.max_user_namespaces): enable them, or run as root"
	{ grep -q "^$name:" /etc/subuid && grep -q "^$name:" /etc/subgid; } ||
		die "$name has no range in /etc/subuid and /etc/subgid. Add one with:" \
			"sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $name"
}

key="$suite ${packages[*]} $rustc_version $(source_of "${BASH_SOURCE[0]}" build)"
[[ -d $(entry toolchain "$key") ]] || require_host_packages
step toolchain "$key" build
