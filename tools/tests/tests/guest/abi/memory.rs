// SPDX-License-Identifier: MIT OR Apache-2.0

//! Arguments that cannot be read, or not be answered in.

use iomd::Errno;

use super::argument::Memory;
use super::{CALLS, World};
use crate::support::Region;

#[test]
fn a_pointer_to_nothing_is_refused() {
    let world = World::new();
    let nothing = Region::reserve(1);
    let pointers = [
        ("null", 0),
        ("not mapped", nothing.address()),
        ("the end of the address space", usize::MAX),
        ("close to the end of the address space", usize::MAX - 7),
        ("the end of the user's part", (1 << 47) - 4096),
        ("no address", 1 << 62),
        ("the kernel's memory", 0xffff_8880_0010_0000),
        ("the kernel's code", 0xffff_ffff_8100_0000),
    ];
    for call in &CALLS {
        for (what, address) in pointers {
            call.refused_at(&world, address, Errno::FAULT, what);
        }
    }
    nothing.unmap().unwrap();
}

#[test]
fn a_structure_that_cannot_be_read_to_its_end_is_refused() {
    let world = World::new();
    for call in &CALLS {
        let memory = Memory::new();
        memory.make_unreachable();
        let whole = (call.argument)(&world);
        // What is missing lies in the page that cannot be reached.
        for missing in [1, 4, whole.len() - 4, whole.len() - 1] {
            let there = whole.resized(whole.len() - missing);
            let address = memory.put_across(&there, 0);
            call.refused_at(&world, address, Errno::FAULT, &format!("{missing} bytes missing"));
            assert_eq!(memory.take(address, there.len()), there, "{}", call.name);
        }
        let address = memory.put_across(&whole.with(0, whole.len() as u32 + 8), 0);
        call.refused_at(&world, address, Errno::FAULT, "the rest missing");
    }
}

#[test]
fn a_call_that_could_not_answer_is_refused_before_it_does_anything() {
    for call in CALLS.iter().filter(|call| call.answers()) {
        let world = World::new();
        let memory = Memory::new();
        let argument = (call.argument)(&world);
        let address = memory.put(&argument);
        memory.make_read_only(true);
        call.refused_at(&world, address, Errno::FAULT, "read-only memory");

        // Read-only in part: the first bytes could be written.
        for beyond in [4, 8, argument.len() - 4] {
            let memory = Memory::new();
            let address = memory.put_across(&argument, beyond);
            memory.make_read_only(false);
            call.refused_at(&world, address, Errno::FAULT, &format!("{beyond} bytes read-only"));
            let after = memory.take(address, argument.len());
            assert_eq!(after, argument, "{}: refused, but it writes back", call.name);
        }

        // The same argument, where it can be answered.
        drop(call.file_in(&call.accepted(&world, &argument, "memory that can be written")));
    }
}

#[test]
fn a_call_that_answers_nothing_takes_read_only_memory() {
    for call in CALLS.iter().filter(|call| !call.answers()) {
        let world = World::new();
        let memory = Memory::new();
        let address = memory.put(&(call.argument)(&world));
        memory.make_read_only(true);
        let before = world.sight();
        assert_eq!(call.at(&world, address), Ok(()), "{}", call.name);
        // The world's descriptors are not suspended, all of their memory is there, and of caches nothing
        // is to be seen.
        let without = [
            "DESCRIPTOR_RESUME",
            "PREPARE",
            "COMPLETE",
            "PERFORM_OPERATION",
            "FLUSH_PROCESSOR_CACHE",
        ];
        let has_work = !without.contains(&call.name);
        assert_eq!(world.sight() != before, has_work, "{}: it does its work", call.name);
    }
}
