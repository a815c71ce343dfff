#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# test.sh [PART...]: runs these parts of the tests, or all, and ends with their count, alone on the
# last line. A check counts as one test; of a test program the tests that it ran. A part that does
# not get to its end counts as a failed test.
#
# The tests on the debug kernel take as long as all else together, which goes on beside them: a guest mostly
# keeps one processor busy. Each line says then which part it is of.

. "${BASH_SOURCE[0]%/*}/common.sh"
cd "$checkout"

# Each part says which kernel it is about.
unset IOMD_KERNEL
# All guest tests are one boot, which on a loaded machine takes many minutes.
export IOMD_TIMEOUT=${IOMD_TIMEOUT:-2400}
enter=$qemu_dir/enter.sh
work=$(mktemp -d)
output=$work/output
lanes=()

# count PASSED FAILED SKIPPED: adds to what closing tells.
count() {
	echo "$@" >>"$work/counts"
}

closing() {
	local status=$? passed=0 failed=0 skipped=0 lane counts
	for lane in "${lanes[@]}"; do
		kill -- "-$lane" 2>/dev/null || true
		wait "$lane" || true
	done
	if ((status)); then
		count 0 1 0
	fi
	while read -r -a counts; do
		passed=$((passed + counts[0])) failed=$((failed + counts[1])) skipped=$((skipped + counts[2]))
	done <"$work/counts"
	rm -rf "$work"
	printf '\n%d passed, %d failed' "$passed" "$failed"
	if ((skipped)); then
		printf ', %d skipped' "$skipped"
	fi
	printf '\n'
	exit $((failed > 0))
}
: >"$work/counts"
trap closing EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# check NAME COMMAND...: passes if COMMAND does; its output is shown if it does not.
check() {
	local name=$1 start=$SECONDS
	shift
	if "$@" >"$output" 2>&1; then
		count 1 0 0
		printf '%-40s ok (%d s)\n' "$name" $((SECONDS - start))
	else
		count 0 1 0
		printf '%-40s FAILED\n' "$name"
		sed 's/^/  | /' "$output"
	fi
}

# tests NAME COMMAND...: COMMAND runs Rust test programs and ends with their failure or success.
tests() {
	local name=$1 status=0 ok=0 bad=0 ignored=0 line
	shift
	printf '\n%s\n' "$name"
	"$@" 2>&1 | tee "$output" || status=${PIPESTATUS[0]}
	while read -r line; do
		[[ $line =~ ([0-9]+)\ passed\;\ ([0-9]+)\ failed\;\ ([0-9]+)\ ignored ]] || continue
		ok=$((ok + BASH_REMATCH[1])) bad=$((bad + BASH_REMATCH[2])) ignored=$((ignored + BASH_REMATCH[3]))
	done < <(grep -a '^test result: ' "$output")
	if ((status && !bad)); then
		printf '%s: ended with status %d\n' "$name" "$status"
		bad=1
	elif ((ok + bad == 0)); then
		printf '%s: ran no test\n' "$name"
		bad=1
	fi
	count "$ok" "$bad" "$ignored"
}

in_tools() {
	(cd tools && "$enter" "$@")
}

# header COMPILER...: whether the ABI's header is all that a program need include.
header() {
	"$enter" "$@" -Wall -Wextra -pedantic -Werror -fsyntax-only -Iinclude/uapi - <<<'#include <linux/iomd.h>'
}

# headers WHICH COMPILER...: whether each of those of libiomd's headers is all that a program need include.
headers() {
	local which=() header status=0
	read -r -a which <<<"$1"
	shift
	while read -r header; do
		"$enter" "$@" -Wall -Wextra -pedantic -Werror -fsyntax-only -Itools/libiomd/include -Iinclude/uapi - \
			<<<"#include <$header>"$'\nextern int declared;' || status=1
	done < <(find tools/libiomd/include -name '*.h' \( "${which[@]}" \) -printf '%P\n' | sort)
	return "$status"
}

checkpatch() {
	local kernel
	kernel=$("$qemu_dir/kernel.sh")
	# Ignored is what is about patches and about a MAINTAINERS file.
	"$enter" "$kernel/linux/scripts/checkpatch.pl" --no-tree --terse --no-summary --show-types \
		--ignore FILE_PATH_CHANGES,SPDX_LICENSE_TAG -f "$@"
}

# In a copy: in place, kbuild would pass over what it has built, and rebuild it afterwards.
module_clippy() {
	local copy status=0
	copy=$(mktemp -d)
	# As old as they are: what was built of other sources is not taken for what these make.
	cp -a Kbuild include rust "$copy"
	"$qemu_dir/module.sh" modules CLIPPY=1 KRUSTFLAGS=-Dwarnings IOMD_PEERS= M="$copy" || status=$?
	rm -rf "$copy"
	return "$status"
}

# Where it fails, no test may take an older one for it.
module_build() {
	"$qemu_dir/module.sh" modules || {
		rm -f iomd.ko
		return 1
	}
}

module_build_debug() {
	IOMD_KERNEL=debug "$qemu_dir/module.sh" modules || {
		rm -f debug/iomd.ko
		return 1
	}
}

part_lint() {
	check "shell scripts (shellcheck)" "$enter" shellcheck -x .ci/run qemu/*.sh qemu/guest/init
	check "format" "$qemu_dir/fmt.sh" --check
	check "module: clippy" module_clippy
	check "tools: clippy" in_tools cargo clippy --workspace --all-targets --quiet -- -D warnings
	check "C: checkpatch" checkpatch --strict include/uapi/linux/*.h rust/os/*.c rust/os/helpers.h \
		rust/os/helpers/*.c qemu/peers/*porter.c qemu/peers/peers.h qemu/tsc-khz.c
	# Tracepoints are laid out in a way of their own, which --strict does not know.
	check "C: checkpatch, tracepoints" checkpatch rust/os/tracepoints.h
	# Its headers define the types and macros that they are there for.
	check "C: checkpatch, libiomd" checkpatch --strict --ignore NEW_TYPEDEFS,MACRO_ARG_REUSE,CAMELCASE \
		tools/libiomd/*.[ch] tools/libiomd/tests/*.[ch] tools/libiomd/include/{mach,sys}/*.h \
		tools/libiomd/include/IOKit/{IOLib,IOReturn,IOTypes}.h
	check "libiomd: headers, C99" headers '-path */mach/* -o -path */sys/* -o -name IO[LRT]*.h' gcc -std=c99 -x c
	check "libiomd: headers, C++11" headers '-not -path */iomd/*' clang++ -std=c++11 -x c++
	check "header: gcc, C99" header gcc -std=c99 -x c
	check "header: g++, C++11" header g++ -std=c++11 -x c++
	check "header: clang, C11" header clang -std=c11 -x c
	check "header: clang++, C++17" header clang++ -std=c++17 -x c++
}

# Whether log-patterns finds each of log-samples, and needs each of its patterns for that.
log_patterns() {
	local pattern status=0
	if grep -v -e '^#' -e '^$' "$qemu_dir/log-samples" | forbidden -v; then
		echo "The above is not found."
		status=1
	fi
	while read -r pattern; do
		grep -v '^#' "$qemu_dir/log-samples" | grep -q -E -e "$pattern" || {
			echo "Nothing is found by: $pattern"
			status=1
		}
	done < <(grep -v -e '^#' -e '^$' "$qemu_dir/log-patterns")
	return "$status"
}

part_host() {
	check "what a guest must not log" log_patterns
	tests "host tests" in_tools cargo test --no-fail-fast
	check "fuzzing what needs no kernel" "$qemu_dir/fuzz-pure.sh"
}

part_module() {
	check "module: build" module_build
}

part_guest() {
	tests "guest tests, stock kernel" in_tools cargo guest --no-fail-fast
}

part_guest-debug() {
	check "module: build for the debug kernel" module_build_debug
	# With those that only this kernel can run, and what tests tell of themselves.
	IOMD_KERNEL=debug tests "guest tests, debug kernel" in_tools cargo guest --no-fail-fast -- \
		--include-ignored --show-output --skip fuzz::
}

module_builds() {
	module_build && module_build_debug
}

part_machines() {
	check "module: builds for both kernels" module_builds
	# One needs a machine that is smaller than its map.
	IOMD_GUEST_MEMORY=512M tests "guest tests, little memory" in_tools cargo guest -- --ignored hostile::small
	# One leaves its kernel without what the others need.
	tests "guest tests, kernel locked down" in_tools cargo guest -- --ignored foreign::lockdown
	# With more processors more is under way at a time.
	IOMD_KERNEL=debug IOMD_GUEST_PROCESSORS=4 IOMD_STRESS_ROUNDS=4 \
		tests "guest tests, debug kernel, four processors" in_tools cargo guest -- --show-output \
		stress:: redirect:: races::controllers races::processes
}

part_fuzz() {
	check "fuzzing" "$qemu_dir/fuzz.sh"
	grep -a '^fuzz: ' "$output" || true
}

part_bench() {
	check "no slower than before" "$qemu_dir/bench-check.sh"
}

part_documents() {
	local name
	check "documents: site" "$qemu_dir/docs.sh"
	for name in markup names commands guest demo; do
		check "documents: $name" "$qemu_dir/examples.sh" "$name"
	done
}

# begin PART...: runs these, one after the other, beside what this script does meanwhile.
begin() {
	# A process group of its own, so that it can be ended with all that it has begun.
	set -m
	(
		trap - EXIT INT TERM
		output=$work/output-$BASHPID
		for part; do
			"part_$part" 2>&1 | sed -u "s/^/$part: /"
		done
	) </dev/null &
	set +m
	lanes+=($!)
}

all=(lint host module guest-debug machines fuzz bench documents guest)
(($#)) || set -- "${all[@]}"
longest=() others=()
for part; do
	[[ " ${all[*]} " == *" $part "* ]] || die "no such part: $part (there are: ${all[*]})"
	case $part in
	guest-debug) longest+=("$part") ;;
	*) others+=("$part") ;;
	esac
done
"$qemu_dir/kernel.sh" >/dev/null
[[ ! " $* " =~ \ (guest-debug|machines|fuzz)\  ]] || "$qemu_dir/debug-kernel.sh" >/dev/null

if ((${#longest[@]} && ${#others[@]} && $(nproc) > 1)); then
	begin "${longest[@]}"
	begin "${others[@]}"
	while ((${#lanes[@]})); do
		wait "${lanes[0]}" || count 0 1 0
		lanes=("${lanes[@]:1}")
	done
else
	for part; do
		"part_$part"
	done
fi
