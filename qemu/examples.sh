#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# examples.sh CHECK: whether the documents (README.md, CONTRIBUTING.md, Documentation/) are true. A
# check says what is wrong and fails.
#
#   markup    the reStructuredText is valid; what is linked to or named as a path is there; the drawings
#             are drawn alike
#   names     Documentation/uapi.rst and the ABI's header name the same things; and Documentation/compatibility.rst
#             and qemu/xnu-names; and Documentation/libiomd.rst and the library's headers; the errors of
#             uapi.rst are those of the library; the tests that the documents name are there
#   commands  every command for the host is known here: it is run, or something else runs it
#   guest     README's and libiomd's programs compile; in a guest, all that the documents show is so
#   demo      the demonstration succeeds, and ends as README shows
#
# A block's language says what becomes of it: "rust", "rust example-pager" and "c" are README's
# programs, "c" and "cpp" of libiomd.rst others; "console" is what a guest is told (after "# ") and answers; "sh" is for the host; "text"
# is the demonstration's end.

. "${BASH_SOURCE[0]%/*}/common.sh"
cd "$checkout"

enter=$qemu_dir/enter.sh
documents=(README.md CONTRIBUTING.md Documentation/*.rst)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# blocks LANGUAGE FILE...: the content of their blocks of that language.
blocks() {
	awk -v language="$1" '
		FNR == 1 { inside = 0; wanted = 0 }
		/^```/ {
			inside = !inside
			wanted = inside && $0 == "```" language
			next
		}
		/^\.\. code-block:: / { wanted = $3 == language; next }
		/^[^ \t]/ && FILENAME ~ /\.rst$/ { wanted = 0 }
		wanted && FILENAME ~ /\.rst$/ { sub(/^   /, "") }
		wanted && (NF || FILENAME !~ /\.rst$/)
	' "${@:2}"
}

check_markup() {
	local file target status=0
	for file in Documentation/*.rst; do
		"$enter" rst2html --strict --syntax-highlight=none "$file" >/dev/null || status=1
	done
	while IFS=: read -r file target; do
		[[ -e ${file%"${file##*/}"}$target ]] || {
			echo "$file: there is no $target"
			status=1
		}
	done < <(
		grep -o -E '\]\([^)#:]+' README.md CONTRIBUTING.md | sed 's/\](//'
		grep -o -E '<[^>#: ]+>`_' Documentation/*.rst | sed 's/<\(.*\)>`_/\1/'
	)
	# shellcheck disable=SC2016 # quotes of the documents
	while read -r target; do
		[[ -e $target ]] || {
			echo "there is no $target"
			status=1
		}
	done < <(grep -o -h -E '`(qemu|rust|tools|include|Documentation)/[^` ]*`' "${documents[@]}" | tr -d '`' | sort -u)
	[[ $(for file in Documentation/diagrams/*.svg; do
		sed -n '/<style>/,/<\/style>/p' "$file" | sha256sum
	done | sort -u | wc -l) == 1 ]] || {
		echo "the drawings differ in style"
		status=1
	}
	return "$status"
}

# Every constant, call and structure of the header is described, and no other. Every call is in the list
# of calls, and every name of XNU's has its row.
# shellcheck disable=SC2016 # quotes of the documents
check_names() {
	local name='\b(IOMD|iomd)_[A-Za-z_]*[A-Za-z]\b' status=0
	same "in the header" "in uapi.rst" \
		<(grep -o -E "$name" include/uapi/linux/iomd.h | grep -v -x IOMD_IOC_TYPE | sort -u) \
		<(grep -o -E "$name" Documentation/uapi.rst | sort -u) || status=1
	same "in the header" "in uapi.rst, at a glance" \
		<(sed -n -E 's/^#define (\w+)\s+_IO\(IOMD_IOC_TYPE, (0x..)\)$/\1 \2/p' include/uapi/linux/iomd.h) \
		<(sed -n -E 's/^`?(\w+[A-Z])`?_ +(0x..)  \S.*/\1 \2/p' Documentation/uapi.rst) || status=1
	# A row without a state or without words does not count.
	same "in xnu-names" "in compatibility.rst" <(grep -v -E '^(#|$)' qemu/xnu-names | sort) \
		<(sed -n -E 's/^``(\w+)`` +(works|in part|refused|not needed|not in this version)  +\S.*/\1/p' \
			Documentation/compatibility.rst | sort) || status=1
	same "in libiomd's headers" "in libiomd.rst" <(library_names) \
		<(grep -o -w -F -f <(library_names) Documentation/libiomd.rst | sort -u) || status=1
	same "in error.c" "in uapi.rst" \
		<(sed -n -E 's/^\t\{ (E\w+), (KERN_\w+), (kIOReturn\w+) \},/\1 \3 \2/p' tools/libiomd/error.c | sort) \
		<(errors | sort) || status=1
	check_tests || status=1
	return "$status"
}

# The functions and methods that libiomd's headers declare.
library_names() {
	local headers=tools/libiomd/include
	{
		grep -h -o -E '\b(mach|vm|task|pid|fileport)_?\w+\(' "$headers"/mach/*.h "$headers"/sys/*.h
		grep -h -o -E '\b((with|get|set|Get|inTask|createMapping|append|perform|wire)[A-Z]\w*|redirect|unmap)\(' \
			"$headers"/IOKit/*.h
	} | tr -d '(' | sort -u
}

# What uapi.rst says of each errno: IOReturn and kern_return_t. One that is alone in its row means what
# the one before it does.
errors() {
	sed -n '/^errno, IOReturn, kern_return_t/,$p' Documentation/uapi.rst | tr -d '`,;' | awk '
		!/^E[A-Z0-9]+/ { next }
		NF > 1 { match($0, /KERN_[A-Z_]+/); meaning = $2 " " substr($0, RSTART, RLENGTH) }
		{ print $1, meaning }'
}

# Every guest test that is named, as "module::test", is one.
# shellcheck disable=SC2016 # quotes of the documents
check_tests() {
	local name path status=0
	while read -r name; do
		path=tools/tests/tests/guest/${name%::*}
		grep -s -q "^fn ${name##*::}()" "${path//:://}.rs" "${path//:://}/mod.rs" || {
			echo "there is no test $name"
			status=1
		}
	done < <(grep -o -h -E '``[a-z_]+(::[a-z_0-9]+)+``' Documentation/*.rst | tr -d '`' | sort -u)
	return "$status"
}

# same LABEL LABEL FILE FILE: whether they are, and if not, in what they differ.
same() {
	diff -U 0 --label "$1" --label "$2" "$3" "$4"
}

# prove COMMAND: runs a command for the host, in the toolchain root where that makes no difference, or
# says in a comment what else does. Fails for one that is not known.
prove() {
	case $1 in
	'make demo') ;; # check_demo
	'make test') ;; # what runs this
	'make bench' | 'make bench-check') ;; # test.sh, part bench, which runs the same script
	'make lint' | 'make test-host' | 'make modules') ;; # test.sh, parts lint, host, module
	'make test-stock' | 'cd tools' | *'cargo guest '*) ;; # test.sh, parts module and guest
	'make fuzz N=2000' | 'make soak N=1000' | 'make soak N=100 ONLY=7' | 'make test-debug' | 'IOMD_KERNEL=debug qemu/module.sh modules') ;; # test.sh, part guest-debug
	'qemu/fuzz-pure.sh 1000000' | *'cargo test --package iomd-pure' | *'cargo test --package iomd-model') ;; # test.sh, part host
	'cargo build --release') ;; # demo.sh
	'qemu/run.sh '*) ;; # check_guest
	'gcc -I include/uapi -o example-c example.c') ;; # build, with warnings and statically
	'make KDIR=/path/to/linux probe' | 'make KDIR=/path/to/linux modules')
		"$enter" make "KDIR=$kernel/linux" "${1##* }"
		;;
	'sudo make KDIR=/path/to/linux modules_install')
		"$enter" make "KDIR=$kernel/linux" "INSTALL_MOD_PATH=$work" modules_install &&
			compgen -G "$work/lib/modules/*/updates/iomd.ko*" >/dev/null
		;;
	'sudo make install-tools') install_tools ;;
	'make lib' | 'sudo make install-lib') ;; # build, for the guest
	*' --cflags --libs iomd)') ;; # the same
	'sudo modprobe iomd') ;; # guest/init loads it in every guest
	'/path/to/linux/scripts/sign-file sha256 MOK.priv MOK.der iomd.ko') sign ;;
	'sudo install -D -m 644 '*) [[ -f $(cut -d ' ' -f 6 <<<"$1") ]] ;;
	'sudo systemd-sysusers' | 'sudo udevadm control --reload') ;; # not ours
	*) return 1 ;;
	esac
}

# Installs the tool elsewhere, and looks for what people would miss.
install_tools() {
	local share=$work/root/usr/local/share file
	(cd tools && "$enter" cargo build --quiet --release --package iomdctl) &&
		"$enter" make --silent "DESTDIR=$work/root" install-tools &&
		"$work/root/usr/local/bin/iomdctl" --version &&
		for file in bash-completion/completions/iomdctl zsh/site-functions/_iomdctl \
			fish/vendor_completions.d/iomdctl.fish man/man1/iomdctl.1 man/man1/iomdctl-trace.1; do
			[[ -s $share/$file ]] || return
		done
}

# Signs a copy of the module with a new key.
sign() {
	cp iomd.ko "$work" && "$enter" openssl req -quiet -x509 -newkey rsa:2048 -nodes -subj /CN=test -outform DER \
		-keyout "$work/MOK.priv" -out "$work/MOK.der" &&
		"$enter" "$kernel/linux/scripts/sign-file" sha256 "$work/MOK.priv" "$work/MOK.der" "$work/iomd.ko" &&
		[[ $(tail -c 28 "$work/iomd.ko") == '~Module signature appended~' ]]
}

check_commands() {
	local kernel command failed=()
	kernel=$("$qemu_dir/kernel.sh")
	while read -r -u 3 command; do
		prove "$command" || failed+=("$command")
	done 3< <(blocks sh "${documents[@]}")
	((!${#failed[@]})) || {
		printf 'not known, or fails: %s\n' "${failed[@]}"
		return 1
	}
}

# What the commands of the documents look at: two buffers, and a map in use.
holder() {
	cat <<-'END'
		use std::{thread, time::Duration};

		fn main() -> iomd::Result<()> {
		    let client = iomd::Client::open()?;
		    let (used, _spare) = (client.buffer(1 << 20)?, client.buffer(1 << 20)?);
		    let map = used.map().unique(true).create()?;
		    let memory = map.mmap()?;
		    memory.load_u64(0);
		    println!("ready");
		    loop {
		        memory.load_u64(0);
		        thread::sleep(Duration::from_millis(1));
		    }
		}
	END
}

# library DIRECTORY: installs libiomd there, and says what its file for pkg-config does: how to compile
# with it.
library() {
	local file=$1/lib/pkgconfig/iomd.pc prefix includedir libdir
	"$enter" env "OUT=$1/build" make --silent "PREFIX=$1" lib install-lib
	prefix=$(sed -n 's/^prefix=//p' "$file")
	# shellcheck disable=SC2016 # as it stands there
	{
		includedir=$(sed -n 's/^includedir=${prefix}//p' "$file")
		libdir=$(sed -n 's/^libdir=${prefix}//p' "$file")
		sed -n -e 's/^Cflags: //p' -e 's/^Libs: //p' "$file" |
			sed -e 's|${includedir}|'"$prefix$includedir|" -e 's|${libdir}|'"$prefix$libdir|"
	}
}

# build DIRECTORY: README's and libiomd's programs, the holder and iomdctl, there.
build() {
	local directory=$1 built=$checkout/tools/target/x86_64-unknown-linux-gnu/debug
	mkdir -p "$directory/crate/src/bin"
	blocks rust README.md >"$directory/crate/src/bin/example-rust.rs"
	blocks 'rust example-pager' README.md >"$directory/crate/src/bin/example-pager.rs"
	holder >"$directory/crate/src/bin/holder.rs"
	cp tools/Cargo.lock "$directory/crate"
	cat >"$directory/crate/Cargo.toml" <<-END
		[package]
		name = "documents"
		version = "0.0.0"
		edition = "2024"
		[dependencies]
		iomd = { path = "$checkout/tools/iomd" }
		[workspace]
	END
	blocks c README.md >"$directory/example.c"
	"$enter" gcc -static -Wall -Wextra -Werror -I include/uapi -o "$directory/example-c" "$directory/example.c"
	build_with_library "$directory"
	(
		cd tools
		"$enter" cargo build --quiet --manifest-path "$directory/crate/Cargo.toml" --target-dir target
		"$enter" cargo build --quiet --package iomdctl
	)
	"$enter" strip -o "$directory/example-rust" "$built/example-rust"
	"$enter" strip -o "$directory/example-pager" "$built/example-pager"
	"$enter" strip -o "$directory/holder" "$built/holder"
	"$enter" strip -o "$directory/iomdctl" "$built/iomdctl"
}

# build_with_library DIRECTORY: libiomd's programs. The shared library has all they need, too.
build_with_library() {
	local directory=$1 flags shared
	blocks c Documentation/libiomd.rst >"$directory/example-mach.c"
	blocks cpp Documentation/libiomd.rst >"$directory/example-iokit.cc"
	library "$directory/installed" >"$directory/flags"
	mapfile -t flags < <(tr ' ' '\n' <"$directory/flags")
	for shared in '' -static; do
		"$enter" gcc $shared -Wall -Wextra -Werror -o "$directory/example-mach" "$directory/example-mach.c" \
			"${flags[@]}"
		"$enter" g++ $shared -Wall -Wextra -Werror -o "$directory/example-iokit" "$directory/example-iokit.cc" \
			"${flags[@]}"
	done
}

# The guest's part: types the commands and shows them with their output, as the documents do.
session() {
	cat <<-'END'
		#!/bin/sh
		cd /root
		mkfifo ready
		./holder >ready &
		read -r _ <ready
		status=0
		run() {
		    echo "# $1"
		    (exit "$status")
		    eval "$1" 2>&1
		    status=$?
		    # What is shown after this is a process that waits.
		    case $1 in *suspend*) until iomdctl show 3 | grep -q 'waiting *1 now'; do :; done ;; esac
		}
	END
	sed -n "s/'/'\\\\''/g; s/^# \(.*\)/run '\1'/p" "$1"
	echo 'kill %1'
}

# Numbers of three digits and more, and fractions, are another each time, and so is how wide they are.
plain() {
	sed -E 's/\b0x[0-9a-f]{3,}/N/g; s/[0-9]+\.[0-9]+/N/g; s/[0-9]{3,}/N/g; s/ +/ /g; s/ $//' "$1"
}

check_guest() {
	build "$work"
	blocks console "${documents[@]}" >"$work/expected"
	session "$work/expected" >"$work/session"
	chmod +x "$work/session"
	"$qemu_dir/run.sh" --timeout 300 --with "$work/example-rust:/root/example-rust" \
		--with "$work/example-pager:/root/example-pager" \
		--with "$work/example-mach:/root/example-mach" --with "$work/example-iokit:/root/example-iokit" \
		--with "$work/example-c:/root/example-c" --with "$work/holder:/root/holder" \
		--with "$work/iomdctl:/usr/bin/iomdctl" "$work/session" >"$work/output"
	diff -u --label documents <(plain "$work/expected") --label guest <(plain "$work/output") || {
		echo "the guest's output, as it was:"
		cat "$work/output"
		return 1
	}
}

numberless() {
	sed -E 's/[0-9][0-9.,]*/N/g; s/ +/ /g; s/ $//'
}

check_demo() {
	"$qemu_dir/demo.sh" | tee "$work/output"
	diff -u --label README.md <(blocks text README.md | numberless) \
		--label demonstration <(sed -n '/taken  *consistent/,$p' "$work/output" | numberless)
}

declare -F "check_${1-}" >/dev/null || die "no such check: ${1-none}"
"check_$1"
