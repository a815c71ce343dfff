// SPDX-License-Identifier: MIT OR Apache-2.0

//! Where no access has brought a page-table entry there is none to take away, and nobody looks for one.
//! What an access has brought is taken away nevertheless, whoever brought it, and when.

use rustix::process::Signal;

use crate::support::{Child, End, PAGE, painted, unique, unique_shared};

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;
const PAGES: usize = 4;

#[test]
fn what_comes_after_a_suspension_is_taken_away() {
    let (old, new) = (painted(PAGES, OLD), painted(PAGES, NEW));
    let map = unique(&old);
    let memory = map.mmap().unwrap();
    for round in 0..3 {
        // The first time nobody has touched it yet.
        map.suspend().unwrap();
        map.resume().unwrap();
        assert_eq!(memory.load_u64(0), OLD, "round {round}");
        map.redirect(&new).run().unwrap();
        assert_eq!(memory.load_u64(0), NEW, "round {round}");
        map.redirect(&old).run().unwrap();
    }
}

#[test]
fn what_a_suspension_of_a_part_left_is_taken_away() {
    let (old, new) = (painted(PAGES, OLD), painted(PAGES, NEW));
    let map = unique(&old);
    let memory = map.mmap().unwrap();
    assert_eq!(memory.load_u64(0), OLD);
    map.suspend_with().range(PAGE as u64, 0).run().unwrap();
    map.resume().unwrap();
    map.redirect(&new).run().unwrap();
    assert_eq!(memory.load_u64(0), NEW);
}

#[test]
fn what_a_child_has_is_taken_away() {
    let (old, new) = (painted(PAGES, OLD), painted(PAGES, NEW));
    let map = unique_shared(&old);
    let memory = map.mmap().unwrap();
    // It gets a copy of the entry, and touches nothing itself before.
    assert_eq!(memory.load_u64(0), OLD);
    let child = Child::fork(|parent| {
        parent.say(0);
        parent.hear();
        assert_eq!(memory.load_u64(0), NEW);
    });
    child.hear();
    map.redirect(&new).run().unwrap();
    child.say(0);
    child.succeed();
}

#[test]
fn what_comes_after_a_suspension_is_gone_at_the_end() {
    let map = unique_shared(&painted(PAGES, OLD));
    let memory = map.mmap().unwrap();
    map.suspend().unwrap();
    map.resume().unwrap();
    let child = Child::fork(|parent| {
        assert_eq!(memory.load_u64(0), OLD);
        parent.say(0);
        parent.hear();
        memory.load_u64(0);
    });
    child.hear();
    map.unmap().unwrap();
    child.say(0);
    assert_eq!(child.end(), End::Killed(Signal::BUS));
}
