// SPDX-License-Identifier: MIT OR Apache-2.0

//! The library in C, by programs that are written as for macOS.

use std::ffi::c_int;

use crate::support::Child;

/// Runs a program of `tools/libiomd/tests` in a process of its own.
macro_rules! program {
    ($test:ident, $symbol:ident $(, $name:literal = $value:literal)?) => {
        #[test]
        fn $test() {
            unsafe extern "C" {
                fn $symbol() -> c_int;
            }
            Child::fork(|_| {
                // SAFETY: this process has no other thread.
                $(unsafe { std::env::set_var($name, $value) };)?
                // SAFETY: it is the main function of a program.
                assert_eq!(unsafe { $symbol() }, 0);
            })
            .succeed();
        }
    };
}

program!(a_heap_at_three_addresses, libiomd_heap, "IOMD_VM_INHERIT_COPY" = "none");
program!(a_ring_that_is_there_twice, libiomd_ring, "IOMD_VM_INHERIT_COPY" = "share");
program!(low_memory_once_more, libiomd_low_memory);
program!(memory_entries, libiomd_entries);
program!(objects_of_io_kit, libiomd_objects);
program!(every_parameter_at_its_edges, libiomd_sweep);
program!(two_processes_share, libiomd_share);
