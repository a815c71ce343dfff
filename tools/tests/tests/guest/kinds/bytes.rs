// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory whose bytes begin and end anywhere in a page.

use iomd::{Access, Descriptor, Errno};

use super::{PAGES, bytes_of};
use crate::support::{PAGE, buffer, client, unique, window};

/// Each byte is another than those around it, and than the one a page away.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

/// Memory with the pattern.
fn patterned(pages: usize) -> Descriptor {
    let memory = buffer(pages);
    window(&memory).write_bytes(0, &pattern(pages * PAGE));
    memory
}

/// A range of memory, by bytes.
fn sub(memory: &Descriptor, offset: usize, length: usize) -> Descriptor {
    memory.sub(offset as u64, length as u64, Access::ReadWrite).unwrap()
}

/// The bytes of a memory, by way of a copy.
fn copied(memory: &Descriptor) -> Vec<u8> {
    let length = memory.info().unwrap().length as usize;
    let target = client().buffer(length as u64).unwrap();
    memory.copy_to(&target).run().unwrap();
    let mut bytes = vec![0; length];
    window(&target).read_bytes(0, &mut bytes);
    bytes
}

/// Offsets and lengths at which something may go wrong.
const ODD: [(usize, usize); 8] = [
    (0, 1),
    (1, 1),
    (PAGE - 1, 2),
    (1, PAGE - 1),
    (1, PAGE),
    (100, 3 * PAGE),
    (2 * PAGE + 7, 2 * PAGE - 7),
    (PAGE, 2 * PAGE + 1),
];

#[test]
fn a_map_tells_where_its_first_byte_is() {
    let memory = patterned(PAGES);
    for (offset, length) in ODD {
        let sub = sub(&memory, offset, length);
        for map in [
            unique(&sub),
            memory.map().offset(offset as u64).length(length as u64).create().unwrap(),
        ] {
            let info = map.info().unwrap();
            let head = offset % PAGE;
            assert_eq!((info.length, info.page_offset), (length as u64, head as u64));
            assert_eq!(info.mapped_size, ((head + length).div_ceil(PAGE) * PAGE) as u64);
            let mut bytes = vec![0; length];
            map.mmap().unwrap().read_bytes(head, &mut bytes);
            assert_eq!(bytes, pattern(PAGES * PAGE)[offset..offset + length]);
        }
    }
}

#[test]
fn a_sub_of_a_sub_counts_from_there() {
    let memory = patterned(PAGES);
    let outer = sub(&memory, 100, 4 * PAGE);
    let inner = sub(&outer, PAGE, 50);
    let info = unique(&inner).info().unwrap();
    assert_eq!((info.offset, info.page_offset, info.length), (0, 100, 50));
    assert_eq!(copied(&inner), pattern(PAGES * PAGE)[PAGE + 100..PAGE + 150]);
    let map = outer.map().offset(3996).length(10).create().unwrap();
    let info = map.info().unwrap();
    assert_eq!((info.offset, info.page_offset, info.mapped_size), (3996, 0, PAGE as u64));
}

#[test]
fn copies_take_these_bytes_and_no_other() {
    let memory = patterned(PAGES);
    for (offset, length) in ODD {
        let expected = &pattern(PAGES * PAGE)[offset..offset + length];
        assert_eq!(copied(&sub(&memory, offset, length)), expected, "{length} from {offset}");
        for (to, _) in ODD.iter().filter(|(to, _)| to + length <= PAGES * PAGE) {
            let target = buffer(PAGES);
            let all = window(&target);
            all.write_bytes(0, &[0xff; PAGES * PAGE]);
            memory
                .copy_to(&target)
                .range(offset as u64, length as u64)
                .target_offset(*to as u64)
                .run()
                .unwrap();
            let mut bytes = vec![0; PAGES * PAGE];
            all.read_bytes(0, &mut bytes);
            let what = format!("{length} from {offset} to {to}");
            assert_eq!(&bytes[*to..to + length], expected, "{what}");
            let rest = bytes[..*to].iter().chain(&bytes[to + length..]);
            assert!(rest.into_iter().all(|&byte| byte == 0xff), "{what}: others changed");
        }
    }
}

#[test]
fn a_hole_is_zeros_to_the_byte() {
    let sparse = client().sparse_buffer(bytes_of(3)).unwrap();
    window(&sparse).write_bytes(PAGE, &[1; 10]);
    let target = buffer(3);
    let all = window(&target);
    all.write_bytes(0, &[0xff; 3 * PAGE]);
    sparse.copy_to(&target).range(PAGE as u64 - 5, 20).target_offset(30).run().unwrap();
    let mut bytes = [0; 22];
    all.read_bytes(29, &mut bytes);
    let expected: Vec<u8> = [&[0xff][..], &[0; 5], &[1; 10], &[0; 5], &[0xff]].concat();
    assert_eq!(bytes[..], expected);
    // One that has no memory there gets it where there are bytes, on both sides of a page's end.
    let target = client().sparse_buffer(bytes_of(4)).unwrap();
    sparse.copy_to(&target).range(bytes_of(1), bytes_of(1)).target_offset(1).run().unwrap();
    assert_eq!(target.info().unwrap().resident, bytes_of(2));
    let mut bytes = [0; 12];
    window(&target).read_bytes(0, &mut bytes);
    assert_eq!(bytes, [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]);
}

/// Many ranges of many lengths, and their bytes one after the other.
fn fragments(memory: &Descriptor) -> (Vec<Descriptor>, Vec<u8>) {
    let pattern = pattern(PAGES * PAGE);
    let (mut parts, mut bytes) = (vec![], vec![]);
    let mut offset = 0;
    for round in 0..40_usize {
        let length = 1 + round * 211 % (2 * PAGE);
        offset = (offset + 1009 * round) % (PAGES * PAGE - length);
        parts.push(sub(memory, offset, length));
        bytes.extend_from_slice(&pattern[offset..offset + length]);
    }
    (parts, bytes)
}

#[test]
fn fragments_are_their_bytes_in_order() {
    let memory = patterned(PAGES);
    let (parts, expected) = fragments(&memory);
    let multi = client().multi(&parts.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!(multi.info().unwrap().length, expected.len() as u64);
    assert!(copied(&multi) == expected, "the bytes differ");
    let (start, end) = (expected.len() / 3, expected.len() / 2);
    assert!(copied(&sub(&multi, start, end - start)) == expected[start..end], "the bytes differ");

    // Each fragment can be mapped, and two of them cannot.
    let mut offset = 0;
    for part in &parts {
        let length = part.info().unwrap().length;
        let map = multi.map().offset(offset).length(length).create().unwrap();
        let mut bytes = vec![0; length as usize];
        let head = map.info().unwrap().page_offset as usize;
        map.mmap().unwrap().read_bytes(head, &mut bytes);
        assert!(bytes == expected[offset as usize..(offset + length) as usize]);
        offset += length;
        if offset < expected.len() as u64 {
            let refused = multi.map().offset(offset - 1).length(2).create().unwrap_err();
            assert_eq!(refused.errno(), Errno::INVAL);
        }
    }
    assert_eq!(multi.map().create().unwrap_err().errno(), Errno::INVAL);
}

#[test]
fn bytes_are_written_back_to_every_fragment() {
    let memory = buffer(PAGES);
    let parts = [(5, 100), (PAGE + 1, 3 * PAGE), (6 * PAGE, PAGE), (7 * PAGE - 3, 0)];
    let parts = parts.map(|(offset, length)| match length {
        0 => buffer(1),
        length => sub(&memory, offset, length),
    });
    let multi = client().multi(&parts.each_ref()).unwrap();
    let length = multi.info().unwrap().length as usize;
    let source = client().buffer(length as u64).unwrap();
    window(&source).write_bytes(0, &pattern(length));
    source.copy_to(&multi).run().unwrap();
    assert!(copied(&multi) == pattern(length));
    let mut bytes = vec![0; PAGES * PAGE];
    window(&memory).read_bytes(0, &mut bytes);
    assert_eq!(bytes[5..105], pattern(length)[..100]);
    assert!(bytes[PAGE + 1..4 * PAGE + 1] == pattern(length)[100..100 + 3 * PAGE]);
    for outside in [0..5, 105..PAGE + 1, 4 * PAGE + 1..6 * PAGE, 7 * PAGE..8 * PAGE] {
        assert!(bytes[outside].iter().all(|&byte| byte == 0), "others changed");
    }
}

#[test]
fn parts_that_end_with_their_pages_are_mapped_as_one() {
    let memory = patterned(PAGES);
    let parts = [sub(&memory, PAGE - 9, 9), sub(&memory, 3 * PAGE, PAGE), sub(&memory, 0, 7)];
    let multi = client().multi(&parts.each_ref()).unwrap();
    let map = unique(&multi);
    let info = map.info().unwrap();
    assert_eq!((info.page_offset, info.length), ((PAGE - 9) as u64, (9 + PAGE + 7) as u64));
    let mut bytes = vec![0; 9 + PAGE + 7];
    map.mmap().unwrap().read_bytes(PAGE - 9, &mut bytes);
    assert_eq!(bytes, copied(&multi));
}

#[test]
fn a_map_goes_where_bytes_lie_alike_in_their_pages() {
    let memory = patterned(PAGES);
    let map = unique(&sub(&memory, 100, 50));
    let (alike, apart) = (sub(&memory, PAGE + 100, PAGE), sub(&memory, PAGE + 99, PAGE));
    map.redirect(&alike).run().unwrap();
    assert_eq!(map.mmap().unwrap().load_u64(104), window(&memory).load_u64(PAGE + 104));
    assert_eq!(map.redirect(&apart).run().unwrap_err().errno(), Errno::INVAL);
    map.redirect(&apart).offset(1).run().unwrap();
    let info = map.info().unwrap();
    assert_eq!((info.offset, info.page_offset), (1, 100));
    let resume = |from: &Descriptor, to: &Descriptor| {
        from.copy_to(to).range(0, 50).resume_on_target(true).run().map_err(|error| error.errno())
    };
    let other = buffer(1);
    assert_eq!(resume(&apart, &other), Err(Errno::INVAL));
}
