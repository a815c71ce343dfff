// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whichever piece of memory the kernel does not get on the way, a call is refused whole.

use std::fmt::Debug;
use std::ops::Range;

use iomd::{BufferFlags, Errno, Guards, Map, MmapOptions};
use rustix::mm::{MprotectFlags, MremapFlags};
use rustix::process::{Signal, getpid};

use crate::abi::{CALLS, Memory, World};
use crate::support::failing::Failing;
use crate::support::{Child, End, PAGE, Region, client, objects, painted, proc, signals, unique};

/// More allocations than anything here makes.
const MANY: u32 = 500;

/// How often nothing was left to fail until that is believed: of what debugging allocates, some is
/// allocated once only.
const SURE: u32 = 4;

const PAGES: usize = 4;

/// Does something again and again, each time with the next of the kernel's allocations failing,
/// until none is left to fail. Each time it is done all the same, or refused with `ENOMEM` with
/// nothing to be seen of it. After it was done it is done to something new. How often it was refused.
#[track_caller]
fn walk<W, T, S: Debug + PartialEq>(
    what: &str,
    prepare: impl Fn() -> W,
    act: impl Fn(&W) -> Result<T, Errno>,
    sight: impl Fn(&W) -> S,
) -> u32 {
    let failing = Failing::anywhere();
    let mut world = prepare();
    let mut before = sight(&world);
    let (mut refused, mut passed) = (0, 0);
    for nth in 1..MANY {
        let (outcome, failed) = failing.during(nth, || act(&world));
        match outcome {
            Ok(done) => {
                drop(done);
                passed = if failed { 0 } else { passed + 1 };
                if passed == SURE {
                    println!("{what}: of {} allocations {refused} must not fail", nth - SURE);
                    return refused;
                }
                drop(world);
                world = prepare();
                before = sight(&world);
            }
            Err(errno) => {
                // The kernel says of a range of physical memory only that it cannot be claimed.
                let unclaimed = what == "PHYSICAL_CREATE" && errno == Errno::BUSY;
                assert!(errno == Errno::NOMEM || unclaimed, "{what}, allocation {nth}: {errno}");
                assert!(failed, "{what}: refused, though all {nth} allocations were made");
                assert_eq!(sight(&world), before, "{what}, allocation {nth}: it left something");
                refused += 1;
            }
        }
    }
    panic!("{what}: {MANY} allocations");
}

#[test]
#[ignore = "needs the debug kernel"]
fn a_call_without_memory_does_nothing() {
    for call in &CALLS {
        let prepare = || {
            let (world, memory) = (World::new(), Memory::new());
            let argument = (call.argument)(&world);
            let address = memory.put(&argument);
            (world, memory, argument, address)
        };
        let refused = walk(
            call.name,
            prepare,
            |(world, memory, argument, address)| {
                call.at(world, *address)?;
                Ok(call.file_in(&memory.take(*address, argument.len())))
            },
            |(world, memory, argument, address)| {
                (world.sight(), memory.take(*address, argument.len()))
            },
        );
        assert!(refused > 0 || call.file.is_none(), "{}: a new file needs memory", call.name);
    }
}

#[test]
#[ignore = "needs the debug kernel"]
fn a_copy_without_memory_gives_the_target_none() {
    let refused = walk(
        "a copy to a sparse buffer",
        || (painted(PAGES, 1), client().sparse_buffer((PAGES * PAGE) as u64).unwrap()),
        |(source, target)| source.copy_to(target).run().map_err(|error| error.errno()),
        |(source, target)| [source, target].map(|memory| memory.info().unwrap()),
    );
    assert_ne!(refused, 0);
}

#[test]
#[ignore = "needs the debug kernel"]
fn memory_in_pieces_or_together_without_memory_is_none() {
    for flags in [BufferFlags::LARGE, BufferFlags::CONTIGUOUS] {
        let refused = walk(
            &format!("a buffer, {flags:?}"),
            client,
            |client| client.buffer_with(2 << 20, flags).map_err(|error| error.errno()),
            |_| objects(),
        );
        assert_ne!(refused, 0);
    }
}

/// The pages of this process that show memory of iomd's.
fn shown() -> Vec<usize> {
    let all = proc::mappings(getpid()).into_iter();
    let ours = all.filter(|mapping| mapping.name.contains("[iomd"));
    ours.flat_map(|mapping| mapping.addresses.step_by(PAGE)).collect()
}

#[test]
#[ignore = "needs the debug kernel"]
fn a_mapping_without_memory_is_none() {
    let refused = walk(
        "mmap of a map",
        || unique(&painted(PAGES, 1)),
        |map| map.mmap_with(MmapOptions::default()).map_err(|error| error.errno()),
        |map| (map.info().unwrap(), shown()),
    );
    assert_ne!(refused, 0);
    let task = client().own_task().unwrap();
    for guards in [Guards::Small, Guards::Large] {
        let refused = walk(
            "a mapping between guards",
            || painted(PAGES, 1).map().guards(guards).create().unwrap(),
            |map| map.map_into(&task).run().map_err(|error| error.errno()),
            |map| (map.info().unwrap(), shown(), proc::inaccessible(getpid())),
        );
        assert_ne!(refused, 0);
    }
    Region::unmap_all();
    let refused = walk(
        "mmap of the device",
        client,
        |client| client.map_fresh(PAGES * PAGE).map_err(|error| error.errno()),
        |_| (objects(), shown()),
    );
    assert_ne!(refused, 0);
}

type Act = fn(Region, Region) -> Result<(), Errno>;

#[test]
#[ignore = "needs the debug kernel"]
fn a_mapping_that_cannot_be_changed_stays() {
    const PART: Range<usize> = 1..3;
    let acts: [(&str, Act); 3] = [
        ("munmap of a part", |region, _| region.pages(PART).unmap()),
        ("mprotect of a part", |region, _| region.pages(PART).protect(MprotectFlags::READ)),
        ("mremap of a part", |region, free| {
            let length = PART.len() * PAGE;
            region.pages(PART).remap(length, MremapFlags::MAYMOVE, Some(free)).map(drop)
        }),
    ];
    for (what, act) in acts {
        let prepare = || {
            Region::unmap_all();
            let map = unique(&painted(PAGES, 1));
            let region = Region::from(map.mmap().unwrap());
            assert_eq!(region.read(0), 1);
            let free = Region::reserve(PART.len());
            free.unmap().unwrap();
            (map, region, free)
        };
        let refused = walk(
            what,
            prepare,
            |&(_, region, free)| act(region, free),
            |&(ref map, region, _)| {
                let words: Vec<_> = (0..PAGES).map(|page| region.read(page * PAGE)).collect();
                (place(map), shown(), words)
            },
        );
        assert_ne!(refused, 0);
    }
    Region::unmap_all();
}

/// Where the map says that it is mapped.
fn place(map: &Map) -> (Option<i32>, Option<u64>) {
    let info = map.info().unwrap();
    (info.task, info.address)
}

#[test]
#[ignore = "needs the debug kernel"]
fn a_touch_without_memory_is_sigbus() {
    let mut died = 0;
    for nth in 1..MANY {
        let memory = client().sparse_buffer((PAGES * PAGE) as u64).unwrap();
        let map = unique(&memory);
        let child = Child::fork(|parent| {
            let region = Region::from(map.mmap().unwrap());
            let failing = Failing::in_module();
            signals::die_of(Signal::BUS);
            let (word, failed) = failing.during(nth, || region.read(PAGE));
            parent.say(word);
            parent.say(u64::from(failed));
        });
        let Some(word) = child.listen() else {
            assert_eq!(child.end(), End::Killed(Signal::BUS));
            assert_eq!(memory.info().unwrap().resident, 0);
            // The next who touches it has it.
            assert_eq!(map.mmap().unwrap().load_u64(PAGE), 0);
            assert_eq!(memory.info().unwrap().resident, PAGE as u64);
            died += 1;
            continue;
        };
        assert_eq!(word, 0);
        let failed = child.hear() != 0;
        child.succeed();
        assert_eq!(memory.info().unwrap().resident, PAGE as u64);
        if !failed {
            println!("a first touch: of {} allocations {died} must not fail", nth - 1);
            assert_ne!(died, 0);
            return;
        }
    }
    panic!("a first touch: {MANY} allocations");
}

/// Where nothing else of a process is, and so no page tables are either.
const FAR: usize = 1 << 40;

#[test]
#[ignore = "needs the debug kernel"]
fn a_touch_without_memory_for_page_tables_is_tried_again() {
    // A page of each level below the uppermost.
    const TABLES: u32 = 3;
    for nth in 1..MANY {
        let map = unique(&painted(PAGES, 7));
        let child = Child::fork(|parent| {
            let options = MmapOptions { address: Some(FAR), ..Default::default() };
            let region = Region::from(map.mmap_with(options).unwrap());
            let failing = Failing::anywhere();
            let (word, failed) = failing.during(nth, || region.read(0));
            parent.say(word);
            parent.say(u64::from(failed));
        });
        assert_eq!(child.hear(), 7);
        let failed = child.hear() != 0;
        child.succeed();
        if !failed {
            let tried_again = nth - 1;
            println!("a touch far from all: {tried_again} allocations are tried again");
            assert!(tried_again >= TABLES);
            return;
        }
    }
    panic!("a touch: {MANY} allocations");
}
