// SPDX-License-Identifier: MIT OR Apache-2.0

//! What /proc says of open files and mappings.

use std::collections::HashMap;
use std::fs;
use std::os::fd::{AsFd, AsRawFd};

use rustix::process::getpid;

use crate::support::{PAGE, User, await_waiters, client, painted, proc, unique};

/// The lines of an open file of this process that are iomd's.
fn fdinfo(file: impl AsFd) -> HashMap<String, String> {
    let path = format!("/proc/self/fdinfo/{}", file.as_fd().as_raw_fd());
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().filter_map(|line| {
        let (name, value) = line.strip_prefix("iomd-")?.split_once(":\t")?;
        Some((name.to_owned(), value.to_owned()))
    });
    lines.collect()
}

#[test]
fn a_descriptor_tells_about_itself() {
    let memory = client().sparse_buffer(4 * PAGE as u64).unwrap();
    let map = unique(&memory);
    map.mmap().unwrap().store_u64(0, 1);
    let said = fdinfo(&memory);
    assert_eq!(said["descriptor"], memory.id().unwrap().to_string());
    assert_eq!((&*said["length"], &*said["resident"], &*said["maps"]), ("16384", "4096", "1"));
}

#[test]
fn a_map_tells_about_itself() {
    let memory = painted(4, 0);
    let map = memory.map().offset(PAGE as u64).length(100).unique(true).create().unwrap();
    let user = User::of(&map);
    let said = fdinfo(&map);
    assert_eq!(said["map"], map.id().unwrap().to_string());
    assert_eq!(said["descriptor"], memory.id().unwrap().to_string());
    assert_eq!((&*said["offset"], &*said["length"]), ("4096", "100"));
    let options = map.info().unwrap().options.bits();
    assert_eq!(said["options"], format!("{options:#x}"));
    assert_eq!((&*said["state"], &*said["waiters"]), ("live", "0"));

    map.suspend().unwrap();
    user.begin_read(0);
    await_waiters(&map, 1);
    let said = fdinfo(&map);
    assert_eq!((&*said["state"], &*said["waiters"]), ("suspended", "1"));
    map.resume().unwrap();
    user.finish();
    map.unmap().unwrap();
    assert_eq!(fdinfo(&map)["state"], "ended");
}

#[test]
fn mappings_are_named_after_their_maps() {
    let map = unique(&painted(1, 0));
    let mapping = map.mmap().unwrap();
    let address = mapping.as_ptr().addr();
    let mapped = proc::mappings(getpid());
    let mapped = mapped.iter().find(|mapped| mapped.addresses.contains(&address)).unwrap();
    assert_eq!(mapped.name, format!("anon_inode:[iomd-map:{}]", map.id().unwrap()));
}
