// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a forked child gets of a mapping.

use std::thread;

use iomd::{Descriptor, Errno, Map};
use rustix::mm::{Advice, MprotectFlags};
use rustix::process::Signal;

use super::{OLD, assert_shows, mapped, part};
use crate::support::{
    Child, End, PAGE, Region, User, await_waiters, painted, proc, unique, unique_shared,
};

const NEW: u64 = 0x0200;

/// Asserts that a child of this process has nothing there.
#[track_caller]
fn assert_not_inherited(region: Region) {
    for page in 0..region.len() / PAGE {
        let child = User::with(|| region);
        assert!(!proc::is_mapped(child.pid(), region.address() + page * PAGE));
        child.begin_read(page * PAGE);
        assert_eq!(child.into_child().end(), End::Killed(Signal::SEGV), "page {page}");
    }
}

#[test]
fn none_is_nothing() {
    let map = unique(&painted(2, OLD));
    let region = mapped(&map);
    assert_not_inherited(region);
    assert_shows(region, 0);
    assert_not_inherited(region);
    // A child that has the handle can have its own.
    let child = User::with(|| mapped(&map));
    assert_eq!(child.read(PAGE), OLD + 1);
    region.unmap().unwrap();
}

#[test]
fn none_is_nothing_in_whatever_form() {
    let map = unique(&painted(4, OLD));
    let whole = mapped(&map);
    let parts = [
        whole.pages(0..2).moved(),
        whole.pages(2..3),
        whole.pages(3..4),
        Region::from(map.mmap_with(part(1, 2)).unwrap()),
    ];
    parts[1].protect(MprotectFlags::READ).unwrap();
    parts[2].show_file_pages(0).unwrap();
    for (region, first) in parts.into_iter().zip([0, 2, 0, 1]) {
        assert_shows(region, first);
        assert_not_inherited(region);
        region.unmap().unwrap();
    }
}

#[test]
fn none_cannot_be_undone_by_advice() {
    let map = unique(&painted(1, OLD));
    let region = mapped(&map);
    for advice in [Advice::LinuxDoFork, Advice::LinuxWipeOnFork] {
        assert_eq!(region.advise(advice), Err(Errno::INVAL), "{advice:?}");
        assert_not_inherited(region);
    }
    // As it is already.
    region.advise(Advice::LinuxDontFork).unwrap();
    region.advise(Advice::LinuxKeepOnFork).unwrap();
    assert_not_inherited(region);
    assert_shows(region, 0);
    region.unmap().unwrap();
}

#[test]
fn share_is_the_same_mapping() {
    let (old, new) = (painted(2, OLD), painted(2, NEW));
    let map = unique_shared(&old);
    let region = mapped(&map);
    let moved = mapped(&map).moved();
    for touched in [false, true] {
        if touched {
            assert_shows(region, 0);
        }
        let child = User::with(|| region);
        assert_eq!([child.read(0), child.read(PAGE)], [OLD, OLD + 1]);
        child.write(8, 7);
        assert_eq!(region.read(8), 7);
        region.write(8, 0);
        assert_eq!(child.read(8), 0);
        assert_eq!(User::with(|| moved).read(PAGE), OLD + 1);
    }
    // Down to grandchildren.
    let child = Child::fork(|parent| {
        let grandchild = User::with(|| region);
        parent.say(grandchild.read(PAGE));
        parent.hear();
        parent.say(grandchild.read(PAGE));
    });
    assert_eq!(child.hear(), OLD + 1);
    map.redirect(&new).run().unwrap();
    child.say(0);
    assert_eq!(child.hear(), NEW + 1);
    child.succeed();
    region.unmap().unwrap();
    moved.unmap().unwrap();
}

#[test]
fn share_can_be_given_up_by_advice() {
    let map = unique_shared(&painted(2, OLD));
    let region = mapped(&map);
    let first = region.pages(0..1);
    first.advise(Advice::LinuxDontFork).unwrap();
    assert_not_inherited(first);
    let child = User::with(|| region);
    assert_eq!(child.read(PAGE), OLD + 1, "the rest is inherited");
    // For good: the kernel does not undo it for mappings of drivers.
    assert_eq!(first.advise(Advice::LinuxDoFork), Err(Errno::INVAL));
    assert_not_inherited(first);
    assert_shows(region, 0);
    region.unmap().unwrap();
}

#[test]
fn memory_is_never_wiped_for_a_child() {
    let map = unique_shared(&painted(1, OLD));
    let region = mapped(&map);
    assert_eq!(region.advise(Advice::LinuxWipeOnFork), Err(Errno::INVAL));
    assert_eq!(User::with(|| region).read(0), OLD);
    region.unmap().unwrap();
}

/// Forked while the map is suspended; they then wait for it.
fn family(map: &Map, region: Region) -> [Child; 2] {
    map.suspend().unwrap();
    let child = Child::fork(|parent| parent.say(region.read(PAGE)));
    let grandparent = Child::fork(|parent| {
        let grandchild = Child::fork(|_| parent.say(region.read(PAGE)));
        parent.say(region.read(PAGE));
        grandchild.succeed();
    });
    await_waiters(map, 3);
    [child, grandparent]
}

#[test]
fn a_child_of_a_suspended_mapping_waits_too() {
    let (old, new) = (painted(2, OLD), painted(2, NEW));
    let map = unique_shared(&old);
    let region = mapped(&map);
    for (tag, go_on) in [
        (OLD, (|map, _| map.resume().unwrap()) as fn(&Map, &Descriptor)),
        (NEW, |map, new| assert_eq!(map.redirect(new).run().unwrap().pinned, 0)),
    ] {
        let [child, grandparent] = family(&map, region);
        assert!(child.is_silent() && grandparent.is_silent());
        go_on(&map, &new);
        assert_eq!([child.hear(), grandparent.hear(), grandparent.hear()], [tag + 1; 3]);
        child.succeed();
        grandparent.succeed();
        assert_eq!(region.read(PAGE), tag + 1);
    }
    region.unmap().unwrap();
}

#[test]
fn a_child_made_during_the_wait_of_a_thread_waits_too() {
    let map = unique_shared(&painted(1, OLD));
    map.suspend().unwrap();
    let child = Child::fork(|parent| {
        let region = mapped(&map);
        thread::scope(|scope| {
            let reader = scope.spawn(|| region.read(0));
            await_waiters(&map, 1);
            let grandchild = Child::fork(|_| parent.say(region.read(0)));
            parent.say(reader.join().unwrap());
            grandchild.succeed();
        });
    });
    await_waiters(&map, 2);
    map.resume().unwrap();
    assert_eq!([child.hear(), child.hear()], [OLD; 2]);
    child.succeed();
}
