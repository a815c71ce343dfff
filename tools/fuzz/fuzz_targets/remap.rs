// SPDX-License-Identifier: GPL-2.0

//! Places for memory that is mapped again: where nothing is, and inside the address space.

#![no_main]

use iomd_pure::range::PAGE_SIZE;
use iomd_pure::remap::{Source, first_fit, fixed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u64, u64, bool, u64, u64, Vec<(u32, u16)>)| {
    let (address, size, whole, mask, limit, pieces) = input;
    let Ok(source) = Source::new(address, size, whole) else { return };
    assert!(source.start % PAGE_SIZE == 0 && source.length % PAGE_SIZE == 0 && source.length > 0);
    assert!(source.start <= address && source.end() > source.start);
    assert!(source.length >= size && source.misalignment < PAGE_SIZE);

    if let Ok(start) = fixed(address, source.length, mask, limit) {
        assert!(start == source.start && start & mask == 0);
        assert!(start + source.length <= limit);
    }

    // What is mapped already, in order.
    let mut mapped: Vec<(u64, u64)> = Vec::new();
    for (gap, pages) in pieces {
        let last = mapped.last().map_or(0, |&(_, end)| end);
        let start = last + u64::from(gap) * PAGE_SIZE;
        mapped.push((start, start + (u64::from(pages) + 1) * PAGE_SIZE));
    }
    let above = |address| mapped.iter().copied().find(|&(_, end)| end > address);
    let found = first_fit(address, source.length, mask, PAGE_SIZE..limit, above);
    if let Ok(start) = found {
        let end = start + source.length;
        assert!(start >= PAGE_SIZE && end <= limit && start & mask == 0);
        assert!(mapped.iter().all(|&(begin, after)| after <= start || end <= begin));
    }
});
