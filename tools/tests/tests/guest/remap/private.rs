// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory that its task alone sees: the very pages are in the new mapping too.

use iomd::{Errno, Protection};
use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags};

use super::{Own, RW, TAG, assert_painted, assert_shared, map, memfd, place, private, unmap};
use crate::support::{Child, End, PAGE, Region};

#[test]
fn both_sides_see_what_either_writes() {
    let own = Own::new();
    let region = private(4, TAG);
    let remapped = own.remap(region).run().unwrap();
    assert_eq!((remapped.cur, remapped.max), (RW, RW));
    let alias = place(remapped, region.len());
    assert_painted(alias, TAG);
    assert_shared(region, alias);
    unmap([region, alias]);
}

#[test]
fn memory_that_nobody_has_touched_yet() {
    let own = Own::new();
    let region = Region::reserve(2);
    region.protect(MprotectFlags::READ | MprotectFlags::WRITE).unwrap();
    let alias = own.alias(region);
    assert_eq!(alias.read(0), 0);
    assert_shared(region, alias);
    // Or only read, which is the kernel's one page of zeros.
    let region = Region::reserve(2);
    region.protect(MprotectFlags::READ | MprotectFlags::WRITE).unwrap();
    assert_eq!(region.read(0) + region.read(PAGE), 0);
    let other = own.alias(region);
    assert_shared(region, other);
    unmap([region, alias, other]);
}

#[test]
fn it_stays_when_the_source_unmaps_it() {
    let own = Own::new();
    let region = private(2, TAG);
    let alias = own.alias(region);
    region.unmap().unwrap();
    assert_painted(alias, TAG);
    alias.write(0, 5);
    assert_eq!(alias.read(0), 5);
    unmap([alias]);
}

#[test]
fn after_a_fork_it_is_still_the_parent_s() {
    // The kernel would give the page to whoever writes first, and a copy to the other.
    let own = Own::new();
    let region = private(2, TAG);
    let alias = own.alias(region);
    let child = Child::fork(|parent| {
        parent.hear();
        region.write(8, 1);
        parent.say(region.read(0));
        parent.hear();
        parent.say(region.read(16));
    });
    region.write(0, 2 * TAG);
    assert_eq!(alias.read(0), 2 * TAG);
    assert_shared(region, alias);
    child.say(0);
    assert_eq!(child.hear(), TAG, "the child has a copy");
    assert_eq!(alias.read(8), 0, "what it writes is its own");
    alias.write(16, 9);
    child.say(0);
    assert_eq!(child.hear(), 0);
    child.succeed();
    assert_shared(region, alias);
    unmap([region, alias]);
}

#[test]
fn pages_that_a_fork_has_left_to_be_copied() {
    let own = Own::new();
    let region = private(2, TAG);
    // It has the same pages, until one writes.
    let child = Child::fork(|parent| {
        parent.hear();
        parent.say(region.read(0));
    });
    let alias = own.alias(region);
    alias.write(0, 5);
    assert_eq!(region.read(0), 5);
    assert_shared(region, alias);
    child.say(0);
    assert_eq!(child.hear(), TAG);
    child.succeed();
    unmap([region, alias]);
}

#[test]
fn what_the_source_discards_is_its_own_loss() {
    let own = Own::new();
    let region = private(2, TAG);
    let alias = own.alias(region);
    region.pages(0..1).advise(Advice::LinuxDontNeed).unwrap();
    assert_eq!(region.read(0), 0);
    assert_painted(alias, TAG);
    region.write(0, 5);
    assert_eq!(alias.read(0), TAG, "the page is another now");
    assert_shared(region.pages(1..2), alias.pages(1..2));
    unmap([region, alias]);
}

#[test]
fn a_private_mapping_of_a_file() {
    let own = Own::new();
    let file = memfd(3, TAG);
    let rights = ProtFlags::READ | ProtFlags::WRITE;
    let region = map(&file, 0, 3, rights, MapFlags::PRIVATE);
    // One page is its own already, one is the file's, one was never touched.
    region.write(8, 1);
    assert_eq!(region.read(PAGE), TAG + 1);
    let alias = own.alias(region);
    assert_painted(alias, TAG);
    assert_shared(region, alias);
    // The file has seen nothing of it.
    let window = map(&file, 0, 3, ProtFlags::READ, MapFlags::SHARED);
    for page in 0..3 {
        assert_eq!([8, 16].map(|at| window.read(page * PAGE + at)), [0, 0]);
    }
    unmap([region, alias, window]);
}

#[test]
fn rights_of_the_moment_are_kept_and_can_be_raised() {
    let own = Own::new();
    for (now, cur) in
        [(MprotectFlags::READ, Protection::READ), (MprotectFlags::empty(), Protection::empty())]
    {
        let region = private(2, TAG);
        region.protect(now).unwrap();
        let remapped = own.remap(region).run().unwrap();
        assert_eq!((remapped.cur, remapped.max), (cur, RW));
        let alias = place(remapped, region.len());
        let child = Child::fork(|_| alias.write(0, 1));
        assert_eq!(child.end(), End::Killed(rustix::process::Signal::SEGV));
        for side in [region, alias] {
            side.protect(MprotectFlags::READ | MprotectFlags::WRITE).unwrap();
        }
        assert_painted(alias, TAG);
        assert_shared(region, alias);
        unmap([region, alias]);
    }
}

#[test]
fn it_is_charged_as_locked_memory() {
    use crate::support::privileges::become_user;
    use rustix::process::{Resource, Rlimit, setrlimit};

    let child = Child::fork(|parent| {
        let region = private(4, TAG);
        let own = Own::new();
        let limit = Rlimit { current: Some(3 * PAGE as u64), maximum: Some(3 * PAGE as u64) };
        setrlimit(Resource::Memlock, limit).unwrap();
        become_user(4712);
        let refused = own.remap(region).run().unwrap_err();
        assert_eq!(refused.errno(), Errno::NOMEM);
        let alias = own.alias(region.pages(0..3));
        assert!(own.remap(region.pages(3..4)).run().is_err());
        alias.unmap().unwrap();
        crate::support::eventually("the charge is gone", || {
            own.remap(region.pages(3..4)).run().is_ok()
        });
        parent.say(0);
    });
    child.hear();
    child.succeed();
}
