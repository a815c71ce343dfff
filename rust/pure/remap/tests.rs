// SPDX-License-Identifier: GPL-2.0

use super::*;
use proptest::prelude::*;

const PAGE: u64 = PAGE_SIZE;
const LIMIT: u64 = 1 << 47;

fn rights(bits: u32) -> Protection {
    Protection::new(bits).unwrap()
}

#[test]
fn inheritance_is_one_of_three() {
    for (number, shared, copied) in [
        (0, Ok(Inheritance::Share), Ok(Inheritance::Share)),
        (1, Err(RemapError::Unsupported), Ok(Inheritance::Copy)),
        (2, Ok(Inheritance::None), Ok(Inheritance::None)),
        (3, Err(RemapError::Argument), Err(RemapError::Argument)),
        (
            u32::MAX,
            Err(RemapError::Argument),
            Err(RemapError::Argument),
        ),
    ] {
        assert_eq!(Inheritance::new(number, false), shared);
        assert_eq!(Inheritance::new(number, true), copied);
    }
}

#[test]
fn wanted_protections_are_refused_as_by_mach() {
    for cur in 0..16 {
        for max in 0..16 {
            let expected = if cur > 7 || max > 7 || cur & !max != 0 {
                Err(RemapError::Argument)
            } else if max & 6 == 6 {
                Err(RemapError::Protection)
            } else {
                Ok((cur, max))
            };
            let wanted = Protections::wanted(cur, max);
            assert_eq!(
                wanted.map(|both| (both.cur.bits(), both.max.bits())),
                expected
            );
        }
    }
}

#[test]
fn the_source_s_pages() {
    for (address, size, whole, expected) in [
        (0x5000, 1, false, Ok((0x5000, PAGE, 0))),
        (0x5001, PAGE, false, Ok((0x5000, PAGE, 0))),
        (0x5001, PAGE, true, Ok((0x5000, 2 * PAGE, 1))),
        (0x5fff, 1, true, Ok((0x5000, PAGE, 0xfff))),
        (0x5fff, 2, true, Ok((0x5000, 2 * PAGE, 0xfff))),
        (0x5fff, 2, false, Ok((0x5000, PAGE, 0))),
        (0x5000, 0, false, Err(RemapError::Argument)),
        (0x5000, 0, true, Err(RemapError::Argument)),
        (0x5001, 0, true, Err(RemapError::Argument)),
        (0, u64::MAX, false, Err(RemapError::Argument)),
        (1, u64::MAX, false, Err(RemapError::Argument)),
        (u64::MAX, 1, true, Err(RemapError::Argument)),
        (u64::MAX - PAGE, PAGE, true, Err(RemapError::Argument)),
        (
            u64::MAX - 2 * PAGE + 1,
            PAGE,
            true,
            Ok((u64::MAX - 2 * PAGE + 1, PAGE, 0)),
        ),
    ] {
        let source = Source::new(address, size, whole)
            .map(|source| (source.start, source.length, source.misalignment));
        assert_eq!(source, expected, "{size:#x} at {address:#x}, {whole}");
    }
}

#[test]
fn a_place_of_one_s_choice() {
    for (address, length, mask, expected) in [
        (0x7abc, PAGE, 0, Ok(0x7000)),
        (0x7000, PAGE, 0xfff, Ok(0x7000)),
        (0x7fff, PAGE, 0xfff, Ok(0x7000)),
        (0x7000, PAGE, 0x1000, Err(RemapError::NoSpace)),
        (0x8000, PAGE, 0x7fff, Ok(0x8000)),
        (LIMIT - PAGE, PAGE, 0, Ok(LIMIT - PAGE)),
        (LIMIT - PAGE, 2 * PAGE, 0, Err(RemapError::Address)),
        (LIMIT, PAGE, 0, Err(RemapError::Address)),
        (u64::MAX, PAGE, 0, Err(RemapError::Address)),
        // What is wrong with both is refused for its mask.
        (u64::MAX, PAGE, 1 << 63, Err(RemapError::NoSpace)),
    ] {
        assert_eq!(
            fixed(address, length, mask, LIMIT),
            expected,
            "{address:#x} {mask:#x}"
        );
    }
}

#[test]
fn xnu_s_rule_for_masks_with_gaps() {
    let first = |hint, mask| first_fit(hint, PAGE, mask, 0..LIMIT, |_| None);
    // There would be room at 0x4000, but the rule adds the mask first.
    assert_eq!(first(0x3000, 0x2000), Ok(0x5000));
    assert_eq!(first(0x2000, 0x2000), Ok(0x4000));
    assert_eq!(first(0x1000, 0x2000), Ok(0x1000));
    assert_eq!(first(PAGE, u64::MAX), Err(RemapError::NoSpace));
}

/// What is occupied in an address space of a few pages.
fn occupied(pages: &[bool]) -> impl FnMut(u64) -> Option<(u64, u64)> + '_ {
    |address| {
        let from = (address / PAGE) as usize;
        let begin = (from..pages.len()).find(|&page| pages[page])?;
        let end = (begin..pages.len())
            .find(|&page| !pages[page])
            .unwrap_or(pages.len());
        Some((begin as u64 * PAGE, end as u64 * PAGE))
    }
}

proptest! {
    #[test]
    fn first_fit_is_the_first_that_fits(
        pages in prop::collection::vec(any::<bool>(), 1..40), hint in 0_u64..50,
        length in 1_u64..6, order in 0_u32..5, low in 0_u64..4
    ) {
        let limit = pages.len() as u64;
        let mask = (PAGE << order) - 1;
        let fits = |start: u64| {
            start & mask == 0 && start / PAGE + length <= limit
                && (start / PAGE..start / PAGE + length).all(|page| !pages[page as usize])
        };
        let expected = (hint.max(low)..limit).map(|page| page * PAGE).find(|&start| fits(start));
        let found = first_fit(
            hint * PAGE + 5, length * PAGE, mask, low * PAGE..limit * PAGE, occupied(&pages)
        );
        prop_assert_eq!(found, expected.ok_or(RemapError::NoSpace));
    }

    #[test]
    fn any_mask_is_kept_and_the_place_is_free(
        pages in prop::collection::vec(any::<bool>(), 1..40), hint: u16, mask: u32, length in 1_u64..4
    ) {
        let limit = pages.len() as u64 * PAGE;
        let found = first_fit(
            hint.into(), length * PAGE, mask.into(), 0..limit, occupied(&pages)
        );
        if let Ok(start) = found {
            prop_assert_eq!(start & u64::from(mask), 0);
            prop_assert_eq!(start % PAGE, 0);
            prop_assert!(start >= u64::from(hint) / PAGE * PAGE);
            prop_assert!((start / PAGE..start / PAGE + length).all(|page| !pages[page as usize]));
        }
    }

    #[test]
    fn every_byte_asked_for_is_there_if_whole(address in 0_u64..1 << 20, size in 1_u64..1 << 16) {
        let source = Source::new(address, size, true).unwrap();
        prop_assert_eq!(source.start + source.misalignment, address);
        prop_assert!(source.end() >= address + size && source.end() < address + size + PAGE);
        let paged = Source::new(address, size, false).unwrap();
        prop_assert_eq!((paged.start, paged.misalignment), (source.start, 0));
        prop_assert!(paged.length >= size && paged.length < size + PAGE);
    }

    #[test]
    fn nobody_gets_more_than_there_is(cur in 0_u32..8, max in 0_u32..8, possible in 0_u32..8,
        wanted_cur in 0_u32..8, wanted_max in 0_u32..8, copy: bool
    ) {
        let source = Protections { cur: rights(cur & max), max: rights(max) };
        let possible = rights(possible);
        match source.granted(None, copy, possible) {
            Ok(granted) => {
                prop_assert_eq!(granted.cur.bits(), cur & max & possible.bits());
                prop_assert_eq!(granted.max.bits(), max & possible.bits());
            }
            Err(error) => {
                prop_assert_eq!(error, RemapError::Protection);
                prop_assert!(copy && max & 1 == 0);
            }
        }
        if let Ok(wanted) = Protections::wanted(wanted_cur, wanted_max) {
            let is_offered = if copy {
                max & 1 != 0
            } else {
                wanted_cur & !(cur & max) == 0 && wanted_max & !max == 0
            };
            let is_possible = wanted_max & !possible.bits() == 0;
            let expected = if is_offered && is_possible { Ok(wanted) } else { Err(RemapError::Protection) };
            prop_assert_eq!(source.granted(Some(wanted), copy, possible), expected);
        }
    }

    #[test]
    fn together_is_what_all_have(a in 0_u32..8, b in 0_u32..8) {
        let both = |bits| Protections { cur: rights(bits), max: rights(bits) };
        prop_assert_eq!(both(a).and(both(b)).cur.bits(), a & b);
        prop_assert_eq!(both(a).and(Protections::ALL), both(a));
    }
}
