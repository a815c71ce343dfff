// SPDX-License-Identifier: MIT OR Apache-2.0

//! Who waits can be frozen: with its control group, and with all tasks when the machine is suspended.

use std::fs::File;
use std::io::ErrorKind;

use rustix::fd::AsRawFd;

use super::{OLD, waiting};
use crate::support::cgroup::Cgroup;
use crate::support::region::last_errno;
use crate::support::{Child, Region, await_waiters, painted, unique};

#[test]
fn a_control_group_freezes_and_thaws() {
    let (map, user) = waiting();
    let group = Cgroup::new("freezer");
    group.take(user.pid());
    group.freeze(true);
    group.freeze(false);
    await_waiters(&map, 1);
    group.freeze(true);
    // Resumed while the process is frozen.
    map.resume().unwrap();
    assert!(user.is_silent());
    group.freeze(false);
    assert_eq!(user.finish(), OLD);
    user.into_child().kill();
}

/// Freezes all tasks but the calling one, and lets them go on, as every suspend of the machine does.
/// `false` if the kernel does not offer that to programs.
fn freeze_all_tasks() -> bool {
    // linux/suspend_ioctls.h
    const FREEZE: libc::Ioctl = 0x3301;
    const UNFREEZE: libc::Ioctl = 0x3302;
    let snapshot = match File::open("/dev/snapshot") {
        Ok(snapshot) => snapshot,
        Err(error) if error.kind() == ErrorKind::NotFound => return false,
        Err(error) => panic!("/dev/snapshot: {error}"),
    };
    for request in [FREEZE, UNFREEZE] {
        // SAFETY: neither takes an argument.
        let done = unsafe { libc::ioctl(snapshot.as_raw_fd(), request) };
        assert_eq!(done, 0, "{}", last_errno());
    }
    true
}

#[test]
fn all_tasks_freeze_and_thaw() {
    let (map, user) = waiting();
    let frozen = freeze_all_tasks();
    await_waiters(&map, 1);
    assert!(user.is_silent());
    map.resume().unwrap();
    assert_eq!(user.finish(), OLD);
    assert!(frozen || !is_stock());
}

#[test]
fn all_tasks_freeze_in_system_calls_too() {
    let map = unique(&painted(1, OLD));
    map.suspend().unwrap();
    let writer = Child::fork(|parent| {
        let region = Region::from(map.mmap().unwrap());
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        // SAFETY: a region is nobody's; nothing but the kernel looks at this slice.
        let word = unsafe { std::slice::from_raw_parts(region.as_ptr().cast::<u8>(), 8) };
        assert_eq!(rustix::io::write(&writer, word), Ok(8));
        let mut bytes = [0; 8];
        assert_eq!(rustix::io::read(&reader, &mut bytes), Ok(8));
        parent.say(u64::from_ne_bytes(bytes));
    });
    await_waiters(&map, 1);
    writer.await_state('D');
    let frozen = freeze_all_tasks();
    await_waiters(&map, 1);
    assert!(writer.is_silent());
    map.resume().unwrap();
    assert_eq!(writer.hear(), OLD);
    writer.succeed();
    assert!(frozen || !is_stock());
}

/// Whether the kernel is Debian's, which can hibernate.
fn is_stock() -> bool {
    rustix::system::uname().release().to_string_lossy().contains("+deb")
}
