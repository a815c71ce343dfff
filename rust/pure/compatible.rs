// SPDX-License-Identifier: GPL-2.0

//! When a request for a mapping is served by one that exists (XNU's "compatible").

use super::options::{Options, CACHE_MASK, DEFAULT_CACHE, GUARDED, READ_ONLY};

/// A mapping of a descriptor in a task: one that exists, or one that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping {
    pub options: Options,
    /// Where it starts in the descriptor, in bytes.
    pub offset: u64,
    /// Bytes, as asked for.
    pub length: u64,
    /// Where it is in the task. Of a wanted one that may be anywhere it means nothing.
    pub address: u64,
}

impl Mapping {
    /// Where in `existing`, a live mapping of the same descriptor in the same task, the wanted one
    /// begins; `None` if `existing` does not serve it.
    ///
    /// The two are the same if their lengths are too: see [`Mapping::covers_as_much_as`].
    pub fn found_in(&self, existing: &Self) -> Option<u64> {
        if self.options.is_unique() || existing.options.is_unique() {
            return None;
        }
        let differing = self.options.bits() ^ existing.options.bits();
        let any_cache = self.options.bits() & CACHE_MASK == DEFAULT_CACHE;
        if differing & (READ_ONLY | GUARDED) != 0 || !any_cache && differing & CACHE_MASK != 0 {
            return None;
        }

        let before = self.offset.checked_sub(existing.offset)?;
        if before.checked_add(self.length)? > existing.length {
            return None;
        }
        let address = existing.address.checked_add(before)?;
        (self.options.is_anywhere() || self.address == address).then_some(before)
    }

    /// Whether one that is found in `existing` is all of it.
    pub fn covers_as_much_as(&self, existing: &Self) -> bool {
        self.length == existing.length
    }
}

#[cfg(test)]
mod tests {
    use super::super::options::{
        ANYWHERE, CACHE_SHIFT, COPYBACK_CACHE, GUARDED_LARGE, GUARDED_SMALL, OVERWRITE, PREFAULT,
        REFERENCE, STATIC, UNIQUE,
    };
    use super::*;
    use proptest::prelude::*;

    const PAGE: u64 = 4096;
    const COPYBACK: u32 = COPYBACK_CACHE << CACHE_SHIFT;

    fn mapping(bits: u32, offset: u64, length: u64, address: u64) -> Mapping {
        let options = Options::of_existing(bits).unwrap();
        Mapping {
            options,
            offset,
            length,
            address,
        }
    }

    /// Four pages from the second on, at the tenth.
    fn existing(bits: u32) -> Mapping {
        mapping(bits, PAGE, 4 * PAGE, 10 * PAGE)
    }

    fn found(wanted: u32, existing_bits: u32) -> bool {
        mapping(wanted | ANYWHERE, PAGE, 4 * PAGE, 0)
            .found_in(&existing(existing_bits))
            .is_some()
    }

    #[test]
    fn the_read_only_bit_must_be_the_same() {
        assert!(found(0, 0));
        assert!(found(READ_ONLY, READ_ONLY));
        assert!(!found(READ_ONLY, 0));
        assert!(!found(0, READ_ONLY));
    }

    #[test]
    fn the_cache_mode_is_default_or_the_same() {
        assert!(found(0, COPYBACK));
        assert!(found(COPYBACK, COPYBACK));
        assert!(!found(COPYBACK, 0));
    }

    #[test]
    fn the_guards_are_the_same() {
        let kinds = [0, GUARDED_SMALL, GUARDED_LARGE];
        for wanted in kinds {
            for existing in kinds {
                assert_eq!(found(wanted, existing | ANYWHERE), wanted == existing);
            }
        }
    }

    #[test]
    fn a_unique_one_is_never_shared() {
        assert!(!found(UNIQUE, 0));
        assert!(!found(0, UNIQUE));
        assert!(!found(UNIQUE, UNIQUE));
    }

    #[test]
    fn other_options_make_no_difference() {
        for bits in [ANYWHERE, STATIC, REFERENCE, PREFAULT, OVERWRITE] {
            assert!(found(bits, 0));
            assert!(found(0, bits));
        }
    }

    #[test]
    fn a_placed_one_is_where_it_was_asked_for() {
        let existing = existing(0);
        for (offset, address, expected) in [
            (PAGE, 10 * PAGE, Some(0)),
            (PAGE, 11 * PAGE, None),
            (2 * PAGE, 11 * PAGE, Some(PAGE)),
            // XNU compares with the beginning of the larger one, and so gives another address.
            (2 * PAGE, 10 * PAGE, None),
        ] {
            let wanted = mapping(0, offset, PAGE, address);
            assert_eq!(
                wanted.found_in(&existing),
                expected,
                "{offset} at {address}"
            );
        }
    }

    #[test]
    fn lengths_are_bytes() {
        let existing = mapping(0, 0, 5000, 10 * PAGE);
        let wanted = |length| mapping(ANYWHERE, 0, length, 0);
        assert_eq!(wanted(5000).found_in(&existing), Some(0));
        assert!(wanted(5000).covers_as_much_as(&existing));
        assert_eq!(wanted(4097).found_in(&existing), Some(0));
        assert!(!wanted(4097).covers_as_much_as(&existing));
        assert_eq!(wanted(2 * PAGE).found_in(&existing), None);
    }

    proptest! {
        #[test]
        fn it_is_found_exactly_if_every_byte_is_there(
            offset in 0_u64..20, length in 1_u64..20, start in 0_u64..20, pages in 1_u64..20
        ) {
            let existing = mapping(0, start * PAGE, pages * PAGE, 10 * PAGE);
            let wanted = mapping(ANYWHERE, offset * PAGE, length * PAGE, 0);
            let inside = (offset..offset + length).all(|page| (start..start + pages).contains(&page));
            prop_assert_eq!(wanted.found_in(&existing).is_some(), inside);
            if let Some(before) = wanted.found_in(&existing) {
                prop_assert_eq!(existing.offset + before, wanted.offset);
                prop_assert_eq!(
                    wanted.covers_as_much_as(&existing),
                    (offset, length) == (start, pages)
                );
            }
        }

        #[test]
        fn a_placed_one_is_found_exactly_if_one_anywhere_is_and_would_be_there(
            offset in 0_u64..9, length in 0_u64..9, address in 0_u64..20,
            start in 0_u64..9, pages in 0_u64..9, base in 0_u64..9
        ) {
            let existing = mapping(0, start, pages, base);
            let anywhere = mapping(ANYWHERE, offset, length, address).found_in(&existing);
            let expected = anywhere.filter(|before| base + before == address);
            prop_assert_eq!(mapping(0, offset, length, address).found_in(&existing), expected);
        }
    }
}
