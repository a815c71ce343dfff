// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory in many pieces, which begin and end anywhere.

use std::ops::Range;

use iomd::{AddressRange, Descriptor, Direction};

use super::{leaves_no_pin, memory, own_task};
use crate::support::{PAGE, Region, client, scaled, window};

/// Bytes of all pieces together.
fn total() -> usize {
    scaled(4).max(2) as usize * MIB
}

const MIB: usize = 1 << 20;

/// Pieces of a region, each in pages of its own, by where they begin and end in it.
fn pieces(random: &mut fastrand::Rng) -> Vec<Range<usize>> {
    let (mut pieces, mut at, mut left) = (Vec::new(), 0, total());
    while left > 0 {
        // From one byte to many pages, and some with nothing left over.
        let length = match random.u8(0..4) {
            0 => random.usize(1..100),
            1 => random.usize(1..20) * PAGE,
            _ => random.usize(1..50 * PAGE),
        };
        let start = at + if random.bool() { 0 } else { random.usize(0..PAGE) };
        let end = start + length.min(left);
        left -= end - start;
        at = end.next_multiple_of(PAGE);
        pieces.push(start..end);
    }
    random.shuffle(&mut pieces);
    pieces
}

/// The pieces' bytes, one after the other.
fn join(region: Region, pieces: &[Range<usize>]) -> Vec<u8> {
    let piece = |piece: &Range<usize>| region.copy_out(piece.start, piece.len());
    pieces.iter().flat_map(piece).collect()
}

/// Gives the region other bytes.
fn fill(region: Region, random: &mut fastrand::Rng) {
    let mut bytes = vec![0; region.len()];
    random.fill(&mut bytes);
    region.copy_in(0, &bytes);
}

#[test]
fn every_byte_is_where_it_belongs() {
    let (random, total) = (&mut fastrand::Rng::with_seed(4), total());
    let pieces = pieces(random);
    let pages = pieces.iter().map(|piece| piece.end).max().unwrap().div_ceil(PAGE);
    let source = memory(pages);
    fill(source, random);
    leaves_no_pin(|| {
        let range = |piece: &Range<usize>| AddressRange {
            address: (source.address() + piece.start) as u64,
            length: piece.len() as u64,
        };
        let ranges: Vec<_> = pieces.iter().map(range).collect();
        let memory = client().address_ranges(&own_task(), &ranges, Direction::InOut).unwrap();
        assert_eq!(memory.info().unwrap().length, total as u64);
        // So that they are not pinned anew for each.
        memory.prepare(None).unwrap();

        let mut position = 0;
        for piece in &pieces {
            let (shown, offset) = show(&memory, position, piece.len());
            assert_eq!(offset, (source.address() + piece.start) % PAGE);
            let expected = source.copy_out(piece.start, piece.len());
            assert!(shown.copy_out(offset, piece.len()) == expected, "{piece:?}");
            let mut bytes = vec![0; piece.len()];
            random.fill(&mut bytes);
            shown.copy_in(offset, &bytes);
            assert!(source.copy_out(piece.start, piece.len()) == bytes, "{piece:?}");
            shown.unmap().unwrap();
            position += piece.len();
        }

        // All as one, into other memory and back.
        let expected = join(source, &pieces);
        let copy = client().buffer(total as u64).unwrap();
        memory.copy_to(&copy).run().unwrap();
        let copied = Region::from(&window(&copy)).copy_out(0, total);
        assert!(copied == expected);
        fill(source, random);
        let between = source.copy_out(0, source.len());
        copy.copy_to(&memory).run().unwrap();
        assert!(join(source, &pieces) == expected);
        // The same without maps.
        let mut read = vec![0; total];
        assert_eq!(memory.read_bytes(0, &mut read).unwrap(), total);
        assert!(read == expected);
        let other: Vec<u8> = expected.iter().map(|byte| !byte).collect();
        assert_eq!(memory.write_bytes(0, &other).unwrap(), total);
        assert!(join(source, &pieces) == other);
        assert_eq!(memory.write_bytes(0, &expected).unwrap(), total);
        // What is between the pieces is nobody's business.
        let mut now = between;
        let mut position = 0;
        for piece in &pieces {
            now[piece.clone()].copy_from_slice(&expected[position..][..piece.len()]);
            position += piece.len();
        }
        assert!(source.copy_out(0, source.len()) == now);
    });
    source.unmap().unwrap();
}

/// Some of a descriptor's bytes, and where in that they begin.
fn show(memory: &Descriptor, position: usize, length: usize) -> (Region, usize) {
    let builder = memory.map().keep(true).offset(position as u64).length(length as u64);
    let map = builder.create().unwrap();
    (map.mmap().unwrap().into(), map.info().unwrap().page_offset as usize)
}
