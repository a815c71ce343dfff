// SPDX-License-Identifier: MIT OR Apache-2.0

//! Unloading the module, and loading it again.

use std::ffi::c_int;
use std::fs::File;

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
