// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory that is gone: every access is refused, until it is there again and zeros.

use iomd::{Errno, Purgeable};
use iomd_sys::{IOMD_DESCRIPTOR_SUSPEND, IOMD_SUSPEND_SPARE_CALLER, iomd_descriptor_suspend};
use rustix::process::Signal;

use super::{TAG, assert_refused, set, squeeze, state};
use crate::support::kernel_mode::{ACCESSES, DONE, access};
use crate::support::raw::{call, size};
use crate::support::{
    Child, End, PAGE, Region, User, await_waiters, buffer, client, paint, painted, unique,
    unique_shared, window,
};

#[test]
fn every_access_through_any_map_is_refused() {
    let memory = painted(4, TAG);
    let maps = [unique(&memory), memory.map().read_only(true).create().unwrap()];
    let part = memory.map().offset(PAGE as u64).length(PAGE as u64).create().unwrap();
    // Those have touched it before.
    let users = [User::of(&maps[0]), User::of(&part)];
    assert_eq!((users[0].read(0), users[1].read(0)), (TAG, TAG + 1));
    set(&memory, Purgeable::Empty).unwrap();
    for user in users {
        user.begin_read(0);
        assert_eq!(user.into_child().end(), End::Killed(Signal::BUS));
    }
    assert_refused(&maps[0]);
    assert_refused(&part);
    for (name, kind) in ACCESSES {
        let child = access(&maps[0], kind);
        assert_eq!(child.hear_outcome(), Err(Errno::FAULT), "{name}");
        child.succeed();
    }
    // One made now as well.
    assert_refused(&unique(&memory));

    assert_eq!(set(&memory, Purgeable::NonVolatile), Ok(Purgeable::Empty));
    for map in &maps {
        let mapping = map.mmap().unwrap();
        for page in 0..4 {
            assert_eq!(mapping.load_u64(page * PAGE), 0, "page {page}");
        }
    }
    let child = access(&maps[0], ACCESSES[0].1);
    assert_eq!(child.hear_outcome(), Ok(DONE));
    child.succeed();
}

#[test]
fn a_sparse_buffer_comes_back_as_sparse() {
    let memory = client().sparse_buffer(4 * PAGE as u64).unwrap();
    let map = unique(&memory);
    let mapping = map.mmap().unwrap();
    mapping.store_u64(PAGE, TAG);
    set(&memory, Purgeable::Volatile).unwrap();
    // Used as ever.
    mapping.store_u64(2 * PAGE, TAG);
    assert_eq!(memory.info().unwrap().resident, 2 * PAGE as u64);
    squeeze();
    assert_refused(&map);
    assert_eq!(memory.info().unwrap().resident, 0);
    assert_eq!(set(&memory, Purgeable::NonVolatile), Ok(Purgeable::Empty));
    assert_eq!(memory.info().unwrap().resident, 0);
    assert_eq!(mapping.load_u64(PAGE), 0);
    assert_eq!(memory.info().unwrap().resident, PAGE as u64);
}

#[test]
fn who_waits_goes_on_waiting() {
    let memory = painted(1, TAG);
    let map = unique(&memory);
    let user = User::of(&map);
    map.suspend().unwrap();
    user.begin_read(0);
    await_waiters(&map, 1);
    set(&memory, Purgeable::Empty).unwrap();
    assert!(user.is_silent());
    assert_eq!(map.info().unwrap().waiters, 1);
    // Back in time: nobody has noticed, but that it is zeros.
    set(&memory, Purgeable::NonVolatile).unwrap();
    map.resume().unwrap();
    assert_eq!(user.finish(), 0);

    map.suspend().unwrap();
    user.begin_read(0);
    await_waiters(&map, 1);
    set(&memory, Purgeable::Volatile).unwrap();
    squeeze();
    assert_eq!(state(&memory), Purgeable::Empty, "a suspension does not keep it");
    map.resume().unwrap();
    assert_eq!(user.into_child().end(), crate::support::End::Killed(rustix::process::Signal::BUS));
}

#[test]
fn an_address_space_that_is_safe_from_a_suspension_is_refused_as_well() {
    let memory = painted(1, TAG);
    let map = unique(&memory);
    let child = Child::fork(|parent| {
        let region = Region::from(map.mmap().unwrap());
        let size = size::<iomd_descriptor_suspend>();
        let flags = IOMD_SUSPEND_SPARE_CALLER;
        let mut suspend = iomd_descriptor_suspend { size, flags, ..Default::default() };
        call(&memory, IOMD_DESCRIPTOR_SUSPEND, &mut suspend).unwrap();
        parent.say(region.read(0));
        parent.hear();
        parent.say(region.read(0));
    });
    assert_eq!(child.hear(), TAG);
    set(&memory, Purgeable::Volatile).unwrap();
    squeeze();
    assert_eq!(state(&memory), Purgeable::Empty, "a suspension does not keep it");
    child.say(0);
    assert_eq!(child.end(), End::Killed(Signal::BUS));
}

#[test]
fn a_map_is_redirected_from_it_and_to_it() {
    let (memory, other) = (painted(1, TAG), painted(1, 2 * TAG));
    let map = unique(&memory);
    let user = User::of(&map);
    set(&memory, Purgeable::Empty).unwrap();
    assert_eq!(map.redirect(&other).run().unwrap().pinned, 0);
    assert_eq!(user.read(0), 2 * TAG);
    map.redirect(&memory).run().unwrap();
    assert_refused(&map);
    set(&memory, Purgeable::NonVolatile).unwrap();
    paint(&memory, TAG);
    assert_eq!(user.read(0), TAG);

    // Volatile memory is shown as any other, until it is taken: through all that show it then.
    set(&other, Purgeable::Volatile).unwrap();
    client().batch().redirect(&map, &other).run().unwrap();
    assert_eq!(user.read(0), 2 * TAG);
    squeeze();
    assert_refused(&map);
}

#[test]
fn a_forked_child_loses_it_too() {
    let memory = painted(1, TAG);
    let map = unique_shared(&memory);
    let mapping = map.mmap().unwrap();
    let child = User::with(|| Region::from(&mapping));
    assert_eq!(child.read(0), TAG);
    set(&memory, Purgeable::Volatile).unwrap();
    squeeze();
    child.begin_read(0);
    assert_eq!(child.into_child().end(), crate::support::End::Killed(rustix::process::Signal::BUS));
}

#[test]
fn what_is_gone_is_neither_copied_nor_copied_to() {
    let (gone, other) = (painted(1, TAG), painted(1, 2 * TAG));
    set(&gone, Purgeable::Empty).unwrap();
    for resume in [false, true] {
        let copied = gone.copy_to(&other).resume_on_target(resume).run();
        assert_eq!(copied.unwrap_err().errno(), Errno::NODATA);
        let copied = other.copy_to(&gone).resume_on_target(resume).run();
        assert_eq!(copied.unwrap_err().errno(), Errno::NODATA);
    }
    assert_eq!(window(&other).load_u64(0), 2 * TAG);
    assert_eq!(gone.info().unwrap().resident, 0);
    // Volatile memory is copied as any other.
    let volatile = buffer(1);
    set(&volatile, Purgeable::Volatile).unwrap();
    other.copy_to(&volatile).run().unwrap();
    volatile.copy_to(&other).run().unwrap();
    assert_eq!(window(&volatile).load_u64(0), 2 * TAG);
}
