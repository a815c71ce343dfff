// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is said of a descriptor: its length, its tag, how many pages it has, its preparation.

use iomd::{Descriptor, Errno, PageCounts, Purgeable};

use crate::support::{PAGE, assert_painted, buffer, client, painted, unique, window};

const OLD: u64 = 0x0100;
const PAGES: u64 = 4;
const END: u64 = PAGES * PAGE as u64;

fn errno<T>(result: iomd::Result<T>) -> Result<(), Errno> {
    result.map(drop).map_err(|error| error.errno())
}

fn lengths(memory: &Descriptor) -> (u64, u64) {
    let info = memory.info().unwrap();
    (info.length, info.capacity)
}

#[test]
fn a_length_is_at_most_the_capacity() {
    let memory = painted(PAGES as usize, OLD);
    assert_eq!(lengths(&memory), (END, END));
    for length in [END - 1, 1, 0, PAGE as u64, END] {
        memory.set_length(length).unwrap();
        assert_eq!(lengths(&memory), (length, END));
    }
    memory.set_length(5).unwrap();
    for length in [END + 1, 1 << 40, u64::MAX] {
        assert_eq!(errno(memory.set_length(length)), Err(Errno::RANGE), "{length}");
    }
    assert_eq!(errno(memory.read_only().unwrap().set_length(6)), Err(Errno::ACCESS));
    assert_eq!(lengths(&memory), (5, END));
    assert_eq!(memory.info().unwrap().resident, END, "no memory goes");
    // Whoever may write makes it longer again, and finds what was there.
    memory.set_length(END).unwrap();
    assert_painted(&memory, OLD);
}

#[test]
fn what_is_beyond_the_length_is_not_inside() {
    let memory = painted(PAGES as usize, OLD);
    let length = PAGE as u64 + 5;
    memory.set_length(length).unwrap();

    // Bytes, to the byte.
    let mut bytes = [0; 8];
    assert_eq!(memory.read_bytes(length - 8, &mut bytes).unwrap(), 8);
    assert_eq!(memory.read_bytes(length - 7, &mut bytes).unwrap(), 0);
    assert_eq!(memory.write_bytes(length, &[7]).unwrap(), 0);
    let flush =
        |offset, length| errno(memory.perform_operation(iomd::Operation::Flush, offset, length));
    assert_eq!((flush(0, length), flush(0, length + 1)), (Ok(()), Err(Errno::RANGE)));

    // Maps, copies and redirects, to the page.
    let info = memory.map().create().unwrap().info().unwrap();
    assert_eq!(info.mapped_size, 2 * PAGE as u64);
    let page = |number: u64| number * PAGE as u64;
    assert_eq!(errno(memory.map().offset(page(2)).create()), Err(Errno::RANGE));
    assert_eq!(errno(memory.map().length(page(3)).create()), Err(Errno::RANGE));
    let other = buffer(3);
    assert_eq!(errno(memory.copy_to(&other).range(0, page(3)).run()), Err(Errno::RANGE));
    assert_eq!(errno(other.copy_to(&memory).run()), Err(Errno::RANGE));
    assert_eq!(errno(unique(&other).redirect(&memory).run()), Err(Errno::RANGE));
    let task = client().own_task().unwrap();
    assert_eq!(
        errno(memory.map_in_task(&task).length(page(3)).reference(true).create()),
        Err(Errno::RANGE)
    );

    // Of nothing there is nothing.
    memory.set_length(0).unwrap();
    assert_eq!(errno(memory.map().create()), Err(Errno::RANGE));
    assert_eq!(memory.read_bytes(0, &mut bytes).unwrap(), 0);
    assert_eq!(errno(memory.copy_to(&other).run()), Err(Errno::RANGE));
}

#[test]
fn maps_that_exist_stay_as_they_are() {
    let memory = painted(PAGES as usize, OLD);
    let map = unique(&memory);
    let mapping = map.mmap().unwrap();
    let before = map.info().unwrap();
    memory.set_length(1).unwrap();
    assert_eq!(mapping.load_u64(3 * PAGE), OLD + 3);
    mapping.store_u64(3 * PAGE, 7);
    // The page is found by who touches it first as well.
    let later = map.mmap().unwrap();
    assert_eq!(later.load_u64(3 * PAGE), 7);
    let after = map.info().unwrap();
    assert_eq!((after.length, after.mapped_size), (before.length, before.mapped_size));
    // All of them are suspended, and all is copied that is said to be there.
    memory.suspend().unwrap();
    assert!(map.info().unwrap().descriptor_suspended);
    memory.resume().unwrap();
    memory.set_length(END).unwrap();
    assert_eq!(window(&memory).load_u64(3 * PAGE), 7);
}

#[test]
fn a_tag_is_what_was_said_last() {
    let memory = buffer(1);
    assert_eq!(memory.info().unwrap().tag, 0);
    for tag in [7, u32::MAX, 0, 5] {
        memory.set_tag(tag).unwrap();
        assert_eq!(memory.info().unwrap().tag, tag);
    }
    let read_only = memory.read_only().unwrap();
    assert_eq!(errno(read_only.set_tag(6)), Err(Errno::ACCESS));
    assert_eq!(read_only.info().unwrap().tag, 5, "whoever has it sees it");
    assert_eq!(buffer(1).info().unwrap().tag, 0, "it is this one's");
}

#[test]
fn pages_are_counted() {
    let counts = |memory: &Descriptor| memory.page_counts().unwrap();
    assert_eq!(counts(&buffer(3)), PageCounts { resident: 3, dirty: 3 });
    let sparse = client().sparse_buffer(END).unwrap();
    assert_eq!(counts(&sparse), PageCounts { resident: 0, dirty: 0 });
    sparse.write_bytes(0, &[7]).unwrap();
    window(&sparse).load_u64(2 * PAGE);
    assert_eq!(counts(&sparse), PageCounts { resident: 2, dirty: 2 });
    sparse.set_purgeable(Purgeable::Empty).unwrap();
    assert_eq!(counts(&sparse), PageCounts { resident: 0, dirty: 0 });
    assert_eq!(counts(&sparse.read_only().unwrap()), PageCounts { resident: 0, dirty: 0 });
}

#[test]
fn a_preparation_is_no_other() {
    let preparation = |memory: &Descriptor| memory.info().unwrap().preparation;
    let sparse = client().sparse_buffer(END).unwrap();
    let memories = [buffer(1), buffer(1), sparse];
    let mut seen: Vec<_> = memories.iter().map(preparation).collect();
    for (memory, first) in memories.iter().zip(seen.clone()) {
        assert!(first.is_some());
        // It stays, whatever is done with the memory.
        let map = unique(memory);
        map.mmap().unwrap().store_u64(0, 7);
        map.suspend().unwrap();
        map.resume().unwrap();
        memory.set_purgeable(Purgeable::Volatile).unwrap();
        memory.set_purgeable(Purgeable::NonVolatile).unwrap();
        assert_eq!(preparation(memory), first);
        // Unless it is other memory.
        memory.set_purgeable(Purgeable::Empty).unwrap();
        assert_eq!(preparation(memory), None);
        memory.set_purgeable(Purgeable::NonVolatile).unwrap();
        seen.push(preparation(memory));
    }
    let count = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!((seen.len(), seen[0].is_some()), (count, true), "{seen:?}");
}
