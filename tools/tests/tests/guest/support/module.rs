// SPDX-License-Identifier: MIT OR Apache-2.0

//! Unloading the module, and loading it again.

use std::ffi::c_int;
use std::fs::{self, File};
use std::ops::Range;

use iomd::Errno;
use rustix::system::{delete_module, finit_module};

/// Where the guest's first process found it.
const FILE: &str = "/iomd/iomd.ko";

/// Unloads the module, if nothing holds it.
pub fn unload() -> Result<(), Errno> {
    delete_module(c"iomd", libc::O_NONBLOCK as c_int)
}

pub fn load() {
    let file = File::open(FILE).expect("the module's file is in the guest");
    finit_module(file, c"", 0).expect("the module loads");
}

/// Where its code is, and not much more.
pub fn addresses() -> Range<u64> {
    let read = |name| fs::read_to_string(format!("/sys/module/iomd/{name}")).expect("it is loaded");
    let start = read("sections/.text");
    let start = u64::from_str_radix(start.trim().trim_start_matches("0x"), 16).expect("an address");
    start..start + read("coresize").trim().parse::<u64>().expect("a number")
}
