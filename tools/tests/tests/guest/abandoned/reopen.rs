// SPDX-License-Identifier: MIT OR Apache-2.0

//! Other handles of a map.

use std::os::fd::AsFd;

use iomd::Errno;
use iomd_sys as sys;
use rustix::io::{FdFlags, fcntl_getfd};
use rustix::process::{Resource, Rlimit, setrlimit};

use super::{NEW, OLD, assert_bus};
use crate::support::{Child, User, client, open_files, painted, raw, unique};

#[test]
fn a_reopened_map_is_the_same_map() {
    for read_only in [false, true] {
        let memory = painted(1, OLD);
        let map = memory.map().unique(true).read_only(read_only).create().unwrap();
        let again = map.reopen().unwrap();
        assert_eq!(again.info().unwrap(), map.info().unwrap());
        assert!(fcntl_getfd(&again).unwrap().contains(FdFlags::CLOEXEC));
        let writable = again.mmap_with(iomd::MmapOptions::default());
        assert_eq!(writable.err().map(|error| error.errno()), read_only.then_some(Errno::ACCESS));

        let user = User::of(&again);
        drop(map);
        assert_eq!(user.read(0), OLD, "a handle is left");
        again.redirect(&painted(1, NEW)).run().unwrap();
        assert_eq!(user.read(0), NEW);
        drop(again);
        user.begin_read(0);
        assert_bus(user);
    }
}

#[test]
fn an_ended_map_can_be_reopened() {
    let map = unique(&painted(1, OLD));
    map.unmap().unwrap();
    let again = map.reopen().unwrap();
    assert!(again.info().unwrap().ended);
    assert_eq!(again.mmap().unwrap_err().errno(), Errno::NODEV);
}

#[test]
fn reopening_is_refused_in_every_way() {
    let map = unique(&painted(1, OLD));
    let argument = sys::iomd_map_reopen {
        size: raw::size::<sys::iomd_map_reopen>(),
        fd: -7,
        ..Default::default()
    };
    let files = open_files();
    let refused = |argument| raw::refused(&map, sys::IOMD_MAP_REOPEN, argument);
    for bit in 0..32 {
        let flag = 1 << bit;
        assert_eq!(refused(sys::iomd_map_reopen { flags: flag, ..argument }), Errno::INVAL);
        assert_eq!(refused(sys::iomd_map_reopen { padding: flag, ..argument }), Errno::INVAL);
    }
    let size = argument.size - 1;
    assert_eq!(refused(sys::iomd_map_reopen { size, ..argument }), Errno::INVAL);
    assert_eq!(open_files(), files);

    for file in [painted(1, OLD).as_fd(), client().as_fd()] {
        assert_eq!(raw::refused(file, sys::IOMD_MAP_REOPEN, argument), Errno::NOTTY);
    }
    let child = Child::fork(|_| {
        let full = Rlimit { current: Some(0), maximum: Some(0) };
        setrlimit(Resource::Nofile, full).unwrap();
        assert_eq!(raw::refused(&map, sys::IOMD_MAP_REOPEN, argument), Errno::MFILE);
        assert_eq!(map.reopen().unwrap_err().errno(), Errno::MFILE);
    });
    child.succeed();
}
