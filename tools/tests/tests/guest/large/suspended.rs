// SPDX-License-Identifier: MIT OR Apache-2.0

//! Suspensions of pieces, and of pages in the middle of one.

use std::time::Duration;

use rustix::process::Signal;

use super::{NEW, OLD, PIECE, assert_faults, assert_shows, large, mapped};
use crate::support::{Child, End, PAGE, User, await_waiters, painted, scaled, unique, window};

#[test]
fn pages_of_a_piece_are_held_up_alone() {
    let map = unique(&large(2 * PIECE, OLD));
    let region = mapped(&map);
    assert_faults(&map, region, OLD, 2);
    map.suspend_with().range(100 * PAGE as u64, 2 * PAGE as u64).run().unwrap();
    let users = [100, 101].map(|page| {
        let user = User::of(&map);
        user.begin_read(page * PAGE);
        user
    });
    await_waiters(&map, 2);
    for pages in [0..100, 102..PIECE, PIECE..2 * PIECE] {
        assert_shows(region.pages(pages.clone()), OLD + pages.start as u64);
    }
    map.resume_range(101 * PAGE as u64, PAGE as u64).unwrap();
    assert_eq!(users[1].finish(), OLD + 101);
    await_waiters(&map, 1);
    map.resume().unwrap();
    assert_eq!(users[0].finish(), OLD + 100);
    assert_shows(region, OLD);
}

#[test]
fn who_waits_for_a_piece_gets_it_in_one_fault() {
    let memory = large(PIECE, OLD);
    let map = unique(&memory);
    let region = mapped(&map);
    assert_faults(&map, region, OLD, 1);
    map.suspend().unwrap();
    let user = User::of(&map);
    user.begin_read(5 * PAGE);
    await_waiters(&map, 1);
    map.redirect(&large(PIECE, NEW)).run().unwrap();
    assert_eq!(user.finish(), NEW + 5);
    let before = map.info().unwrap().faults;
    for page in 0..PIECE {
        assert_eq!(user.read(page * PAGE), NEW + page as u64);
    }
    assert_eq!(map.info().unwrap().faults, before);
}

#[test]
fn a_copy_of_pieces_in_use_is_one_moment() {
    const LAST: usize = (PIECE - 1) * PAGE;
    let (memory, copy) = (large(PIECE, 0), painted(PIECE, 0));
    let (map, copied) = (unique(&memory), window(&copy));
    let writer = Child::fork(|parent| {
        let region = mapped(&map);
        for number in 1.. {
            region.write(0, number);
            region.write(LAST, number);
            if number == 1 {
                parent.say(0);
            } else if number % 64 == 0 && parent.is_ready(Duration::ZERO) {
                return;
            }
        }
    });
    writer.hear();
    let mut before = 0;
    for _ in 0..scaled(20) {
        memory.copy_to(&copy).run().unwrap();
        let (first, last) = (copied.load_u64(0), copied.load_u64(LAST));
        assert!(first == last || first == last + 1, "{first}, then {last}");
        assert!(first >= before);
        before = first;
    }
    writer.say(0);
    writer.succeed();
}

#[test]
fn an_end_reaches_pieces() {
    let memory = large(PIECE, OLD);
    let map = unique(&memory);
    let region = mapped(&map);
    assert_faults(&map, region, OLD, 1);
    let child = Child::fork(|parent| {
        let region = mapped(&map);
        assert_eq!(region.read(0), OLD);
        parent.say(0);
        parent.hear();
        region.read(0);
    });
    child.hear();
    map.unmap().unwrap();
    child.say(0);
    assert_eq!(child.end(), End::Killed(Signal::BUS));
    assert_eq!(window(&memory).load_u64(0), OLD);
}

#[test]
fn its_descriptor_is_suspended() {
    let memory = large(PIECE, OLD);
    let map = unique(&memory);
    let user = User::of(&map);
    assert_eq!(user.read(0), OLD);
    memory.suspend().unwrap();
    user.begin_read(PAGE);
    await_waiters(&map, 1);
    memory.resume().unwrap();
    assert_eq!(user.finish(), OLD + 1);
}
