// SPDX-License-Identifier: MIT OR Apache-2.0

//! Who pays for a copy, and what becomes of one whose memory runs out.

use iomd::BufferFlags;
use rustix::process::Signal;

use super::{Own, made_for_it};
use crate::support::cgroup::Cgroup;
use crate::support::{Child, End, PAGE, Region, unique_shared};

const MIB: usize = 1 << 20;
const PAGES: usize = 16 * MIB / PAGE;

#[test]
fn the_copy_s_group_pays_and_the_source_s_writer_goes_on() {
    let source = made_for_it(PAGES, BufferFlags::empty());
    let map = unique_shared(&source);
    let region = Region::from(map.mmap().unwrap());
    let group = Cgroup::new("lazy");
    let copier = Child::fork(|parent| {
        group.enter();
        let region = Region::from(map.mmap().unwrap());
        let copy = Own::new().copy(region);
        parent.say(copy.read(0));
        parent.hear();
        for page in 0..PAGES {
            parent.say(copy.read(page * PAGE));
        }
    });
    assert_eq!(copier.hear(), 0);
    let before = group.charged();
    // Half of it, which the writer causes.
    for page in 0..PAGES / 2 {
        region.write(page * PAGE, 1);
    }
    let charged = group.charged() - before;
    assert!(charged > 6 * MIB as u64, "{charged} bytes are charged to the copy's group");

    // No more for the rest: that is not the writer's loss.
    group.limit(group.charged());
    for page in 0..PAGES {
        region.write(page * PAGE, 2);
    }
    assert_ne!(group.events("max"), 0, "the limit was hit");
    assert_eq!(group.events("oom_kill"), 0);
    // What is lost stays so.
    group.limit(2 * PAGES as u64 * PAGE as u64);
    copier.say(0);
    for _ in 0..PAGES / 2 {
        assert_eq!(copier.hear(), 0);
    }
    while let Some(word) = copier.listen() {
        assert_eq!(word, 0, "it is as it was, or not there");
    }
    assert_eq!(copier.end(), End::Killed(Signal::BUS));
}
