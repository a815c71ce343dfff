# SPDX-License-Identifier: GPL-2.0
#
# What people call. The module itself is described in Kbuild.

# KDIR: a Rust-enabled kernel's build directory of your own. Without it, the module is built for
# Debian's stock kernel, in a Debian 13 root that the set-up makes (see qemu/).
export KDIR

.DEFAULT_GOAL := modules
.PHONY: modules modules_install lib install-lib install-tools clean help setup demo docs test test-stock \
	test-debug test-host lint fuzz soak fmt rust-analyzer probe update-kernel \
	bench bench-check bench-ratios

help:
	@echo 'Everything needed is set up on the way, in $${XDG_CACHE_HOME:-~/.cache}/iomd.'
	@echo
	@echo '  make demo             boot the stock kernel in QEMU and show what iomd does'
	@echo '  make test             every test'
	@echo '  make test-stock       those in QEMU on the stock kernel'
	@echo '  make test-debug       those in QEMU on the debug kernel'
	@echo '  make test-host        those on this machine'
	@echo '  make [modules]        build iomd.ko for the stock kernel'
	@echo '  make fuzz N=100000    random calls on the debug kernel, so many (SEED: which)'
	@echo '  make soak N=1000      the stress test on the debug kernel, so many rounds (SEED: which)'
	@echo '  make bench            measure iomd beside the kernel'\''s own cost, and its rivals'
	@echo '  make bench-check      whether it is slower than what tools/bench/ratios.json says'
	@echo '  make bench-ratios     write that file anew'
	@echo '  make lint             formats, clippy, shellcheck, checkpatch, the header in C and C++'
	@echo '  make docs             the documentation as a site, in docs/'
	@echo '  make fmt              format all Rust code'
	@echo '  make lib              build libiomd, Mach calls for C and C++, with compilers of this machine'
	@echo '  make install-lib      install it, its headers and its pkg-config file (PREFIX, DESTDIR)'
	@echo '  make install-tools    install iomdctl, its completions and manual pages (PREFIX, DESTDIR)'
	@echo '  make rust-analyzer    write rust-project.json, for editors'
	@echo '  make clean            remove what was built here (not the cache)'
	@echo '  make setup            only set up: the toolchain and the kernel, not the debug kernel'
	@echo '  make update-kernel    take the newest stock kernel from now on'
	@echo
	@echo 'With KDIR=/path/to/linux, a Rust-enabled kernel of your own:'
	@echo
	@echo '  make KDIR=... probe   say what that kernel or this machine lacks'
	@echo '  make KDIR=... modules'
	@echo '  make KDIR=... modules_install'

modules modules_install:
	+@qemu/module.sh $@

# The tool as tools/ has built it, and what it tells of itself. Nothing is built here: this may run as
# root.
PREFIX ?= /usr/local
iomdctl := tools/target/x86_64-unknown-linux-gnu/release/iomdctl
share := $(DESTDIR)$(PREFIX)/share

install-tools:
	@[ -x $(iomdctl) ] || { echo 'first: cd tools && cargo build --release' >&2; exit 1; }
	install -D $(iomdctl) $(DESTDIR)$(PREFIX)/bin/iomdctl
	install -d $(share)/bash-completion/completions $(share)/zsh/site-functions \
		$(share)/fish/vendor_completions.d $(share)/man/man1
	$(iomdctl) completions bash >$(share)/bash-completion/completions/iomdctl
	$(iomdctl) completions zsh >$(share)/zsh/site-functions/_iomdctl
	$(iomdctl) completions fish >$(share)/fish/vendor_completions.d/iomdctl.fish
	$(iomdctl) man $(share)/man/man1

lib:
	+@$(MAKE) --no-print-directory -C tools/libiomd

install-lib:
	+@$(MAKE) --no-print-directory -C tools/libiomd install PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)

clean:
	+@if [ -e rust/abi.rs ]; then qemu/module.sh clean; fi
	@rm -rf tools/target tools/libiomd/build debug docs rust-project.json

setup:
	@qemu/kernel.sh

update-kernel:
	@qemu/kernel.sh --update

probe:
	@qemu/probe.sh $(or $(KDIR),$(error say which kernel: make KDIR=/path/to/linux probe))

demo:
	@qemu/demo.sh

test:
	@qemu/test.sh

test-stock:
	@qemu/test.sh module guest

test-debug:
	@qemu/test.sh guest-debug machines fuzz

test-host:
	@qemu/test.sh host

fuzz:
	@qemu/fuzz.sh $(N) $(SEED)

soak:
	@qemu/soak.sh "$(N)" "$(SEED)" "$(ONLY)"

lint:
	@qemu/test.sh lint

bench:
	@qemu/bench.sh
	@IOMD_BENCH=time qemu/bench.sh threads

bench-check:
	@qemu/bench-check.sh

bench-ratios:
	@qemu/bench-check.sh --record

docs fmt rust-analyzer:
	@qemu/$@.sh
