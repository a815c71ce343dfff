// SPDX-License-Identifier: GPL-2.0

//! Ranges of any numbers: what is accepted is inside, and as long as was asked for.

#![no_main]

use iomd_pure::range::{AddressRange, PAGE_SIZE, PageRange};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u64, u64, u64)| {
    let (size, offset, length) = input;
    if let Ok(object) = PageRange::object(size) {
        assert_eq!(object.pages() as u64, size.div_ceil(PAGE_SIZE));
        if let Ok(part) = PageRange::part(object, offset, length) {
            assert_eq!(part.start() as u64 * PAGE_SIZE, offset);
            assert!(part.pages() > 0 && part.end() <= object.end());
            match length {
                0 => assert_eq!(part.end(), object.end()),
                length => assert_eq!(part.pages() as u64, length.div_ceil(PAGE_SIZE)),
            }
        }
        if let Ok(covering) = PageRange::covering(object, offset, length) {
            assert_eq!(covering.start() as u64, offset / PAGE_SIZE);
            assert!(covering.pages() > 0 && covering.end() <= object.end());
            assert!(length == 0 || (offset + length).div_ceil(PAGE_SIZE) == covering.end() as u64);
        }
    }
    if let Ok(bytes) = AddressRange::new(offset, length) {
        assert_eq!((bytes.length(), bytes.end()), (length, offset + length));
        assert_eq!(bytes.first_page() as u64 + bytes.head(), offset);
        assert_eq!(bytes.first_page() as u64, bytes.page_number() as u64 * PAGE_SIZE);
        assert!(bytes.pages() as u64 * PAGE_SIZE - bytes.head() >= length);
    }
});
