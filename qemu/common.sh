# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What the set-up scripts share: where the cache is, how people are told things, and step, the
# one way in which anything gets into the cache. Results go to stdout, words for people to stderr.

set -euo pipefail
shopt -s inherit_errexit

qemu_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
checkout=${qemu_dir%/*}
# enter.sh sets IOMD_CACHE, since in the root HOME is another.
cache=${IOMD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/iomd}
# The others read these.
export qemu_dir checkout cache

say() {
	printf '%s\n' "$*" >&2
}

die() {
	say "iomd: $*"
	exit 1
}

# source_of FILE FUNCTION... prints these functions of a script, less comments: what is made by them
# depends on them. (declare -f would print them as each version of bash likes.)
source_of() {
	local file=$1 function
	shift
	for function; do
		sed -n "/^$function() {/,/^}/{/^[[:space:]]*#/!p}" "$file"
	done
}

# entry NAME KEY prints the cache directory for what NAME makes from the inputs KEY.
entry() {
	local hash
	hash=$(sha256sum <<<"$2")
	echo "$cache/$1-${hash:0:12}"
}

# step NAME KEY FUNCTION prints that directory, and has FUNCTION fill it first where it is not
# there. FUNCTION gets the directory to fill: a temporary one, renamed when complete, so that an
# entry is whole or absent. Call it as path=$(step ...), never in a condition, or bash would ignore
# errors within.
step() {
	local name=$1 key=$2 build=$3 entry log start status lock heart
	entry=$(entry "$name" "$key")
	if [[ -d $entry ]]; then
		echo "$entry"
		return
	fi

	mkdir -p "$cache/logs"
	exec {lock}>>"$cache/$name.lock"
	if ! flock --nonblock "$lock"; then
		say "$name: waiting for process $(tail -n 1 "$cache/$name.lock"), which is building it"
		flock "$lock"
	fi
	if [[ -d $entry ]]; then
		exec {lock}>&-
		echo "$entry"
		return
	fi
	echo "$BASHPID" >"$cache/$name.lock"

	log=$cache/logs/$name.log
	start=$SECONDS
	say "$name: building ${entry/#"$HOME"/\~}"
	rm -rf "$cache/$name"-*.part
	mkdir "$entry.part"
	: >"$log"
	heartbeat "$name" "$log" "$BASHPID" {lock}>&- >&2 &
	heart=$!
	set +e
	(
		set -e
		"$build" "$entry.part"
	) >"$log" 2>&1 </dev/null
	status=$?
	set -e
	kill "$heart" 2>/dev/null || true
	wait "$heart" 2>/dev/null || true
	if ((status)); then
		tail -n 25 "$log" | sed 's/^/  | /' >&2
		die "$name: failed after $((SECONDS - start)) s; the whole log is $log"
	fi
	mv -T "$entry.part" "$entry"
	exec {lock}>&-
	say "$name: done in $((SECONDS - start)) s"
	echo "$entry"
}

# Shows every few seconds, for as long as process $3 lives, that step $1 is alive: the seconds gone
# by and the last line of its log.
heartbeat() {
	local name=$1 log=$2 of=$3 start=$SECONDS
	while sleep 8 && kill -0 "$of" 2>/dev/null; do
		printf '%s: %3d s  %.70s\n' "$name" $((SECONDS - start)) \
			"$(tail -c 2000 "$log" | tr '\r' '\n' | sed '/^[[:space:]]*$/d' | tail -n 1)"
	done
}

# kernel_named NAME: the directory of that kernel of ours.
kernel_named() {
	case $1 in
	stock) "$qemu_dir/kernel.sh" ;;
	debug) "$qemu_dir/debug-kernel.sh" ;;
	*) die "no such kernel: $1 (there are: stock, debug)" ;;
	esac
}

# The host's proxies for apt, one "Acquire::http::Proxy "..."" a line. The environment's variables
# need no passing: apt reads them.
apt_proxies() {
	apt-config dump 2>/dev/null |
		sed -n 's/^\(Acquire::[a-z]*::[Pp]roxy[^ ]*\) \(".\+"\);$/\1 \2/p'
}

# forbidden ARGUMENT...: grep for what must not be in a guest's kernel log.
forbidden() {
	grep -E -f <(grep -v -e '^#' -e '^$' "$qemu_dir/log-patterns") "$@"
}
