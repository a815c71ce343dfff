#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fuzz-pure.sh [RUNS]: feeds each fuzzer of tools/fuzz so many inputs (default: as many as make test
# does), led by which code they run through. What fails one is kept in tools/target/fuzz.
#
# This is what cargo fuzz does, but for the sanitizers, for which there would have to be a nightly
# compiler.

. "${BASH_SOURCE[0]%/*}/common.sh"
cd "$checkout/tools"

# In place of those that make programs static, which libFuzzer cannot be.
flags=(--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
	-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
	-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1)
"$qemu_dir/enter.sh" env RUSTFLAGS="${flags[*]}" cargo build --quiet --package iomd-fuzz --target-dir target/fuzz
for target in fuzz/fuzz_targets/*.rs; do
	name=${target##*/} name=${name%.rs}
	mkdir -p "target/fuzz/corpus/$name"
	"$qemu_dir/enter.sh" "target/fuzz/x86_64-unknown-linux-gnu/debug/$name" -runs="${1:-20000}" -seed=1 \
		-artifact_prefix="target/fuzz/$name-" "target/fuzz/corpus/$name" >target/fuzz/output 2>&1 || {
		cat target/fuzz/output
		exit 1
	}
	sed -n "s/^Done /$name: /p" target/fuzz/output
done
