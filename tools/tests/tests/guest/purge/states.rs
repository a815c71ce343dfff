// SPDX-License-Identifier: MIT OR Apache-2.0

//! What leads from which state to which, and what does not.

use std::fs;
use std::os::fd::{AsFd, AsRawFd};

use iomd::{Descriptor, Errno, Purgeable};
use iomd_sys::{
    IOMD_MAP_SEAL, IOMD_PURGEABLE_EMPTY, IOMD_PURGEABLE_KEEP_CURRENT, IOMD_PURGEABLE_MODIFIERS,
    IOMD_SET_PURGEABLE, iomd_map_seal, iomd_set_purgeable,
};
use rustix::process::{Resource, Rlimit, setrlimit};

use super::{TAG, set, state};
use crate::support::pin::Pin;
use crate::support::privileges::become_user;
use crate::support::raw::{call, size};
use crate::support::{
    Child, PAGE, Region, assert_painted, buffer, client, paint, painted, unique, window,
};

const NON_VOLATILE: Purgeable = Purgeable::NonVolatile;
const VOLATILE: Purgeable = Purgeable::Volatile;
const EMPTY: Purgeable = Purgeable::Empty;

/// Only asks.
fn keep_current(memory: impl AsFd) -> Result<Purgeable, Errno> {
    let mut set = iomd_set_purgeable {
        size: size::<iomd_set_purgeable>(),
        state: IOMD_PURGEABLE_KEEP_CURRENT,
        ..Default::default()
    };
    call(memory, IOMD_SET_PURGEABLE, &mut set).map(|()| set.old_state.into())
}

/// Memory in a state.
fn memory_in(state: Purgeable) -> Descriptor {
    let memory = painted(2, TAG);
    set(&memory, state).unwrap();
    memory
}

#[test]
fn every_state_leads_where_it_does() {
    assert_eq!(state(&buffer(1)), NON_VOLATILE, "as all memory is made");
    for (before, wanted, after) in [
        (NON_VOLATILE, NON_VOLATILE, NON_VOLATILE),
        (NON_VOLATILE, VOLATILE, VOLATILE),
        (NON_VOLATILE, EMPTY, EMPTY),
        (VOLATILE, NON_VOLATILE, NON_VOLATILE),
        (VOLATILE, VOLATILE, VOLATILE),
        (VOLATILE, EMPTY, EMPTY),
        (EMPTY, NON_VOLATILE, NON_VOLATILE),
        // Only who wants it kept learns that it is gone.
        (EMPTY, VOLATILE, EMPTY),
        (EMPTY, EMPTY, EMPTY),
    ] {
        let memory = memory_in(before);
        assert_eq!(keep_current(&memory), Ok(before));
        assert_eq!(set(&memory, wanted), Ok(before), "from {before} to {wanted}");
        assert_eq!(state(&memory), after, "from {before} to {wanted}");
        assert_eq!(keep_current(&memory), Ok(after));
        let resident = if after == EMPTY { 0 } else { 2 * PAGE as u64 };
        assert_eq!(memory.info().unwrap().resident, resident, "from {before} to {wanted}");
        match (before, after) {
            (_, EMPTY) => {}
            (EMPTY, _) => assert_eq!(window(&memory).load_u64(PAGE), 0),
            _ => assert_painted(&memory, TAG),
        }
    }
}

#[test]
fn fdinfo_names_the_state() {
    let memory = buffer(1);
    for (state, name) in [(VOLATILE, "volatile"), (EMPTY, "empty"), (NON_VOLATILE, "non-volatile")]
    {
        set(&memory, state).unwrap();
        let path = format!("/proc/self/fdinfo/{}", memory.as_fd().as_raw_fd());
        let lines = fs::read_to_string(path).unwrap();
        assert!(lines.contains(&format!("\niomd-purgeable:\t{name}\n")), "{lines}");
    }
}

#[test]
fn unknown_states_are_refused() {
    let memory = memory_in(VOLATILE);
    for number in [0, 5, 8, IOMD_PURGEABLE_MODIFIERS, 0x8000_0000 | IOMD_PURGEABLE_EMPTY, u32::MAX]
    {
        assert_eq!(set(&memory, Purgeable::Other(number)), Err(Errno::INVAL), "{number:#x}");
    }
    for bit in (0..32).map(|shift| 1 << shift).filter(|bit| IOMD_PURGEABLE_MODIFIERS & bit != 0) {
        for state in IOMD_PURGEABLE_KEEP_CURRENT..=IOMD_PURGEABLE_EMPTY {
            let number = bit | state;
            assert_eq!(
                set(&memory, Purgeable::Other(number)),
                Err(Errno::OPNOTSUPP),
                "{number:#x}"
            );
        }
    }
    assert_eq!(state(&memory), VOLATILE);
}

#[test]
fn who_may_not_write_may_only_ask() {
    let memory = memory_in(VOLATILE);
    let read_only = memory.read_only().unwrap();
    for wanted in [NON_VOLATILE, VOLATILE, EMPTY] {
        assert_eq!(set(&read_only, wanted), Err(Errno::ACCESS), "{wanted}");
    }
    assert_eq!(keep_current(&read_only), Ok(VOLATILE));
    assert_painted(&memory, TAG);
}

#[test]
fn memory_held_for_io_is_not_emptied() {
    for before in [NON_VOLATILE, VOLATILE] {
        let memory = memory_in(before);
        let mapping = window(&memory);
        let pin = Pin::of(Region::from(&mapping).pages(1..2));
        assert_eq!(set(&memory, EMPTY), Err(Errno::BUSY));
        assert_eq!(state(&memory), before);
        assert_painted(&memory, TAG);
        drop(pin);
        assert_eq!(set(&memory, EMPTY), Ok(before));
    }
}

#[test]
fn what_is_relied_on_stays() {
    fn seal(map: impl AsFd) -> Result<(), Errno> {
        let mut seal = iomd_map_seal { size: size::<iomd_map_seal>(), ..Default::default() };
        call(map, IOMD_MAP_SEAL, &mut seal)
    }
    let memory = painted(1, TAG);
    let map = unique(&memory);
    for wanted in [VOLATILE, EMPTY] {
        set(&memory, wanted).unwrap();
        assert_eq!(seal(&map), Err(Errno::BUSY), "{wanted}");
    }
    set(&memory, NON_VOLATILE).unwrap();
    paint(&memory, TAG);
    seal(&map).unwrap();
    for wanted in [VOLATILE, EMPTY] {
        assert_eq!(set(&memory, wanted), Err(Errno::PERM));
    }
    assert_eq!(state(&memory), NON_VOLATILE);
    assert_painted(&memory, TAG);
    // Nor does it come to show what does not.
    for wanted in [VOLATILE, EMPTY] {
        let other = memory_in(wanted);
        let refused = map.redirect(&other).run().unwrap_err();
        assert_eq!(refused.errno(), Errno::BUSY, "{wanted}");
    }
    // A map that has ended relies on nothing.
    map.unmap().unwrap();
    assert_eq!(set(&memory, EMPTY), Ok(NON_VOLATILE));
}

#[test]
fn without_memory_to_give_back_it_stays_empty() {
    const PAGES: usize = 64;
    let client = client();
    let child = Child::fork(|parent| {
        let bytes = Some((PAGES * PAGE) as u64);
        setrlimit(Resource::Memlock, Rlimit { current: bytes, maximum: bytes }).unwrap();
        become_user(5021);
        let make = |pages: usize| client.buffer((pages * PAGE) as u64);
        let memory = make(PAGES).unwrap();
        assert!(make(1).is_err(), "that is all");
        set(&memory, EMPTY).unwrap();
        // Its charge is gone with it.
        let other = make(1).unwrap();
        for _ in 0..2 {
            assert_eq!(set(&memory, NON_VOLATILE), Err(Errno::NOMEM));
            assert_eq!(state(&memory), EMPTY);
            assert_eq!(memory.info().unwrap().resident, 0);
        }
        assert!(make(PAGES).is_err(), "nothing was uncharged that was not charged");
        drop(other);
        assert_eq!(set(&memory, NON_VOLATILE), Ok(EMPTY));
        assert!(make(1).is_err(), "it is charged again");
        drop(memory);
        make(PAGES).unwrap();
        parent.say(0);
    });
    child.hear();
    child.succeed();
}
