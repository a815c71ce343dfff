// SPDX-License-Identifier: MIT OR Apache-2.0

//! The library in C, by programs that are written as for macOS: those of `tools/libiomd/tests`.

use std::env;
use std::ffi::c_int;

use crate::support::Child;

/// What a child gets of shared memory where a program says that it gets a copy.
const INSTEAD_OF_A_COPY: &str = "IOMD_VM_INHERIT_COPY";

type Program = unsafe extern "C" fn() -> c_int;

unsafe extern "C" {
    fn libiomd_another_task() -> c_int;
    fn libiomd_descriptors() -> c_int;
    fn libiomd_entries() -> c_int;
    fn libiomd_heap() -> c_int;
    fn libiomd_low_memory() -> c_int;
    fn libiomd_maps() -> c_int;
    fn libiomd_no_device() -> c_int;
    fn libiomd_ring() -> c_int;
    fn libiomd_share() -> c_int;
    fn libiomd_sweep() -> c_int;
}

/// Runs a program in a process of its own.
#[track_caller]
fn run(program: Program) {
    Child::fork(|_| {
        // SAFETY: it is the main function of a program.
        assert_eq!(unsafe { program() }, 0);
    })
    .succeed();
}

/// Runs one that asks for copies, with what is wanted instead.
#[track_caller]
fn run_with(program: Program, instead: &str) {
    Child::fork(|_| {
        // SAFETY: this process has no other thread.
        unsafe { env::set_var(INSTEAD_OF_A_COPY, instead) };
        // SAFETY: it is the main function of a program.
        assert_eq!(unsafe { program() }, 0);
    })
    .succeed();
}

#[test]
fn a_heap_at_three_addresses() {
    run_with(libiomd_heap, "none");
}

#[test]
fn a_ring_that_is_there_twice() {
    run_with(libiomd_ring, "share");
}

#[test]
fn low_memory_once_more() {
    run(libiomd_low_memory);
}

#[test]
fn two_processes_share() {
    run(libiomd_share);
}

#[test]
fn every_parameter_at_its_edges() {
    run(libiomd_sweep);
}

#[test]
fn memory_entries() {
    run(libiomd_entries);
}

#[test]
fn maps_of_io_kit() {
    run(libiomd_maps);
}

#[test]
fn descriptors_of_io_kit() {
    run(libiomd_descriptors);
}

#[test]
fn memory_in_another_task() {
    run(libiomd_another_task);
}

#[test]
fn without_the_device() {
    run(libiomd_no_device);
}
