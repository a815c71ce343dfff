// SPDX-License-Identifier: MIT OR Apache-2.0

//! New file descriptors.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};

use iomd::Errno;
use rustix::io::{FdFlags, fcntl_getfd};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{CALLS, World};
use crate::support::Child;

#[test]
fn new_file_descriptors_are_closed_on_exec() {
    let mut files = 0;
    for call in CALLS.iter().filter(|call| call.file.is_some()) {
        let world = World::new();
        let answer = call.accepted(&world, &(call.argument)(&world), "as it should be");
        let file = call.file_in(&answer).unwrap();
        assert_eq!(fcntl_getfd(&file), Ok(FdFlags::CLOEXEC), "{}", call.name);
        files += 1;
    }
    assert_eq!(files, 17);
    // The other kind of object that can be opened by its id.
    let world = World::new();
    let map = world.client.open_map(world.map.id().unwrap()).unwrap();
    assert_eq!(fcntl_getfd(map.as_fd()), Ok(FdFlags::CLOEXEC));
}

#[test]
fn a_call_that_finds_no_free_file_descriptor_does_nothing() {
    // In a process of its own, whose limit it is.
    let child = Child::fork(|_| {
        let limit = getrlimit(Resource::Nofile);
        for call in CALLS.iter().filter(|call| call.file.is_some()) {
            let world = World::new();
            let argument = (call.argument)(&world);
            let memory = super::argument::Memory::new();
            let address = memory.put(&argument);
            let before = world.sight();

            let free = File::open("/dev/null").unwrap().as_raw_fd() as u64;
            let none = Rlimit { current: Some(free), maximum: limit.maximum };
            setrlimit(Resource::Nofile, none).unwrap();
            let outcome = call.at(&world, address);
            setrlimit(Resource::Nofile, limit).unwrap();

            assert_eq!(outcome, Err(Errno::MFILE), "{}", call.name);
            assert_eq!(memory.take(address, argument.len()), argument, "{}", call.name);
            assert_eq!(world.sight(), before, "{}", call.name);
        }
    });
    child.succeed();
}
