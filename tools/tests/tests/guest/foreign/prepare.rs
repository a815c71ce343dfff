// SPDX-License-Identifier: MIT OR Apache-2.0

//! prepare and complete: when pages are pinned, for what, and until when.

use iomd::{Direction, Errno};

use super::{descriptor, leaves_no_pin, memory, painted_memory, pinned};
use crate::support::{PAGE, buffer, client, unique, window};

const PAGES: usize = 5;
const TAG: u64 = 0x0500;

/// Bytes of it that are pinned.
fn resident(memory: &iomd::Descriptor) -> u64 {
    memory.info().unwrap().resident
}

#[test]
fn it_is_pinned_until_it_is_completed_as_often() {
    let all = (PAGES * PAGE) as u64;
    leaves_no_pin(|| {
        let source = memory(PAGES);
        let before = pinned();
        let memory = descriptor(source, Direction::InOut);
        assert_eq!(memory.info().unwrap().length, all);
        assert_eq!(resident(&memory), 0);
        assert_eq!(memory.complete().unwrap_err().errno(), Errno::INVAL);
        memory.prepare(None).unwrap();
        assert_eq!((resident(&memory), pinned() - before), (all, PAGES as i64));
        memory.prepare(Some(Direction::Out)).unwrap();
        assert_eq!(pinned() - before, PAGES as i64, "they are pinned once");
        memory.complete().unwrap();
        assert_eq!(resident(&memory), all);
        memory.complete().unwrap();
        assert_eq!((resident(&memory), pinned()), (0, before));
        assert_eq!(memory.complete().unwrap_err().errno(), Errno::INVAL);
        source.unmap().unwrap();
    });
}

#[test]
fn what_an_open_file_prepared_it_completes_when_it_is_closed() {
    leaves_no_pin(|| {
        let source = memory(PAGES);
        let memory = descriptor(source, Direction::InOut);
        let other = memory.read_only().unwrap();
        other.prepare(None).unwrap();
        other.prepare(None).unwrap();
        // It is not this one's.
        assert_eq!(memory.complete().unwrap_err().errno(), Errno::INVAL);
        assert_ne!(resident(&memory), 0);
        drop(other);
        assert_eq!(resident(&memory), 0);
        memory.prepare(None).unwrap();
        source.unmap().unwrap();
    });
}

#[test]
fn what_is_prepared_for_reading_is_not_written() {
    let source = painted_memory(PAGES, TAG);
    leaves_no_pin(|| {
        let memory = descriptor(source, Direction::InOut);
        memory.prepare(Some(Direction::Out)).unwrap();
        for direction in [None, Some(Direction::In), Some(Direction::InOut)] {
            assert_eq!(memory.prepare(direction).unwrap_err().errno(), Errno::ACCESS);
        }
        assert_eq!(memory.map().create().unwrap_err().errno(), Errno::ACCESS);
        let map = unique(&buffer(PAGES));
        assert_eq!(map.redirect(&memory).run().unwrap_err().errno(), Errno::ACCESS);
        let copied = buffer(PAGES).copy_to(&memory).run();
        assert_eq!(copied.unwrap_err().errno(), Errno::ACCESS);
        let look = memory.map().read_only(true).create().unwrap();
        let seen = look.mmap().unwrap();
        assert_eq!(seen.load_u64(PAGE), TAG + 1);
        memory.complete().unwrap();
        // The map still holds it as it was prepared.
        assert_eq!(memory.prepare(Some(Direction::In)).unwrap_err().errno(), Errno::ACCESS);
        drop((look, seen));
        memory.prepare(Some(Direction::In)).unwrap();
        memory.map().create().unwrap();
    });
    source.unmap().unwrap();
}

#[test]
fn a_direction_is_one_of_its_own() {
    let source = memory(PAGES);
    for (own, wanted, outcome) in [
        (Direction::Out, Direction::In, Err(Errno::ACCESS)),
        (Direction::Out, Direction::InOut, Err(Errno::ACCESS)),
        (Direction::Out, Direction::Out, Ok(())),
        (Direction::In, Direction::In, Ok(())),
        (Direction::In, Direction::Other(4), Err(Errno::INVAL)),
    ] {
        let memory = descriptor(source, own);
        assert_eq!(memory.info().unwrap().direction, own);
        let prepared = memory.prepare(Some(wanted)).map_err(|error| error.errno());
        assert_eq!(prepared, outcome, "{own}, {wanted}");
    }
    source.unmap().unwrap();
}

#[test]
fn a_map_prepares_by_itself() {
    leaves_no_pin(|| {
        let source = painted_memory(PAGES, TAG);
        let memory = descriptor(source, Direction::InOut);
        let make = || memory.map().keep(true).create().unwrap();
        let maps = [make(), make()];
        assert_eq!(resident(&memory), (PAGES * PAGE) as u64);
        assert_eq!(memory.complete().unwrap_err().errno(), Errno::INVAL);
        let [first, second] = maps;
        drop(first);
        let seen = second.mmap().unwrap();
        drop(second);
        assert_eq!(resident(&memory), (PAGES * PAGE) as u64, "it is mapped");
        drop(seen);
        assert_eq!(resident(&memory), 0);
        source.unmap().unwrap();
    });
}

#[test]
fn each_time_it_is_what_is_there_by_then() {
    leaves_no_pin(|| {
        let source = painted_memory(PAGES, TAG);
        let memory = descriptor(source, Direction::InOut);
        let read = || window(&memory).load_u64(0);
        memory.prepare(None).unwrap();
        source.unmap().unwrap();
        source.fill().unwrap();
        source.write(0, 7);
        assert_eq!(read(), TAG, "the memory that was prepared");
        memory.complete().unwrap();
        assert_eq!(read(), 7);
        source.unmap().unwrap();
    });
}

#[test]
fn other_kinds_are_prepared_too() {
    let memory = client().sparse_buffer((PAGES * PAGE) as u64).unwrap();
    memory.prepare(None).unwrap();
    assert_eq!(resident(&memory), (PAGES * PAGE) as u64);
    memory.complete().unwrap();
    assert_eq!(memory.complete().unwrap_err().errno(), Errno::INVAL);
}
