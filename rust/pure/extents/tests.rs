// SPDX-License-Identifier: GPL-2.0

use super::*;
use proptest::prelude::*;

const PAGE: u64 = PAGE_SIZE;

/// A table as descriptors make it.
fn table(pieces: &[(u64, u64)]) -> Vec<Extent> {
    let mut extents: Vec<Extent> = Vec::new();
    for &(head, length) in pieces {
        match extents.last_mut() {
            None => extents.push(Extent::first(head, length).unwrap()),
            Some(last) => match last.joined(head, length).unwrap() {
                Some(joined) => *last = joined,
                None => {
                    let next = last.next(head, length).unwrap();
                    extents.push(next);
                }
            },
        }
    }
    extents
}

/// Page and offset of every byte of pieces, one by one.
fn bytes(pieces: &[(u64, u64)]) -> Vec<(usize, u64)> {
    let (mut bytes, mut page) = (vec![], 0);
    for &(head, length) in pieces {
        for byte in head..head + length {
            bytes.push((page + (byte / PAGE) as usize, byte % PAGE));
        }
        page += (head + length).div_ceil(PAGE) as usize;
    }
    bytes
}

/// Whether these bytes have addresses that follow one another.
fn follow(bytes: &[(usize, u64)]) -> bool {
    let address = |(page, offset): (usize, u64)| page as u64 * PAGE + offset;
    bytes
        .windows(2)
        .all(|pair| address(pair[0]) + 1 == address(pair[1]))
}

#[test]
fn aligned_pieces_are_one_extent() {
    assert_eq!(table(&[(100, PAGE - 100), (0, 2 * PAGE), (0, 7)]).len(), 1);
    assert_eq!(table(&[(0, PAGE), (1, PAGE - 1), (0, PAGE)]).len(), 2);
    assert_eq!(table(&[(0, PAGE - 1), (0, PAGE)]).len(), 2);
}

#[test]
fn nothing_and_too_much_are_refused() {
    assert_eq!(Extent::first(0, 0), Err(RangeError::Empty));
    assert_eq!(Extent::first(PAGE, 1), Err(RangeError::Misaligned));
    assert_eq!(Extent::first(1, u64::MAX), Err(RangeError::Overflow));
    let longest = Extent::first(0, MAX_PAGES * PAGE).unwrap();
    assert_eq!(longest.next(0, 1), Err(RangeError::Overflow));
    assert_eq!(longest.joined(0, 1), Err(RangeError::Overflow));
    assert_eq!(longest.joined(0, u64::MAX), Err(RangeError::Overflow));
}

#[test]
fn length_0_is_the_rest_and_the_end_is_no_offset() {
    let extents = table(&[(10, 90), (20, 30)]);
    assert_eq!(cover(&extents, 95, 0).unwrap().length, 25);
    assert_eq!(cover(&extents, 50, 0), Err(RangeError::Misaligned));
    assert_eq!(span(&extents, 50, 0).unwrap().length, 70);
    for length in [0, 1] {
        assert_eq!(span(&extents, 120, length), Err(RangeError::OutOfRange));
    }
    assert_eq!(span(&extents, 1, u64::MAX), Err(RangeError::Overflow));
}

/// Lengths and heads near the edges of pages.
fn piece() -> impl Strategy<Value = (u64, u64)> {
    let near = |pages: u64| {
        prop_oneof![
            0..3_u64,
            PAGE - 2..PAGE,
            (0..pages).prop_map(|page| page * PAGE)
        ]
    };
    (
        prop_oneof![Just(0), 0..3_u64, PAGE - 2..PAGE],
        near(3),
        near(2),
    )
        .prop_map(|(head, length, more)| (head, (length + more).max(1)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_byte_is_where_it_was_put(pieces in prop::collection::vec(piece(), 1..5)) {
        let (extents, bytes) = (table(&pieces), bytes(&pieces));
        for (position, &(page, offset)) in bytes.iter().enumerate() {
            let spot = locate(&extents, position as u64).unwrap();
            prop_assert_eq!((spot.page, spot.offset), (page, offset));
            let content = content(&extents, page).unwrap();
            let within = position as u64 - content.position;
            prop_assert!(within < content.length);
            prop_assert_eq!(content.offset + within, offset);
        }
        prop_assert_eq!(locate(&extents, bytes.len() as u64), None);
        let pages = extents.last().unwrap().page_end();
        let in_pages: u64 = (0..pages).map(|page| content(&extents, page).unwrap().length).sum();
        prop_assert_eq!(in_pages, bytes.len() as u64);
        prop_assert_eq!(content(&extents, pages), None);
    }

    #[test]
    fn bytes_can_be_mapped_exactly_if_their_addresses_follow(
        pieces in prop::collection::vec(piece(), 1..5), offset in any::<prop::sample::Index>(), length in any::<prop::sample::Index>()
    ) {
        let (extents, bytes) = (table(&pieces), bytes(&pieces));
        let offset = offset.index(bytes.len());
        let length = length.index(bytes.len() - offset) + 1;
        let wanted = &bytes[offset..offset + length];
        let pages = (wanted[0].0, wanted[length - 1].0);
        let span = span(&extents, offset as u64, length as u64).unwrap();
        prop_assert_eq!((span.pages.start(), span.pages.last()), pages);
        prop_assert_eq!(span.length, length as u64);
        let in_pages: u64 = (pages.0..=pages.1)
            .map(|page| content(&extents, page).unwrap().clipped(&span).unwrap().length)
            .sum();
        prop_assert_eq!(in_pages, length as u64);
        let in_extents: u64 = extents
            .iter()
            .filter_map(|extent| extent.clipped(offset as u64, (offset + length) as u64))
            .map(|(_, length)| length)
            .sum();
        prop_assert_eq!(in_extents, length as u64);
        match cover(&extents, offset as u64, length as u64) {
            Ok(cover) => {
                prop_assert!(follow(wanted));
                prop_assert_eq!((cover.pages, cover.head), (span.pages, wanted[0].1));
            }
            Err(error) => {
                prop_assert!(!follow(wanted));
                prop_assert_eq!(error, RangeError::Misaligned);
            }
        }
    }
}
