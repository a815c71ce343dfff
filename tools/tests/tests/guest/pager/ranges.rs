// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which accesses wait when a part of a map is suspended.

use std::time::Duration;

use iomd::{Deadline, Errno, IfAbandoned, Map};
use iomd_sys as sys;
use rustix::mm::Advice;
use rustix::process::Signal;

use super::{NEW, OLD, resume, suspend};
use crate::support::kernel_mode::{self, DONE};
use crate::support::privileges::{WITHOUT_PTRACE, map_made};
use crate::support::{
    Child, End, PAGE, Region, User, assert_painted, await_waiters, buffer, client, eventually,
    paint, painted, raw, scaled, unique, unique_shared,
};

/// Asserts which pages of a map accesses wait for, without waiting: the map was made without the
/// privilege that lets an access of the kernel's wait, so that such an access fails instead.
#[track_caller]
fn assert_held(region: Region, held: impl Fn(usize) -> bool, what: &str) {
    for page in 0..region.len() / PAGE {
        let expected = if held(page) { Err(Errno::FAULT) } else { Ok(DONE) };
        let outcome = kernel_mode::read(region.pages(page..page + 1));
        assert_eq!(outcome, expected, "page {page}, {what}");
    }
}

/// A map for [`assert_held`].
fn unprivileged(pages: usize) -> (Map, Region) {
    let map = map_made(pages, OLD, WITHOUT_PTRACE[0].1);
    let region = Region::from(map.mmap().unwrap());
    (map, region)
}

#[test]
fn only_accesses_to_it_wait() {
    let map = unique(&painted(8, OLD));
    let users = [User::of(&map), User::of(&map), User::of(&map)];
    for user in &users {
        // All of it is in their page tables.
        (0..8).for_each(|page| assert_eq!(user.read(page * PAGE), OLD + page as u64));
    }
    suspend(&map, 2, 3);
    for user in &users {
        for page in [0, 1, 5, 6, 7] {
            assert_eq!(user.read(page * PAGE), OLD + page as u64);
            user.write(page * PAGE + 8, 1);
        }
    }
    users[0].begin_read(2 * PAGE);
    users[1].begin_write(3 * PAGE, NEW);
    users[2].begin_read(5 * PAGE - 8);
    await_waiters(&map, 3);

    resume(&map, 2, 1);
    assert_eq!(users[0].finish(), OLD + 2);
    await_waiters(&map, 2);
    assert!(map.info().unwrap().suspended);
    resume(&map, 3, 2);
    users[1].finish();
    users[2].finish();
    assert_eq!(users[2].read(3 * PAGE), NEW);
    assert!(!map.info().unwrap().suspended, "nothing is left of it");
}

#[test]
fn ranges_add_up_and_are_resumed_in_any_pieces() {
    // More than two words of a set of pages, and not a whole number of them.
    const PAGES: usize = 150;
    let (map, region) = unprivileged(PAGES);
    let mut random = fastrand::Rng::with_seed(7);
    let mut held = [false; PAGES];
    for step in 0..scaled(100) {
        let first = random.usize(..PAGES);
        let pages = random.usize(1..=PAGES - first);
        let begin = random.bool();
        if begin {
            suspend(&map, first, pages);
        } else {
            resume(&map, first, pages);
        }
        held[first..first + pages].fill(begin);
        assert_held(region, |page| held[page], &format!("step {step}"));
        assert_eq!(map.info().unwrap().suspended, held.contains(&true), "step {step}");
    }
}

#[test]
fn a_whole_map_is_resumed_page_by_page() {
    let (map, region) = unprivileged(70);
    map.suspend().unwrap();
    assert_held(region, |_| true, "all of it");
    resume(&map, 69, 1);
    assert_held(region, |page| page != 69, "but for the last");
    resume(&map, 0, 65);
    assert_held(region, |page| (65..69).contains(&page), "but for most");
    map.suspend().unwrap();
    assert_held(region, |_| true, "all of it again");
    map.resume().unwrap();
    assert_held(region, |_| false, "after all");
}

#[test]
fn length_0_is_to_the_end() {
    let (map, region) = unprivileged(6);
    map.suspend_with().range(2 * PAGE as u64, 0).run().unwrap();
    assert_held(region, |page| page >= 2, "suspended");
    map.resume_range(4 * PAGE as u64, 0).unwrap();
    assert_held(region, |page| page == 2 || page == 3, "resumed");
}

#[test]
fn a_length_is_rounded_up() {
    let (map, region) = unprivileged(4);
    map.suspend_with().range(PAGE as u64, 1).run().unwrap();
    assert_held(region, |page| page == 1, "suspended");
    map.resume_range(PAGE as u64, 1).unwrap();
    assert_held(region, |_| false, "resumed");
}

#[test]
fn neighbours_bring_no_held_page_in() {
    // A fault puts pages in that follow the one that is wanted.
    let map = unique(&painted(16, OLD));
    let user = User::of(&map);
    suspend(&map, 5, 1);
    assert_eq!(user.read(4 * PAGE), OLD + 4);
    assert_eq!(user.read(6 * PAGE), OLD + 6);
    user.begin_read(5 * PAGE);
    await_waiters(&map, 1);
    resume(&map, 5, 1);
    assert_eq!(user.finish(), OLD + 5);
}

#[test]
fn every_alias_is_held() {
    let map = unique_shared(&painted(8, OLD));
    let memory = map.mmap().unwrap();
    let parent = Region::from(memory);
    let inherited = User::with(|| parent);
    let moved = User::with(|| parent.pages(4..8).moved());
    let part = iomd::MmapOptions { offset: 4 * PAGE as u64, ..Default::default() };
    let partial = User::with(|| map.mmap_with(part).unwrap().into());
    suspend(&map, 5, 1);
    inherited.begin_read(5 * PAGE);
    moved.begin_read(PAGE);
    partial.begin_read(PAGE);
    await_waiters(&map, 3);
    resume(&map, 5, 1);
    for user in [&inherited, &moved, &partial] {
        assert_eq!(user.finish(), OLD + 5);
    }
}

#[test]
fn a_redirect_ends_it() {
    let map = unique(&painted(4, OLD));
    let user = User::of(&map);
    suspend(&map, 1, 2);
    user.begin_read(PAGE);
    await_waiters(&map, 1);
    map.redirect(&painted(4, NEW)).run().unwrap();
    assert_eq!(user.finish(), NEW + 1);
    assert_eq!(user.read(2 * PAGE), NEW + 2);
    assert!(!map.info().unwrap().suspended);
}

#[test]
fn a_batch_ends_it() {
    let [one, other] = [(); 2].map(|()| unique(&painted(2, OLD)));
    let user = User::of(&one);
    suspend(&one, 1, 1);
    user.begin_read(PAGE);
    await_waiters(&one, 1);
    let new = painted(2, NEW);
    client().batch().redirect(&one, &new).redirect(&other, &new).run().unwrap();
    assert_eq!(user.finish(), NEW + 1);
}

#[test]
fn its_deadline_is_for_it_alone() {
    let map = unique(&painted(2, OLD));
    let (one, other) = (User::of(&map), User::of(&map));
    let deadline = Deadline::after(Duration::from_millis(50));
    map.suspend_with().range(0, PAGE as u64).deadline(deadline).run().unwrap();
    one.begin_read(0);
    assert_eq!(one.into_child().end(), End::Killed(Signal::BUS));
    assert_eq!(other.read(PAGE), OLD + 1);
    assert!(map.info().unwrap().expired);
    map.resume().unwrap();
    assert_eq!(other.read(0), OLD);
}

#[test]
fn a_later_one_gives_all_of_it_its_deadline() {
    let map = unique(&painted(2, OLD));
    let user = User::of(&map);
    suspend(&map, 0, 1);
    user.begin_read(0);
    await_waiters(&map, 1);
    let deadline = Deadline::after(Duration::from_millis(10));
    map.suspend_with().range(PAGE as u64, 1).deadline(deadline).run().unwrap();
    assert_eq!(user.into_child().end(), End::Killed(Signal::BUS));
}

#[test]
fn it_is_abandoned_as_a_whole() {
    for (if_abandoned, end) in
        [(IfAbandoned::Resume, None), (IfAbandoned::Sigbus, Some(End::Killed(Signal::BUS)))]
    {
        let map = unique(&painted(4, OLD));
        let (held, free) = (User::of(&map), User::of(&map));
        let owner = map.reopen().unwrap();
        owner.suspend_with().range(PAGE as u64, 1).if_abandoned(if_abandoned).run().unwrap();
        held.begin_read(PAGE);
        await_waiters(&map, 1);
        drop(owner);
        match end {
            None => assert_eq!(held.finish(), OLD + 1),
            Some(end) => assert_eq!(held.into_child().end(), end),
        }
        assert_eq!(free.read(0), OLD, "{if_abandoned:?}");
    }
}

#[test]
fn a_copy_leaves_it_as_it_is() {
    let source = painted(4, OLD);
    let map = unique(&source);
    let (held, free) = (User::of(&map), User::of(&map));
    suspend(&map, 1, 1);
    held.begin_read(PAGE);
    await_waiters(&map, 1);
    let target = buffer(4);
    source.copy_to(&target).run().unwrap();
    assert_painted(&target, OLD);
    assert_eq!(free.read(0), OLD);
    assert!(held.is_silent());

    // It goes on on the copy where it may go on at all.
    paint(&source, NEW);
    source.copy_to(&target).resume_on_target(true).run().unwrap();
    assert_eq!(map.info().unwrap().descriptor_id, target.id().unwrap());
    assert_eq!(free.read(0), NEW);
    await_waiters(&map, 1);
    assert!(held.is_silent());
    resume(&map, 1, 1);
    assert_eq!(held.finish(), NEW + 1);
}

#[test]
fn a_descriptor_s_suspension_is_another() {
    let memory = painted(2, OLD);
    let map = unique(&memory);
    let (one, other) = (User::of(&map), User::of(&map));
    suspend(&map, 0, 1);
    let mut all = sys::iomd_descriptor_suspend {
        size: raw::size::<sys::iomd_descriptor_suspend>(),
        ..Default::default()
    };
    raw::call(&memory, sys::IOMD_DESCRIPTOR_SUSPEND, &mut all).unwrap();
    one.begin_read(0);
    other.begin_read(PAGE);
    await_waiters(&map, 2);
    let mut end =
        sys::iomd_descriptor_resume { size: raw::size::<sys::iomd_descriptor_resume>(), flags: 0 };
    raw::call(&memory, sys::IOMD_DESCRIPTOR_RESUME, &mut end).unwrap();
    assert_eq!(other.finish(), OLD + 1);
    await_waiters(&map, 1);
    resume(&map, 0, 1);
    assert_eq!(one.finish(), OLD);
}

#[test]
fn whom_the_descriptor_s_suspension_spares_waits_for_it() {
    let memory = painted(2, OLD);
    let map = unique_shared(&memory);
    let controller = map.reopen().unwrap();
    let safe = Child::fork(|parent| {
        let region = Region::from(map.mmap().unwrap());
        let mut spare = sys::iomd_descriptor_suspend {
            size: raw::size::<sys::iomd_descriptor_suspend>(),
            flags: sys::IOMD_SUSPEND_SPARE_CALLER,
            ..Default::default()
        };
        raw::call(&memory, sys::IOMD_DESCRIPTOR_SUSPEND, &mut spare).unwrap();
        parent.say(region.read(PAGE));
        parent.say(region.read(0));
    });
    // It can be before or after the descriptor's.
    suspend(&controller, 0, 1);
    assert_eq!(safe.hear(), OLD + 1);
    eventually("it waits, or was faster", || {
        controller.info().unwrap().waiters == 1 || !safe.is_silent()
    });
    resume(&controller, 0, 1);
    assert_eq!(safe.hear(), OLD);
    safe.succeed();
}

#[test]
fn what_is_wrong_changes_nothing() {
    let map = unique(&painted(4, OLD));
    let user = User::of(&map);
    let page = PAGE as u64;
    for (offset, length, errno) in [
        (1, page, Errno::INVAL),
        (page - 1, 0, Errno::INVAL),
        (4 * page, 0, Errno::RANGE),
        (4 * page, page, Errno::RANGE),
        (3 * page, page + 1, Errno::RANGE),
        (page, u64::MAX - page + 1, Errno::OVERFLOW),
        (u64::MAX - page + 1, page, Errno::OVERFLOW),
    ] {
        let refused = map.suspend_with().range(offset, length).run().unwrap_err();
        assert_eq!(refused.errno(), errno, "suspend {length} from {offset}");
        let refused = map.resume_range(offset, length).unwrap_err();
        assert_eq!(refused.errno(), errno, "resume {length} from {offset}");
    }
    let info = map.info().unwrap();
    assert!(!info.suspended && info.generation == 0);
    assert_eq!(user.read(3 * PAGE), OLD + 3);

    let shared = painted(2, OLD).map().create().unwrap();
    let refused = shared.suspend_with().range(0, page).run().unwrap_err();
    assert_eq!(refused.errno(), Errno::PERM, "a map that is not unique");
}

#[test]
fn held_pages_stay_held_when_more_is_refused() {
    let (map, region) = unprivileged(4);
    suspend(&map, 0, 1);
    let _pin = crate::support::pin::Pin::of(region.pages(2..3));
    let more = map.suspend_with().range(PAGE as u64, 0).refuse_pinned(true).run().unwrap_err();
    assert_eq!(more.errno(), Errno::BUSY);
    assert_held(region, |page| page == 0, "after the refusal");
    let found = map.suspend_with().range(3 * PAGE as u64, 0).refuse_pinned(true).run().unwrap();
    assert_eq!(found.pinned, 0, "only its own pages count");
    let found = map.suspend_with().range(PAGE as u64, 2 * PAGE as u64).run().unwrap();
    assert_eq!(found.pinned, 1);
}

#[test]
fn the_kernel_is_never_refused_a_page_that_is_not_held() {
    // Each resume closes the map for a moment, in which the terms of the suspension are not those
    // of this access.
    let (map, region) = unprivileged(2);
    let controller = Child::fork(|parent| {
        while parent.is_ready(Duration::ZERO).then(|| parent.listen()).is_none() {
            suspend(&map, 1, 1);
            resume(&map, 1, 1);
        }
    });
    for round in 0..scaled(10_000) {
        region.pages(0..1).advise(Advice::LinuxDontNeed).unwrap();
        assert_eq!(kernel_mode::read(region), Ok(DONE), "round {round}");
    }
    controller.say(0);
    controller.succeed();
}
