// SPDX-License-Identifier: MIT OR Apache-2.0

//! Protections that the caller asks for.

use iomd::{Errno, Protection};
use rustix::mm::MprotectFlags;

use super::{Own, RW, TAG, memfd, place, private, shared, unmap};
use crate::support::{Child, End, PAGE, Region, painted, unique};

const WRITABLE: MprotectFlags = MprotectFlags::READ.union(MprotectFlags::WRITE);

#[test]
fn they_are_those_of_the_new_mapping() {
    let own = Own::new();
    let (map, none) = (unique(&painted(1, TAG)), Protection::empty());
    let sources = [private(1, TAG), shared(memfd(1, TAG), 0, 1), Region::from(map.mmap().unwrap())];
    for region in sources {
        for (cur, max) in [(none, none), (none, Protection::READ), (Protection::READ, RW), (RW, RW)]
        {
            let remapped = own.remap(region).protections(cur, max).run().unwrap();
            assert_eq!((remapped.cur, remapped.max), (cur, max));
            let alias = place(remapped, PAGE);
            let reads = Child::fork(|_| {
                alias.read(0);
            });
            assert_eq!(reads.end() == End::Exited(0), cur.contains(Protection::READ));
            let writes = Child::fork(|_| alias.write(0, TAG));
            assert_eq!(writes.end() == End::Exited(0), cur.contains(Protection::WRITE));
            let raised = |rights| alias.protect(rights).is_ok();
            assert_eq!(raised(MprotectFlags::READ), max.contains(Protection::READ));
            assert_eq!(raised(WRITABLE), max.contains(Protection::WRITE));
            assert!(!raised(MprotectFlags::READ | MprotectFlags::EXEC));
            unmap([alias]);
        }
        unmap([region]);
    }
}

#[test]
fn what_the_source_does_not_offer() {
    let own = Own::new();
    let region = private(1, TAG);
    region.protect(MprotectFlags::READ).unwrap();
    // It could, but does not now.
    let refused = own.remap(region).protections(RW, RW).run().unwrap_err();
    assert_eq!(refused.errno(), Errno::ACCESS);
    let taken = own.remap(region).protections(Protection::READ, RW).run().unwrap();
    unmap([place(taken, PAGE)]);
    // A copy is not the source's.
    let copied = own.remap(region).copy(true).protections(RW, RW).run().unwrap();
    assert_eq!(copied.cur, RW);
    unmap([place(copied, PAGE), region]);
}
