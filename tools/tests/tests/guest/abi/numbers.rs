// SPDX-License-Identifier: MIT OR Apache-2.0

//! Numbers that are no call, or one of another kind of object.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use iomd::Errno;
use iomd_sys::IOMD_IOC_TYPE;

use super::argument::Memory;
use super::{Argument, CALLS, World};
use crate::support::PAGE;
use crate::support::raw::call_at;

/// What the macros of ioctl.h add to a number that has a direction (write, read, both) and a
/// structure of eight bytes.
const DIRECTIONS: [u32; 4] = [0, 0x4008_0000, 0x8008_0000, 0xc008_0000];

/// Numbers of others: a terminal's, KVM's, and two of nobody's.
const OTHERS: [u32; 4] = [0x5401, 0xae00, 0, u32::MAX];

#[test]
fn unknown_calls_and_those_of_other_kinds_are_refused_on_every_kind() {
    let world = World::new();
    let memory = Memory::new();
    // An argument that any of the calls would read to its end.
    let zeros = Argument::of([0_u8; PAGE]);
    let address = memory.put(&zeros);
    let before = world.sight();
    let mut own = 0;
    for object in
        [world.client.as_fd(), world.source.as_fd(), world.map.as_fd(), world.task.as_fd()]
    {
        let ours = DIRECTIONS.map(|direction| direction | (IOMD_IOC_TYPE << 8));
        let ours = ours.into_iter().flat_map(|first| (0..=0xff).map(move |number| first | number));
        for number in ours.chain(OTHERS) {
            let is_own = CALLS.iter().any(|call| {
                call.number == number && kind_of(call.object, &world) == object.as_raw_fd()
            });
            if is_own {
                own += 1;
                continue;
            }
            // With memory or without: nobody looks at it.
            for address in [address, 0] {
                let outcome = call_at(object, number, address);
                assert_eq!(outcome, Err(Errno::NOTTY), "{number:#x} on {object:?}");
            }
        }
    }
    assert_eq!(own, CALLS.len());
    assert_eq!(memory.take(address, PAGE), zeros);
    assert_eq!(world.sight(), before);
}

/// The object that stands for the kind of the one that a call is made on.
fn kind_of(object: fn(&World) -> BorrowedFd<'_>, world: &World) -> i32 {
    let object = object(world).as_raw_fd();
    let maps = [&world.suspended, &world.in_kernel];
    if maps.iter().any(|map| map.as_fd().as_raw_fd() == object) {
        world.map.as_fd().as_raw_fd()
    } else {
        object
    }
}
