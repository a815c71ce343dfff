#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh [OPTION...] [--] COMMAND [ARGUMENT...]
#
# Boots a kernel in QEMU with the module loaded, runs COMMAND in it, hands back its output
# as it comes and its exit status. Serves as Cargo's runner: COMMAND may be a (static) program of
# the host's, which is taken along; without a slash it is one of the guest's busybox.
#
#   --kernel NAME       stock or debug (default: IOMD_KERNEL, or stock)
#   --module FILE       load this, and unload it at the end (default: iomd.ko of the checkout or, for
#                       the debug kernel, of its debug/, which must have been built); --no-module: none
#   --load NAME         load this module of the kernel's, and what it needs, first
#   --with FILE[:PATH]  take this file along, as PATH (default: its own path)
#   --timeout SECONDS   for all of it (default 900, or IOMD_TIMEOUT)
#   --append WORDS      more for the kernel's command line
#   --count             one processor, whose nanoseconds are the instructions that it has executed: they
#                       repeat from run to run, on every machine
#
# All this happens in the toolchain root: files must be in the checkout, the cache or /tmp.
#
# Environment: IOMD_WITH, a list of FILE[:PATH] as for --with; IOMD_GUEST_MEMORY (2G, or 1536M for the
# debug kernel, which looks through all of it for leaks); IOMD_GUEST_PROCESSORS (2, at most 8);
# IOMD_ACCEL, kvm or tcg. COMMAND gets IOMD_KERNEL and, unless it was set, IOMD_TEST_SCALE, by which
# tests on the debug kernel do less often what they do very often.
#
# Exit status: COMMAND's own. Or, each with a line that says so and the log's path:
#   123  the kernel's log has something that log-patterns forbids, or the module would not unload
#   124  the time was up
#   125  the guest did not get to the end: it did not boot, or died

. "${BASH_SOURCE[0]%/*}/common.sh"

if [[ ! ${IOMD_INSIDE-} ]]; then
	kernel_named "${IOMD_KERNEL:-stock}" >/dev/null
	exec "$qemu_dir/enter.sh" "$qemu_dir/run.sh" "$@"
fi

usage() {
	die "$1 (see the top of qemu/run.sh)"
}

export IOMD_KERNEL=${IOMD_KERNEL:-stock}
module=default timeout=${IOMD_TIMEOUT:-900} append='' count='' load=() with=()
# shellcheck disable=SC2206 # a list of words
with=(${IOMD_WITH-})
while (($#)); do
	case $1 in
	--kernel) IOMD_KERNEL=${2?} && shift ;;
	--no-module) module='' ;;
	--module) module=${2?} && shift ;;
	--load) load+=("${2?}") && shift ;;
	--with) with+=("${2?}") && shift ;;
	--timeout) timeout=${2?} && shift ;;
	--append) append=${2?} && shift ;;
	--count) count=yes ;;
	--) shift && break ;;
	-*) usage "unknown option $1" ;;
	*) break ;;
	esac
	shift
done
(($#)) || usage "no command given"
kernel=$(kernel_named "$IOMD_KERNEL")
debug='' memory=2G
if [[ $IOMD_KERNEL == debug ]]; then
	debug=/debug memory=1536M
	export IOMD_TEST_SCALE=${IOMD_TEST_SCALE:-0.05}
fi
[[ $module != default ]] || module=$checkout$debug/iomd.ko
[[ ! $module || -f $module ]] || die "$module is not there: IOMD_KERNEL=$IOMD_KERNEL make modules"

work=$(mktemp -d)
guest=''
# shellcheck disable=SC2317 # the trap below calls it
cleanup() {
	if [[ $guest ]]; then
		kill "$guest" 2>/dev/null || true
		wait "$guest" 2>/dev/null || true
	fi
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# take FILE PATH: puts a file into the initramfs.
tree=$work/tree
take() {
	[[ -f $1 ]] || die "$1 is not there to be taken into the guest"
	mkdir -p "$tree${2%/*}"
	cp -L --preserve=mode "$1" "$tree$2"
}

# take_code FILE PATH: the same for a program or a module, without what only a debugger reads. The guest unpacks
# it all, and keeps it in its memory. A script is no such file.
take_code() {
	take "$1" "$2"
	strip --strip-debug "$tree$2" 2>/dev/null || true
}

# The shell's quoting in its plainest form, which busybox has too.
quote() {
	printf "'%s' " "${@//\'/\'\\\'\'}"
}

mkdir -p "$tree/iomd"
take "$(command -v busybox)" /bin/busybox
take "$qemu_dir/guest/init" /init
for file in "${with[@]}"; do
	path=${file#*:}
	take "${file%%:*}" "$(realpath -m "$path")"
done

# The modules to load, in order.
: >"$tree/iomd/modules"
for name in "${load[@]}"; do
	needed=$(modprobe -d "$kernel/modules" -S "$(<"$kernel/release")" --show-depends "$name" 2>/dev/null) ||
		die "this kernel has no module $name"
	while read -r _ file; do
		take "$file" "/iomd/${file##*/}"
		[[ $file != *.xz ]] || unxz "$tree/iomd/${file##*/}"
		file=${file%.xz}
		echo "${file##*/}" >>"$tree/iomd/modules"
	done < <(grep '^insmod ' <<<"$needed" || true)
done
: >"$tree/iomd/unload"
if [[ $module ]]; then
	take_code "$module" "/iomd/${module##*/}"
	echo "${module##*/}" >>"$tree/iomd/modules"
	name=${module##*/}
	echo "${name%.ko}" >"$tree/iomd/unload"
fi
# What tests share dma-bufs with; they load it.
peers=$checkout$debug/qemu/peers/iomd_peers.ko
[[ ! -f $peers ]] || take_code "$peers" "/iomd/${peers##*/}"

# The command, with the variables that Rust's test programs look at. Tests go one by one, unless
# told otherwise: they share a kernel and count what is in it.
{
	echo "export RUST_TEST_THREADS=1"
	for name in $(compgen -e); do
		case $name in
		RUST_* | RUSTC_* | PROPTEST_* | LOOM_* | IOMD_* | COLUMNS)
			echo "export $name=$(quote "${!name}")"
			;;
		esac
	done
	if [[ $1 == */* ]]; then
		take_code "$1" "/iomd/run/${1##*/}"
		quote "/iomd/run/${1##*/}" "${@:2}"
	else
		quote "$@"
	fi
	echo
} >"$tree/iomd/command"
label=${1##*/}

# The guest shows where it hangs shortly before its time is up here.
echo $((timeout > 40 ? timeout - 20 : timeout / 2)) >"$tree/iomd/watchdog"
(cd "$tree" && find . | cpio --quiet -o -H newc -R 0:0) >"$work/initramfs"

mkdir -p "$cache/logs"
log=$cache/logs/guest-$(date +%Y%m%d-%H%M%S)-$$-${label%%-*}.log
: >"$log"
find "$cache/logs" -name 'guest-*.log' -printf '%T@ %p\n' | sort -rn | tail -n +31 | cut -d ' ' -f 2- | xargs -r rm -f

# A /dev/kvm without virtualisation in the processor behind it is there on some hosts, and not up to
# booting a kernel.
accel=${IOMD_ACCEL-}
if [[ ! $accel ]]; then
	accel=tcg
	if [[ -r /dev/kvm && -w /dev/kvm ]] && grep -q -E '^flags.* (vmx|svm)( |$)' /proc/cpuinfo; then
		accel=kvm
	fi
fi
processors=${IOMD_GUEST_PROCESSORS:-2}
if [[ $count ]]; then
	accel=count processors=1
fi
case $accel in
count) machine=(-accel tcg -icount "shift=0,sleep=off" -cpu max) ;;
kvm) machine=(-accel kvm -cpu host) ;;
*) machine=(-accel "tcg,thread=multi" -cpu max) ;;
esac

# Anything that leaves a task stuck is to end the run with its log, and soon; the bounds are for a
# slow, emulated machine.
kernel_line="console=ttyS0 quiet loglevel=5 log_buf_len=8M panic=-1 oops=panic unknown_nmi_panic panic_sys_info=tasks
	sysctl.kernel.hung_task_timeout_secs=60 sysctl.kernel.hung_task_panic=1
	sysctl.kernel.watchdog_thresh=30 sysctl.kernel.softlockup_panic=1
	rcupdate.rcu_cpu_stall_timeout=60"
# The kernel compares the processors' clocks. While it boots that can hang: one processor waits, by a clock
# that stands still for it, for one that is stopped to change that clock.
kernel_line+=" tsc=nowatchdog"
if [[ $accel == tcg ]]; then
	# What the guest finds out itself is ten times too much where its processor is kept from running just then.
	gcc -O2 -o "$work/tsc-khz" "$qemu_dir/tsc-khz.c"
	kernel_line+=" tsc_early_khz=$("$work/tsc-khz")"
fi
# What shields from other software on the processor has nothing to do there, and costs each call.
kernel_line+=" mitigations=off"
if [[ $debug ]]; then
	# The checks of slabs (F) are there for what they turn off, the arrays of free objects that each
	# processor has: what was taken from one leaves its address there, and kmemleak takes that for
	# a use.
	kernel_line+=" slab_debug=F hash_pointers=always"
fi
if [[ ! $count ]]; then
	# The program's file in large pieces: to map and unmap it for each process takes much less.
	kernel_line+=" transparent_hugepage_tmpfs=always"
fi
kernel_line+=" $append"

# The command's output goes through a file, so that nothing waits for who reads it. One device has no
# driver (ivshmem): its memory is for whoever takes it.
mkfifo "$work/monitor.in" "$work/monitor.out"
: >"$work/output"
exec {course}< <(exec qemu-system-x86_64 "${machine[@]}" -machine q35 -smp "$processors" -m "${IOMD_GUEST_MEMORY:-$memory}" \
	-nodefaults -no-user-config -display none -no-reboot \
	-kernel "$kernel/vmlinuz" -initrd "$work/initramfs" -append "${kernel_line//[$'\n\t']/ }" \
	-chardev "file,id=console,path=$log,append=on" -serial chardev:console \
	-chardev stdio,id=course,signal=off -serial chardev:course \
	-object memory-backend-ram,id=shared,size=1M -device ivshmem-plain,memdev=shared \
	-device virtio-serial-pci,ioeventfd=off \
	-chardev "file,id=output,path=$work/output,append=on" -device virtserialport,chardev=output,nr=1 \
	-chardev "file,id=log,path=$log,append=on" -device virtserialport,chardev=log,nr=2 \
	-chardev "pipe,id=monitor,path=$work/monitor" -mon monitor \
	</dev/null 2>"$work/qemu")
guest=$!
tail -c +1 -f -s 0.1 --pid="$guest" "$work/output" &
copying=$!

# Follow the run's course to its end, which is when QEMU closes its side.
reached=starting end=''
deadline=$((SECONDS + timeout))
while true; do
	left=$((deadline - SECONDS))
	line='' got=0
	read -r -t $((left > 0 ? left : 1)) -u "$course" line || got=$?
	if [[ $line ]]; then
		reached=$line
	fi
	((got)) || continue
	((got > 128)) || break
	if [[ $end ]]; then
		kill "$guest" 2>/dev/null || true
		continue
	fi
	# An interrupt that cannot be masked makes a guest that is past all else tell where it is.
	end=timeout deadline=$((SECONDS + 15))
	echo nmi >"$work/monitor.in"
done
wait "$guest" 2>/dev/null || true
guest=''
wait "$copying" || true

# The first line of the log that must not be there, if any. A test that has the kernel kill for want of
# memory says so by the name of who asks: that report is meant to be there, with its call trace.
first=$(sed '/wanted-oom invoked oom-killer/,/Killed process/s/Call Trace:/(call trace)/' "$log" |
	forbidden -n -m 1 | cut -d : -f 1 || true)

# bad STATUS MESSAGE: how a run ends that did not go well.
bad() {
	{
		if [[ $first ]]; then
			printf '\n---- from the guest'\''s kernel log, line %d on ----\n' "$first"
			sed -n "$first,$((first + 59))p" "$log"
		else
			printf '\n---- the end of the guest'\''s kernel log ----\n'
			tail -n 30 "$log"
		fi
		echo "----"
	} | tr -d '\r' >&2
	say "iomd: $2; the whole log is $log"
	exit "$1"
}

case $reached in
exit\ * | held\ *) ;;
*)
	cat "$work/qemu" >&2
	[[ ! $end ]] || bad 124 "the guest did not end within $timeout s"
	bad 125 "the guest died (it had got to: $reached)"
	;;
esac
[[ ! $first ]] || bad 123 "the guest's kernel reported the above"
if [[ $reached == held* ]]; then
	sed -n '/^---- who holds/,/^---- the whole/p' "$log" | tr -d '\r' >&2
	bad 123 "the module could not be unloaded after the command"
fi
exit "${reached#* }"
