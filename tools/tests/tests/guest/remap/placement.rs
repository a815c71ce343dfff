// SPDX-License-Identifier: MIT OR Apache-2.0

//! Where it goes.

use iomd::Errno;

use super::{FAR, Own, TAG, assert_painted, assert_shared, place, private, unmap};
use crate::support::{PAGE, Region, painted, proc, unique};

const STEP: u64 = PAGE as u64;

#[test]
fn a_place_of_one_s_choice() {
    let own = Own::new();
    let region = private(2, TAG);
    let free = Region::reserve(4);
    free.unmap().unwrap();
    let at = free.address() as u64 + STEP;
    let remapped = own.remap(region).at(at + 5).run().unwrap();
    assert_eq!(remapped.address, at);
    let alias = place(remapped, region.len());
    assert_painted(alias, TAG);

    // Now it is occupied, wholly or in part.
    for near in [at - STEP, at, at + STEP] {
        let refused = own.remap(region).at(near).run().unwrap_err();
        assert_eq!(refused.errno(), Errno::NOSPC);
    }
    assert_painted(alias, TAG);
    unmap([region, alias]);
}

#[test]
fn over_what_is_there() {
    let own = Own::new();
    let region = private(2, TAG);
    let there = private(4, 2 * TAG);
    // SAFETY: nothing of Rust's is there.
    let over = unsafe { own.remap(region).over(there.pages(1..3).address() as u64) };
    assert_eq!(over.run().unwrap().address as usize, there.pages(1..3).address());
    assert_painted(there.pages(1..3), TAG);
    assert_eq!([there.read(0), there.read(3 * PAGE)], [2 * TAG, 2 * TAG + 3]);
    assert_shared(region, there.pages(1..3));
    unmap([region, there]);
}

#[test]
fn onto_itself() {
    let own = Own::new();
    for copy in [false, true] {
        let region = private(3, TAG);
        // SAFETY: nothing of Rust's is there.
        let over = unsafe { own.remap(region).copy(copy).over(region.address() as u64) };
        over.run().unwrap();
        assert_painted(region, TAG);
        // And with one page less, over its own beginning.
        let rest = own.remap(region.pages(1..3)).copy(copy);
        // SAFETY: as above.
        unsafe { rest.over(region.address() as u64) }.run().unwrap();
        assert_painted(region.pages(0..2), TAG + 1);
        if !copy {
            assert_shared(region.pages(1..2), region.pages(2..3));
        }
        unmap([region]);
    }
}

#[test]
fn several_pieces_over_what_is_there_are_all_or_none() {
    let own = Own::new();
    let region = private(2, TAG);
    let map = unique(&painted(1, TAG + 2));
    let third = Region::from(map.mmap().unwrap());
    let row = Region::reserve(3);
    for (part, at) in [(region, row.pages(0..2)), (third, row.pages(2..3))] {
        part.remap(part.len(), rustix::mm::MremapFlags::MAYMOVE, Some(at)).unwrap();
    }
    let there = private(3, 2 * TAG);
    let mappings = || proc::mappings(rustix::process::getpid()).len();
    let before = mappings();
    map.unmap().unwrap();
    // SAFETY: nothing of Rust's is there.
    let refused = unsafe { own.remap(row).over(there.address() as u64) }.run().unwrap_err();
    assert_eq!(refused.errno(), Errno::IO);
    assert_painted(there, 2 * TAG);
    assert_eq!(mappings(), before);
    unmap([row, there]);
}

#[test]
fn the_first_place_that_fits() {
    let own = Own::new();
    let region = private(2, TAG);
    let first = own.remap(region).from(FAR).run().unwrap();
    assert_eq!(first.address, FAR);
    let second = own.remap(region).from(FAR + 1).run().unwrap();
    assert_eq!(second.address, FAR + 2 * STEP);
    // A gap that is too small, and one that is not.
    let far = Region::at(FAR as usize, 4 * PAGE);
    far.pages(1..2).unmap().unwrap();
    let third = own.remap(region).from(FAR).run().unwrap();
    assert_eq!(third.address, FAR + 4 * STEP);
    far.pages(2..3).unmap().unwrap();
    let fourth = own.remap(region).from(FAR).run().unwrap();
    assert_eq!(fourth.address, FAR + STEP);
    assert_shared(far.pages(1..3), Region::at(third.address as usize, 2 * PAGE));
    unmap([region, Region::at(FAR as usize, 6 * PAGE)]);
}

#[test]
fn never_at_the_address_0() {
    let own = Own::new();
    let region = private(1, TAG);
    let remapped = own.remap(region).from(0).run().unwrap();
    assert!(remapped.address >= 64 << 10, "{:#x}", remapped.address);
    let alias = place(remapped, region.len());
    assert_shared(region, alias);
    unmap([region, alias]);
}

#[test]
fn a_mask() {
    let own = Own::new();
    let region = private(3, TAG);
    let huge = (2 << 20) - 1;
    let first = own.remap(region).from(FAR + 1).mask(huge).run().unwrap();
    assert_eq!(first.address, FAR);
    let second = own.remap(region).from(FAR).mask(huge).run().unwrap();
    assert_eq!(second.address, FAR + huge + 1);
    // There it has to be right already.
    let refused = own.remap(region).at(FAR + (16 << 20) + STEP).mask(huge).run().unwrap_err();
    assert_eq!(refused.errno(), Errno::NOSPC);
    let third = own.remap(region).at(FAR + (16 << 20)).mask(huge).run().unwrap();
    assert_eq!(third.address, FAR + (16 << 20));
    unmap([region]);
    unmap([first, second, third].map(|remapped| place(remapped, 3 * PAGE)));
}

#[test]
fn bytes_that_begin_and_end_anywhere() {
    let own = Own::new();
    let region = private(3, TAG);
    let start = region.address() as u64;
    let remap = |from, length| own.client.remap(&own.task, start + from, length).from(FAR);
    // As many pages as the length needs, from the page on that has the first byte.
    let pages = remap(STEP - 1, 2).run().unwrap();
    assert_eq!(pages.address, FAR);
    assert_eq!(Region::at(FAR as usize, PAGE).read(0), TAG);
    let next = own.remap(region.pages(0..1)).from(FAR).run().unwrap();
    assert_eq!(next.address, FAR + STEP, "it was one page");
    unmap([Region::at(FAR as usize, 2 * PAGE)]);
    // All pages of the bytes.
    let exact = remap(STEP - 1, 2).exact(true).run().unwrap();
    assert_eq!(exact.address, FAR + STEP - 1);
    let both = Region::at(FAR as usize, 2 * PAGE);
    assert_painted(both, TAG);
    assert_shared(both, region.pages(0..2));
    unmap([region, both]);
}
