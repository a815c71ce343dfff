// SPDX-License-Identifier: GPL-2.0

//! Lists of extents: every byte is in one place, and each page knows its bytes.

#![no_main]

use iomd_pure::extents::{Extent, content, cover, locate, pages_from, span};
use iomd_pure::range::PAGE_SIZE;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<(u16, u64)>, u64, u64)| {
    let (pieces, offset, length) = input;
    let mut extents: Vec<Extent> = Vec::new();
    for (head, length) in pieces {
        let next = match extents.last() {
            None => Extent::first(head.into(), length),
            Some(last) => match last.joined(head.into(), length) {
                Ok(Some(joined)) => {
                    extents.pop();
                    Ok(joined)
                }
                Ok(None) => last.next(head.into(), length),
                Err(error) => Err(error),
            },
        };
        // What is refused ends the list.
        let Ok(next) = next else { break };
        extents.push(next);
    }
    let end = extents.last().map_or(0, Extent::end);
    let spot = locate(&extents, offset);
    assert_eq!(spot.is_some(), offset < end);
    if let Some(spot) = spot {
        assert!(spot.offset < PAGE_SIZE && spot.length > 0 && spot.length <= end - offset);
        let content = content(&extents, spot.page).expect("its page has it");
        assert!(content.position <= offset && offset < content.position + content.length);
        assert_eq!(content.offset + (offset - content.position), spot.offset);
    }
    match (span(&extents, offset, length), cover(&extents, offset, length)) {
        (Ok(span), cover) => {
            assert!(span.offset == offset && span.offset + span.length <= end);
            if let Ok(cover) = cover {
                assert_eq!((cover.pages, cover.length), (span.pages, span.length));
                let (pages, head) =
                    pages_from(&extents, offset, cover.pages.pages()).expect("they are there");
                assert_eq!((pages, head), (cover.pages, cover.head));
            }
        }
        (Err(_), cover) => assert!(cover.is_err()),
    }
});
