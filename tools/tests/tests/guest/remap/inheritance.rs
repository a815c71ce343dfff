// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a forked child gets of the new mapping.

use iomd::{Errno, Inheritance};
use rustix::process::Signal;

use super::{Own, TAG, memfd, place, private, shared, unmap};
use crate::support::{Child, End, Region, painted, unique};

/// One of each kind, of as many pages.
fn sources() -> [Region; 3] {
    let map = painted(2, TAG).map().unique(true).keep(true).create().unwrap();
    [private(2, TAG), shared(memfd(2, TAG), 0, 2), Region::from(map.mmap().unwrap())]
}

#[test]
fn the_same_memory() {
    let own = Own::new();
    for copy in [false, true] {
        for region in sources() {
            let remap = own.remap(region).copy(copy).inheritance(Inheritance::Share);
            let alias = place(remap.run().unwrap(), region.len());
            let child = Child::fork(|parent| {
                parent.say(alias.read(0));
                alias.write(8, 5);
                parent.say(0);
                parent.hear();
                parent.say(alias.read(16));
            });
            assert_eq!((child.hear(), child.hear()), (TAG, 0));
            assert_eq!(alias.read(8), 5);
            assert_eq!(region.read(8), if copy { 0 } else { 5 });
            alias.write(16, 6);
            child.say(0);
            assert_eq!(child.hear(), 6);
            child.succeed();
            unmap([region, alias]);
        }
    }
}

#[test]
fn nothing() {
    let own = Own::new();
    for copy in [false, true] {
        for region in sources() {
            let remap = own.remap(region).copy(copy).inheritance(Inheritance::None);
            let alias = place(remap.run().unwrap(), region.len());
            assert_eq!(alias.read(0), TAG);
            let child = Child::fork(|_| {
                alias.read(0);
            });
            assert_eq!(child.end(), End::Killed(Signal::SEGV));
            unmap([region, alias]);
        }
    }
}

#[test]
fn a_copy_of_a_copy() {
    let own = Own::new();
    for region in sources() {
        let remap = own.remap(region).copy(true).inheritance(Inheritance::Copy);
        let copy = place(remap.run().unwrap(), region.len());
        copy.write(8, 1);
        let child = Child::fork(|parent| {
            parent.hear();
            parent.say(copy.read(0));
            parent.say(copy.read(8));
            copy.write(8, 2);
            parent.say(0);
        });
        copy.write(0, 3);
        child.say(0);
        // As it was at the fork.
        assert_eq!((child.hear(), child.hear(), child.hear()), (TAG, 1, 0));
        assert_eq!((copy.read(0), copy.read(8)), (3, 1));
        child.succeed();
        unmap([region, copy]);
    }
}

#[test]
fn no_copy_of_what_is_shared() {
    // The kernel has no place at fork where memory that is shared could be copied: its dup_mmap() asks
    // a mapping's ->open, which cannot fail, and then lists the child's mapping with the same file.
    let own = Own::new();
    for region in sources() {
        let refused = own.remap(region).inheritance(Inheritance::Copy).run().unwrap_err();
        assert_eq!(refused.errno(), Errno::OPNOTSUPP);
        unmap([region]);
    }
    let map = unique(&painted(1, TAG));
    let region = Region::from(map.mmap().unwrap());
    let refused = own.remap(region).inheritance(Inheritance::Other(3)).run().unwrap_err();
    assert_eq!(refused.errno(), Errno::INVAL);
    unmap([region]);
}
