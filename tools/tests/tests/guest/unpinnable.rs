// SPDX-License-Identifier: MIT OR Apache-2.0

//! Maps whose pages nobody can hold: I/O directly to and from them fails, and a switch leaves nothing
//! behind. All else is as it is for other maps.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

use iomd::{AddressRange, BufferFlags, Descriptor, Direction, Errno, Inheritance, Map, Purgeable};
use rustix::mm::Advice;
use rustix::pipe::{IoSliceRaw, SpliceFlags, pipe, vmsplice};
use rustix::process::Signal;

use crate::support::pin::Pin;
use crate::support::ptrace::Traced;
use crate::support::uring::Ring;
use crate::support::{Child, End, PAGE, Region, User, buffer, client, painted, unique, window};

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;
const PAGES: usize = 4;

fn unpinnable(memory: &Descriptor) -> Map {
    let builder = memory.map().unique(true).inheritance(Inheritance::Share);
    let map = builder.unpinnable(true).create().unwrap();
    assert!(map.info().unwrap().unpinnable);
    map
}

#[track_caller]
fn assert_cannot_hold<T: std::fmt::Debug>(outcome: Result<T, Errno>) {
    // Which of the two the kernel says depends on the rights that it asks for.
    assert!(matches!(outcome, Err(Errno::FAULT | Errno::EXIST)), "{outcome:?}");
}

#[test]
fn system_calls_reach_it_but_cannot_hold_it() {
    let map = unpinnable(&painted(PAGES, OLD));
    let mapping = map.mmap().unwrap();
    let region = Region::from(&mapping);
    let zeros = File::open("/dev/zero").unwrap();
    // SAFETY: a region is nothing of Rust's.
    let read = unsafe { libc::read(zeros.as_raw_fd(), region.as_ptr(), region.len()) };
    assert_eq!(read, region.len() as isize);
    assert_eq!(mapping.load_u64(PAGE), 0);
    for touched in [true, false] {
        if !touched {
            region.advise(Advice::LinuxDontNeed).unwrap();
        }
        assert_cannot_hold(Ring::new().register(region));
        let (_reader, writer) = pipe().unwrap();
        // SAFETY: nobody minds that others see what is written to the memory from now on.
        let bytes = unsafe { std::slice::from_raw_parts(mapping.as_ptr(), PAGE) };
        // SAFETY: as above.
        let moved =
            unsafe { vmsplice(&writer, &[IoSliceRaw::from_slice(bytes)], SpliceFlags::empty()) };
        assert_cannot_hold(moved);
    }
    assert_eq!(map.suspend().unwrap().pinned, 0);
}

#[test]
fn others_reach_it_by_no_call() {
    let map = unpinnable(&painted(PAGES, OLD));
    let region = Region::from(map.mmap().unwrap());
    let mut word = [0; 8];
    let memory = File::open("/proc/self/mem").unwrap();
    let read = memory.read_at(&mut word, region.address() as u64);
    assert_eq!(read.unwrap_err().raw_os_error(), Some(libc::EIO));
    let range = AddressRange { address: region.address() as u64, length: PAGE as u64 };
    let own = client().own_task().unwrap();
    let foreign = client().address_range(&own, range, Direction::InOut).unwrap();
    assert_eq!(foreign.prepare(None).unwrap_err().errno(), Errno::FAULT);
    assert_eq!(map.export_dma_buf().unwrap_err().errno(), Errno::OPNOTSUPP);
}

#[test]
fn every_mapping_shows_the_new_memory() {
    let (old, new) = (painted(PAGES, OLD), painted(PAGES, NEW));
    let map = unpinnable(&old);
    let mapping = map.mmap().unwrap();
    let moved = Region::from(map.mmap().unwrap());
    assert_eq!((mapping.load_u64(PAGE), moved.read(PAGE)), (OLD + 1, OLD + 1));
    let moved = moved.moved();
    let child = User::of(&map);
    assert_eq!(child.read(PAGE), OLD + 1);
    // Held by way of another map: the same memory.
    let pinnable = unique(&old);
    let pinnable_mapping = pinnable.mmap().unwrap();
    let _pin = Pin::of(Region::from(&pinnable_mapping));
    assert_eq!(pinnable.suspend().unwrap().pinned, PAGES as u64);
    let redirected = map.redirect(&new).refuse_pinned(true).run().unwrap();
    assert_eq!(redirected.pinned, 0);
    assert_eq!((mapping.load_u64(PAGE), moved.read(PAGE)), (NEW + 1, NEW + 1));
    assert_eq!(child.read(PAGE), NEW + 1);
    child.write(0, 7);
    assert_eq!(window(&new).load_u64(0), 7);
    assert_eq!(window(&old).load_u64(0), OLD);
}

#[test]
fn a_suspension_lasts_until_it_is_resumed() {
    let map = unpinnable(&painted(PAGES, OLD));
    let user = User::of(&map);
    assert_eq!(user.read(0), OLD);
    map.suspend_with().range(0, PAGE as u64).run().unwrap();
    assert_eq!(user.read(PAGE), OLD + 1, "the rest is not suspended");
    user.begin_read(0);
    crate::support::await_waiters(&map, 1);
    map.resume().unwrap();
    assert_eq!(user.finish(), OLD);
}

#[test]
fn memory_that_is_taken_away_is_reached_by_none() {
    let memory = painted(PAGES, OLD);
    let map = unpinnable(&memory);
    let user = User::of(&map);
    assert_eq!(user.read(0), OLD);
    memory.set_purgeable(Purgeable::Empty).unwrap();
    user.begin_read(0);
    assert_eq!(user.into_child().end(), End::Killed(Signal::BUS));
    memory.set_purgeable(Purgeable::NonVolatile).unwrap();
    assert_eq!(map.mmap().unwrap().load_u64(0), 0);
}

#[test]
fn a_copy_is_of_one_moment() {
    let (source, target) = (painted(PAGES, OLD), buffer(PAGES));
    let map = unpinnable(&source);
    let mapping = map.mmap().unwrap();
    mapping.store_u64(0, 1);
    assert_eq!(source.copy_to(&target).run().unwrap().maps, 1);
    mapping.store_u64(0, 2);
    assert_eq!(window(&target).load_u64(0), 1);
    assert_eq!(window(&source).load_u64(0), 2);
    source.copy_to(&target).resume_on_target(true).run().unwrap();
    mapping.store_u64(0, 3);
    assert_eq!((window(&source).load_u64(0), window(&target).load_u64(0)), (2, 3));
}

#[test]
fn memory_in_pieces_is_shown_by_pages() {
    const LENGTH: u64 = 2 << 20;
    let large = |value| {
        let memory = client().buffer_with(LENGTH, BufferFlags::LARGE).unwrap();
        window(&memory).store_u64(LENGTH as usize - PAGE, value);
        memory
    };
    let (old, new) = (large(OLD), large(NEW));
    let map = unpinnable(&old);
    let mapping = map.mmap().unwrap();
    let last = LENGTH as usize - PAGE;
    assert_eq!(mapping.load_u64(last), OLD);
    assert_cannot_hold(Ring::new().register(Region::from(&mapping).pages(0..1)));
    map.redirect(&new).run().unwrap();
    assert_eq!(mapping.load_u64(last), NEW);
}

#[test]
fn a_debugger_sees_that_it_cannot_read_it() {
    let map = unpinnable(&painted(PAGES, OLD));
    let region = Region::from(map.mmap().unwrap());
    let child = Child::fork(|parent| {
        assert_eq!(region.read(0), OLD);
        parent.say(0);
        parent.hear();
    });
    child.hear();
    let traced = Traced::attach(&child);
    assert_eq!(traced.peek(region.address()), Err(Errno::IO));
    assert_eq!(traced.poke(region.address(), 1), Err(Errno::IO));
    drop(traced);
    child.say(0);
    child.succeed();
}
