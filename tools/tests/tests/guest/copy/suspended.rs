// SPDX-License-Identifier: MIT OR Apache-2.0

//! A copy resumes what it has suspended, and nothing else.

use super::{NEW, OLD};
use crate::support::{PAGE, User, await_waiters, buffer, painted, scaled, unique, window};

#[test]
fn maps_that_were_suspended_stay_so_and_where_they_are() {
    let (source, target) = (painted(4, OLD), buffer(4));
    let (suspended, live) = (unique(&source), unique(&source));
    let (waiter, user) = (User::of(&suspended), User::of(&live));
    assert_eq!(waiter.read(PAGE), OLD + 1);
    suspended.suspend().unwrap();
    waiter.begin_read(PAGE);
    await_waiters(&suspended, 1);
    for resume_on_target in [false, true] {
        let before = suspended.info().unwrap();
        let copied = source.copy_to(&target).resume_on_target(resume_on_target).run().unwrap();
        assert_eq!(copied.maps, 1, "the other map");
        assert_eq!(suspended.info().unwrap(), before);
        assert!(waiter.is_silent());
    }
    assert_eq!(live.info().unwrap().descriptor_id, target.id().unwrap());
    user.write(PAGE, 7);
    window(&source).store_u64(PAGE, 9);
    suspended.resume().unwrap();
    assert_eq!(waiter.finish(), 9, "it is where it was");
    assert_eq!(user.read(PAGE), 7);
}

#[test]
fn a_suspended_map_is_no_hindrance() {
    // Neither as one that would reach beyond the range.
    let (source, target) = (painted(4, OLD), painted(4, NEW));
    let whole = unique(&source);
    whole.suspend().unwrap();
    let before = whole.info().unwrap();
    let copy = source.copy_to(&target).range(PAGE as u64, PAGE as u64).resume_on_target(true);
    assert_eq!(copy.run().unwrap().maps, 0);
    assert_eq!(whole.info().unwrap(), before);
    whole.resume().unwrap();
    assert_eq!(whole.mmap().unwrap().load_u64(PAGE), OLD + 1);
}

#[test]
fn a_copy_of_suspended_memory_has_what_was_written_before() {
    let (source, target) = (buffer(1), buffer(1));
    let map = unique(&source);
    let user = User::of(&map);
    for value in 1..=scaled(100) {
        user.write(0, value);
        map.suspend().unwrap();
        user.begin_write(0, value + 1000);
        assert_eq!(source.copy_to(&target).run().unwrap().maps, 0);
        assert_eq!(window(&target).load_u64(0), value);
        map.resume().unwrap();
        user.finish();
    }
}

#[test]
fn who_waits_for_the_copy_goes_on() {
    // Someone touches the memory at every moment of many copies.
    const PAGES: usize = 64;
    let (source, target) = (painted(PAGES, OLD), buffer(PAGES));
    let maps = [unique(&source), source.map().read_only(true).create().unwrap()];
    let users = maps.each_ref().map(User::of);
    for time in 0..scaled(200).max(20) as usize {
        let page = time % PAGES;
        for user in &users {
            user.begin_read(page * PAGE);
        }
        assert_eq!(source.copy_to(&target).run().unwrap().maps, 2);
        for user in &users {
            assert_eq!(user.finish(), OLD + page as u64);
        }
    }
    for map in &maps {
        let info = map.info().unwrap();
        assert!(!info.suspended);
        assert_eq!(info.waiters, 0);
    }
}
