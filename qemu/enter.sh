#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# enter.sh COMMAND...: runs a command in the toolchain root, in the same directory. The checkout,
# the cache and /tmp are there under their own names; nothing else of the host's files is. Needs no
# privilege: an ordinary user gets a user namespace, in which mounts are theirs to make.

. "${BASH_SOURCE[0]%/*}/common.sh"

if [[ ${IOMD_INSIDE-} ]]; then
	exec "$@"
fi

root=$("$qemu_dir/toolchain.sh")
mkdir -p "$cache/cargo"

# What a command may need to know of its caller's surroundings, and no more.
keep=()
while IFS='=' read -r -d '' name value; do
	case $name in
	CARGO_HOME | CARGO_TARGET_DIR | CARGO_HTTP_CAINFO) ;; # are other places in the root
	TERM | COLUMNS | CI | CARGO_* | RUST_* | PROPTEST_* | LOOM_* | IOMD_* | MAKEFLAGS | *_proxy | *_PROXY)
		keep+=("$name=$value")
		;;
	esac
done </proc/self/environ

ca=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
namespace=(--mount)
((EUID == 0)) || namespace+=(--user --map-root-user)

# The mounts are private to this command and go when it goes.
# shellcheck disable=SC2016 # the inner shell expands these
exec unshare "${namespace[@]}" /bin/bash -euc '
	root=$1 checkout=$2 cache=$3 ca=$4 cwd=$PWD
	shift 4
	bind() {
		mount "$1" "$2" "$root$2" 2>/dev/null || {
			echo "iomd: cannot bind $2 into the toolchain root (mount namespaces are restricted here)" >&2
			exit 125
		}
	}
	for dir in /dev /proc /sys; do
		bind --rbind "$dir"
	done
	bind --bind /tmp
	for dir in "$checkout" "$cache"; do
		mkdir -p "$root$dir"
		bind --bind "$dir"
	done
	for file in "$ca" /etc/resolv.conf; do
		target=$root/etc/resolv.conf
		[ "$file" = "$ca" ] && target=$root/etc/ssl/certs/ca-certificates.crt
		[ -r "$file" ] && mount --bind "$(readlink -f "$file")" "$target"
	done
	exec chroot "$root" /usr/bin/env -i "$@"
' enter.sh "$root" "$checkout" "$cache" "$ca" \
	"${keep[@]}" HOME=/root PATH=/usr/local/bin:/usr/lib/llvm-19/bin:/usr/sbin:/usr/bin LC_ALL=C.UTF-8 \
	IOMD_INSIDE=1 IOMD_CACHE="$cache" CARGO_HOME="$cache/cargo" \
	/bin/sh -c 'cd "$0" && exec "$@"' "$PWD" "$@"
