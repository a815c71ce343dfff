// SPDX-License-Identifier: MIT OR Apache-2.0

//! A copy is of one moment, whichever map the memory is written through meanwhile.

use iomd::BufferFlags;

use super::{Own, made_for_it, mapped, unmap, was_at_once};
use crate::copy::writers::{Copy, PAGES, Writers};
use crate::support::{scaled, unique, window};

/// How often memory in use is copied.
const COPIES: u64 = 100;

#[test]
fn memory_in_use() {
    let own = Own::new();
    let source = made_for_it(PAGES, BufferFlags::empty());
    let maps = [unique(&source), source.map().create().unwrap()];
    let (region, live) = (mapped(&source), window(&source));
    let writers = Writers::of(&maps);
    for time in 0..scaled(COPIES) {
        writers.go_on(&live);
        let copy = own.copy(region);
        // Some of it comes by way of the writers, some by way of the reader.
        if time % 2 == 0 {
            writers.go_on(&live);
        }
        let seen = Copy::new(|offset| copy.read(offset));
        assert!(!seen.is_torn(), "copy {time} is torn: {seen:?}");
        assert!(!was_at_once(copy), "copy {time}");
        unmap([copy]);
    }
    writers.go_on(&live);
    writers.dismiss();
    unmap([region]);
}
