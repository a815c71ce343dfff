// SPDX-License-Identifier: MIT OR Apache-2.0

//! Suspensions hold up maps, and not the bytes; but the caller's memory can be such a map.

use iomd::{Descriptor, Errno};
use iomd_sys::{IOMD_READ_BYTES, IOMD_WRITE_BYTES, iomd_read_bytes, iomd_write_bytes};
use rustix::process::Signal;

use super::{NEW, OLD, read};
use crate::support::privileges::{WITHOUT_PTRACE, map_made};
use crate::support::raw::{call, size};
use crate::support::{
    Child, End, PAGE, Region, User, await_waiters, painted, unique, unique_shared, window,
};

#[test]
fn memory_is_brought_in_while_its_maps_wait() {
    for whole in [false, true] {
        let memory = painted(2, OLD);
        let map = unique(&memory);
        let user = User::of(&map);
        if whole {
            memory.suspend().unwrap();
        } else {
            map.suspend().unwrap();
        }
        user.begin_read(PAGE);
        await_waiters(&map, 1);
        assert_eq!(read(&memory, PAGE, 8), (OLD + 1).to_ne_bytes());
        assert_eq!(memory.write_bytes(PAGE as u64, &NEW.to_ne_bytes()).unwrap(), 8);
        assert!(user.is_silent());
        if whole {
            memory.resume().unwrap();
        } else {
            map.resume().unwrap();
        }
        assert_eq!(user.finish(), NEW);
    }
}

/// Copies a page of the memory to an address, or to the memory from there.
fn page_through(memory: &Descriptor, writes: bool, address: usize) -> Result<u64, Errno> {
    let (length, address) = (PAGE as u64, address as u64);
    if writes {
        let mut argument = iomd_write_bytes {
            size: size::<iomd_write_bytes>(),
            length,
            address,
            ..Default::default()
        };
        call(memory, IOMD_WRITE_BYTES, &mut argument).map(|()| argument.done)
    } else {
        let mut argument = iomd_read_bytes {
            size: size::<iomd_read_bytes>(),
            length,
            address,
            ..Default::default()
        };
        call(memory, IOMD_READ_BYTES, &mut argument).map(|()| argument.done)
    }
}

#[test]
fn the_caller_s_memory_can_be_a_map_of_the_same() {
    for writes in [false, true] {
        let memory = painted(2, OLD);
        let map = unique(&memory);
        let region = Region::from(map.mmap().unwrap());
        // The second page, which is mapped, and the first by its number.
        let done = page_through(&memory, writes, region.address() + PAGE);
        assert_eq!(done, Ok(PAGE as u64));
        let seen = if writes { OLD + 1 } else { OLD };
        assert_eq!((region.read(0), region.read(PAGE)), (seen, seen));
        // And the very same bytes.
        assert_eq!(page_through(&memory, writes, region.address()), Ok(PAGE as u64));
        assert_eq!(region.read(0), seen);
        region.unmap().unwrap();
    }
}

#[test]
fn the_caller_waits_for_its_own_memory_and_holds_nobody_up() {
    for writes in [false, true] {
        let memory = painted(2, OLD);
        let (map, other) = (unique_shared(&memory), unique(&memory));
        map.suspend().unwrap();
        let child = Child::fork(|parent| {
            let region = Region::from(map.mmap().unwrap());
            parent.say_outcome(page_through(&memory, writes, region.address() + PAGE));
        });
        await_waiters(&map, 1);
        child.await_state('D');

        // Everything else goes on meanwhile.
        assert_eq!(memory.write_bytes(8, &[7]).unwrap(), 1);
        assert_eq!(read(&memory, 8, 1), [7]);
        let target = painted(2, NEW);
        memory.copy_to(&target).refuse_pinned(true).run().unwrap();
        assert_eq!(other.redirect(&target).refuse_pinned(true).run().unwrap().pinned, 0);
        memory.suspend().unwrap();
        memory.resume().unwrap();
        assert!(child.is_silent());

        map.resume().unwrap();
        assert_eq!(child.hear_outcome(), Ok(PAGE as u64));
        child.succeed();
        assert_eq!(window(&memory).load_u64(if writes { 0 } else { PAGE }) & !0xff, OLD & !0xff);
    }
}

#[test]
fn a_wait_for_its_own_memory_ends_by_sigkill() {
    for writes in [false, true] {
        let memory = painted(2, OLD);
        let map = unique_shared(&memory);
        map.suspend().unwrap();
        let child = Child::fork(|_| {
            let region = Region::from(map.mmap().unwrap());
            let _ = page_through(&memory, writes, region.address());
        });
        await_waiters(&map, 1);
        assert_eq!(child.kill(), End::Killed(Signal::KILL));
        await_waiters(&map, 0);
        assert_eq!(window(&memory).load_u64(0), OLD);
    }
}

#[test]
fn who_is_not_privileged_does_not_wait_for_his_own_memory() {
    let (_, lose) = WITHOUT_PTRACE[0];
    let memory = painted(2, OLD);
    let map = map_made(1, NEW, lose);
    map.suspend().unwrap();
    for writes in [false, true] {
        let region = Region::from(map.mmap().unwrap());
        assert_eq!(page_through(&memory, writes, region.address()), Err(Errno::FAULT));
        region.unmap().unwrap();
    }
    assert_eq!(window(&memory).load_u64(0), OLD);
}
