// SPDX-License-Identifier: MIT OR Apache-2.0

//! A map of memory that is made of others' is suspended with each of those.

use std::slice;

use iomd::{Deadline, Errno};
use rustix::process::Signal;

use super::{KINDS, PAGES, Sample};
use crate::support::{End, PAGE, User, await_waiters, painted, unique};

const TAG: u64 = 0x0100;

impl Sample {
    /// It, and all that is below it.
    pub fn levels(&self) -> impl Iterator<Item = &iomd::Descriptor> {
        slice::from_ref(&self.memory).iter().chain(&self.below)
    }
}

#[test]
fn accesses_wait_while_any_of_them_is_suspended() {
    for kind in &KINDS {
        let sample = (kind.painted)(TAG);
        let map = unique(&sample.memory);
        let user = User::of(&map);
        assert_eq!(user.read(0), TAG, "{}", kind.name);
        for level in sample.levels() {
            level.suspend().unwrap();
            user.begin_read(PAGE);
            await_waiters(&map, 1);
            assert!(map.info().unwrap().descriptor_suspended, "{}", kind.name);
            level.resume().unwrap();
            assert_eq!(user.finish(), TAG + 1, "{}", kind.name);
            assert!(!map.info().unwrap().descriptor_suspended, "{}", kind.name);
        }
    }
}

#[test]
fn all_of_them_have_to_be_resumed() {
    for kind in &KINDS {
        let sample = (kind.painted)(TAG);
        let map = unique(&sample.memory);
        let user = User::of(&map);
        for level in sample.levels() {
            level.suspend().unwrap();
        }
        user.begin_read(0);
        await_waiters(&map, 1);
        for level in sample.levels() {
            assert!(user.is_silent(), "{}", kind.name);
            assert!(map.info().unwrap().descriptor_suspended, "{}", kind.name);
            level.resume().unwrap();
        }
        assert_eq!(user.finish(), TAG, "{}", kind.name);
    }
}

#[test]
fn who_comes_to_a_suspended_level_waits() {
    for kind in &KINDS {
        let sample = (kind.painted)(TAG);
        for level in sample.levels() {
            level.suspend().unwrap();
            let (late, coming) = (unique(&sample.memory), unique(&painted(PAGES, 0)));
            coming.redirect(&sample.memory).run().unwrap();
            let users = [&late, &coming].map(User::of);
            for (user, map) in users.iter().zip([&late, &coming]) {
                user.begin_read(0);
                await_waiters(map, 1);
            }
            level.resume().unwrap();
            for user in users {
                assert_eq!(user.finish(), TAG, "{}", kind.name);
            }
        }
    }
}

#[test]
fn a_process_is_safe_only_where_it_is_from_all() {
    for kind in &KINDS {
        let sample = (kind.painted)(TAG);
        let map = unique(&sample.memory);
        let (mapping, user) = (map.mmap().unwrap(), User::of(&map));
        for level in sample.levels() {
            level.suspend_with().spare_caller(true).run().unwrap();
        }
        assert_eq!(mapping.load_u64(0), TAG, "{}", kind.name);
        user.begin_read(0);
        await_waiters(&map, 1);
        for level in sample.levels() {
            level.resume().unwrap();
        }
        assert_eq!(user.finish(), TAG, "{}", kind.name);
    }
    let sample = (KINDS[2].painted)(TAG);
    let map = unique(&sample.memory);
    let user = User::of(&map);
    sample.below[0].suspend_with().spare_caller(true).run().unwrap();
    sample.memory.suspend_with().deadline(Deadline::from_nanoseconds(1)).run().unwrap();
    user.begin_read(0);
    assert_eq!(user.into_child().end(), End::Killed(Signal::BUS), "the earlier deadline counts");
}

#[test]
fn a_sealed_map_forbids_it_at_each() {
    for kind in &KINDS {
        let sample = (kind.painted)(TAG);
        let map = unique(&sample.memory);
        map.seal().unwrap();
        for level in sample.levels() {
            assert_eq!(level.suspend().unwrap_err().errno(), Errno::PERM, "{}", kind.name);
        }
        assert_eq!(map.mmap().unwrap().load_u64(0), TAG, "{}", kind.name);
    }
}

#[test]
fn maps_of_what_is_below_do_not_wait_for_what_is_above() {
    for kind in &KINDS {
        let sample = (kind.painted)(TAG);
        sample.memory.suspend().unwrap();
        for below in &sample.below {
            let map = unique(below);
            assert!(!map.info().unwrap().descriptor_suspended, "{}", kind.name);
            map.mmap().unwrap().load_u64(0);
        }
    }
}
