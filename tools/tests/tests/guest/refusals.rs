// SPDX-License-Identifier: MIT OR Apache-2.0

//! A redirect that is refused changes nothing: not the map, not the memory, not the argument.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};

use iomd::{Errno, Map, MapInfo, Mapping};
use iomd_sys::{
    IOMD_MAP_ANYWHERE, IOMD_MAP_UNIQUE, IOMD_NO_DESCRIPTOR, IOMD_REDIRECT,
    IOMD_REDIRECT_REFUSE_PINNED, IOMD_RESUME, iomd_redirect, iomd_resume,
};

use crate::support::pin::Pin;
use crate::support::raw::{call, refused, size};
use crate::support::{
    PAGE, Region, User, assert_painted, await_waiters, buffer, client, painted, unique, window,
};

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;

/// What is in the fields that only the kernel writes.
const UNTOUCHED: u64 = 0x5555_5555_5555_5555;

/// A map of four pages, mapped and touched, and what is known of it.
struct Subject {
    old: iomd::Descriptor,
    new: iomd::Descriptor,
    map: Map,
    memory: Mapping,
    before: MapInfo,
}

impl Subject {
    fn of(make: impl FnOnce(&iomd::Descriptor) -> Map) -> Self {
        let (old, new) = (painted(4, OLD), painted(4, NEW));
        let map = make(&old);
        let memory = map.mmap().unwrap();
        memory.store_u64(8, 7);
        let before = map.info().unwrap();
        Self { old, new, map, memory, before }
    }

    fn unique() -> Self {
        Self::of(unique)
    }

    /// Asserts that the redirect is refused so, and that nothing has come of it.
    #[track_caller]
    fn refuses(&self, argument: iomd_redirect, errno: Errno) {
        assert_eq!(refused(&self.map, IOMD_REDIRECT, argument), errno);
        // Pages may have been taken away and come again.
        let mut after = self.map.info().unwrap();
        after.faults = self.before.faults;
        assert_eq!(after, self.before, "the map");
        assert_eq!(self.memory.load_u64(0), OLD);
        assert_eq!(self.memory.load_u64(8), 7);
        assert_painted(&self.old, OLD);
        assert_painted(&self.new, NEW);
        assert_eq!(window(&self.new).load_u64(8), 0);
        assert_eq!(self.new.info().unwrap().maps, 0, "nothing is left attached to the target");
        assert_eq!(self.old.info().unwrap().maps, 1);
    }
}

fn to(target: impl AsFd) -> iomd_redirect {
    iomd_redirect {
        size: size::<iomd_redirect>(),
        descriptor: target.as_fd().as_raw_fd(),
        pinned: UNTOUCHED,
        ..Default::default()
    }
}

fn to_none() -> iomd_redirect {
    iomd_redirect { descriptor: IOMD_NO_DESCRIPTOR, ..to(std::io::stdin()) }
}

#[test]
fn of_a_map_that_is_not_unique() {
    let subject = Subject::of(|memory| memory.map().create().unwrap());
    subject.refuses(to(&subject.new), Errno::PERM);
    subject.refuses(to_none(), Errno::PERM);
    let argument = iomd_resume { size: size::<iomd_resume>(), ..Default::default() };
    assert_eq!(refused(&subject.map, IOMD_RESUME, argument), Errno::PERM);
    subject.refuses(to(&subject.new), Errno::PERM);
}

#[test]
fn to_a_descriptor_that_is_too_short() {
    let subject = Subject::unique();
    let short = painted(3, NEW);
    subject.refuses(to(&short), Errno::RANGE);
    assert_painted(&short, NEW);
    assert_eq!(short.info().unwrap().maps, 0);
    for offset in [1, 2, 3, 4, 5, 1 << 20].map(|page| page * PAGE as u64) {
        subject.refuses(iomd_redirect { offset, ..to(&subject.new) }, Errno::RANGE);
    }
}

#[test]
fn to_a_misaligned_offset() {
    let subject = Subject::unique();
    let long = painted(8, NEW);
    for offset in [1, 8, 512, PAGE as u64 - 1, PAGE as u64 + 1] {
        subject.refuses(iomd_redirect { offset, ..to(&long) }, Errno::INVAL);
    }
}

#[test]
fn to_an_offset_that_overflows() {
    let subject = Subject::unique();
    let page = PAGE as u64;
    for offset in [u64::MAX, u64::MAX - (page - 1), u64::MAX - (4 * page - 1)] {
        subject.refuses(iomd_redirect { offset, ..to(&subject.new) }, Errno::OVERFLOW);
    }
}

#[test]
fn of_a_writable_map_to_what_may_only_be_read() {
    let subject = Subject::unique();
    let read_only = subject.new.read_only().unwrap();
    subject.refuses(to(&read_only), Errno::ACCESS);
    // A map that is never written may go there.
    let map = subject.old.map().unique(true).read_only(true).create().unwrap();
    map.redirect(&read_only).run().unwrap();
    assert_eq!(map.mmap().unwrap().load_u64(0), NEW);
}

#[test]
fn to_what_is_not_open() {
    let subject = Subject::unique();
    for descriptor in [-2, i32::MIN, i32::MAX, 1 << 20, 999] {
        subject.refuses(iomd_redirect { descriptor, ..to_none() }, Errno::BADF);
    }
}

#[test]
fn to_what_is_no_descriptor() {
    let subject = Subject::unique();
    let device = client();
    let other = unique(&subject.old);
    let file = File::open("/proc/self/stat").unwrap();
    let path = rustix::fs::open("/dev/iomd", rustix::fs::OFlags::PATH, rustix::fs::Mode::empty());
    for (argument, errno) in [
        (to(&device), Errno::INVAL),
        (to(&other), Errno::INVAL),
        (to(&subject.map), Errno::INVAL),
        (to(&file), Errno::INVAL),
        // Which is not open for anything.
        (to(path.unwrap()), Errno::BADF),
    ] {
        assert_eq!(refused(&subject.map, IOMD_REDIRECT, argument), errno);
    }
    drop(other);
    subject.refuses(to(&device), Errno::INVAL);
}

#[test]
fn with_options_that_are_not_the_map_s() {
    let subject = Subject::unique();
    let own = IOMD_MAP_ANYWHERE | IOMD_MAP_UNIQUE;
    for options in [IOMD_MAP_ANYWHERE, IOMD_MAP_UNIQUE, own | 0x1000, own | 0x300, 1 << 1] {
        subject.refuses(iomd_redirect { options, ..to(&subject.new) }, Errno::INVAL);
    }
    let mut argument = iomd_redirect { options: own, ..to(&subject.new) };
    call(&subject.map, IOMD_REDIRECT, &mut argument).unwrap();
    assert_eq!(argument.pinned, 0);
    assert_eq!(subject.memory.load_u64(0), NEW);
}

#[test]
fn with_an_unknown_flag() {
    let subject = Subject::unique();
    for flags in (1..32).map(|bit| 1 << bit) {
        subject.refuses(iomd_redirect { flags, ..to(&subject.new) }, Errno::INVAL);
    }
}

#[test]
fn while_pages_are_held_if_that_is_to_be_refused() {
    let subject = Subject::unique();
    let pin = Pin::of(Region::from(&subject.memory).pages(1..3));
    let refusing = iomd_redirect { flags: IOMD_REDIRECT_REFUSE_PINNED, ..to(&subject.new) };
    subject.refuses(refusing, Errno::BUSY);
    subject.refuses(iomd_redirect { descriptor: IOMD_NO_DESCRIPTOR, ..refusing }, Errno::BUSY);

    // Without the flag it is done, and told.
    let redirected = subject.map.redirect(&subject.new).run().unwrap();
    assert_eq!(redirected.pinned, 2);
    assert_eq!(subject.memory.load_u64(0), NEW);
    drop(pin);
    let redirected = subject.map.redirect(&subject.old).refuse_pinned(true).run().unwrap();
    assert_eq!(redirected.pinned, 0);
}

#[test]
fn while_pages_are_held_a_suspended_map_stays_suspended() {
    let (old, new) = (painted(1, OLD), painted(1, NEW));
    let map = unique(&old);
    let memory = map.mmap().unwrap();
    let user = User::of(&map);
    let pin = Pin::of((&memory).into());
    assert_eq!(map.suspend().unwrap().pinned, 1);
    user.begin_read(0);
    await_waiters(&map, 1);
    let before = map.info().unwrap();
    let error = map.redirect(&new).refuse_pinned(true).run().unwrap_err();
    assert_eq!(error.errno(), Errno::BUSY);
    let after = map.info().unwrap();
    assert!(after.suspended);
    assert_eq!((after.generation, after.redirects), (before.generation, 0));
    await_waiters(&map, 1);
    assert!(user.is_silent());
    drop(pin);
    map.redirect(&new).refuse_pinned(true).run().unwrap();
    assert_eq!(user.finish(), NEW);
}

#[test]
fn of_a_map_that_has_ended_does_nothing_and_succeeds() {
    let (old, new) = (painted(1, OLD), painted(1, NEW));
    let map = unique(&old);
    map.unmap().unwrap();
    let before = map.info().unwrap();
    assert!(before.ended);
    for mut argument in [to(&new), to_none()] {
        call(&map, IOMD_REDIRECT, &mut argument).unwrap();
        assert_eq!(argument.pinned, 0);
        assert_eq!(map.info().unwrap(), before);
    }
    map.resume().unwrap();
    assert_eq!(map.info().unwrap(), before);
    assert_eq!(new.info().unwrap().maps, 0);
    // What is wrong with the argument is told all the same.
    let short = buffer(1);
    let argument = iomd_redirect { offset: PAGE as u64, ..to(&short) };
    assert_eq!(refused(&map, IOMD_REDIRECT, argument), Errno::RANGE);
}
