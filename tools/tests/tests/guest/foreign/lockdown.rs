// SPDX-License-Identifier: MIT OR Apache-2.0

//! A kernel that is locked down gives nobody physical memory. It stays so until it is booted again:
//! qemu/test.sh runs this in a guest of its own.

use std::fs;
use std::path::Path;

use iomd::{Direction, Errno};
use rustix::mount::{MountFlags, mount};

use crate::support::client;

#[test]
#[ignore = "locks the kernel down for good"]
fn physical_memory_is_refused_to_root() {
    let state = "/sys/kernel/security/lockdown";
    // It may be there already.
    let _ = mount("securityfs", "/sys/kernel/security", "securityfs", MountFlags::empty(), None);
    if !Path::new(state).exists() {
        println!("this kernel cannot be locked down");
        return;
    }
    // Nothing is there, so that only the kernel's policy can refuse it.
    let make = || client().physical_range(0xa0000, 1, Direction::Out).map(drop);
    make().expect("a kernel that is not locked down");
    fs::write(state, "integrity").expect("the kernel can be locked down");
    assert_eq!(make().unwrap_err().errno(), Errno::PERM);
}
