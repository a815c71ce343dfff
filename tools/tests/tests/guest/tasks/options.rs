// SPDX-License-Identifier: MIT OR Apache-2.0

//! Options that say how a map is mapped into another process.

use iomd::{Errno, Guards, Map, MapBuilder};
use rustix::process::{Resource, Rlimit, Signal, setrlimit};

use super::{TAG, begin_read, read, target, target_after};
use crate::support::{Child, End, PAGE, Region, await_waiters, client, painted, proc};

const GUARDS: [Guards; 2] = [Guards::Small, Guards::Large];

/// A map of painted memory of so many pages.
fn map(pages: usize, build: impl FnOnce(MapBuilder<'_>) -> MapBuilder<'_>) -> Map {
    build(painted(pages, TAG).map().unique(true)).create().unwrap()
}

#[test]
fn guards_are_around_it() {
    for guards in GUARDS {
        let map = map(3, |builder| builder.guards(guards));
        let (child, task) = target();
        let before = proc::inaccessible(child.pid());
        let address = map.map_into(&task).run().unwrap();
        assert_eq!(read(&child, address), TAG);
        assert_eq!(read(&child, address + 2 * PAGE as u64), TAG + 2);
        assert_eq!(map.info().unwrap().address, Some(address), "not that of a guard");
        let start = address as usize;
        proc::assert_guarded(child.pid(), start..start + 3 * PAGE, guards.bytes());
        assert_eq!(proc::inaccessible(child.pid()), before + 2 * guards.bytes());

        map.redirect(&painted(3, 2 * TAG)).run().unwrap();
        assert_eq!(read(&child, address), 2 * TAG);
        begin_read(&child, address - 8);
        assert_eq!(child.end(), End::Killed(Signal::SEGV));
    }
}

#[test]
fn guards_are_around_a_part_of_it() {
    let map = map(4, |builder| builder.guards(Guards::Small));
    let (child, task) = target();
    let address = map.map_into(&task).range(PAGE as u64, PAGE as u64 + 1).run().unwrap();
    assert_eq!(read(&child, address + PAGE as u64), TAG + 2);
    let start = address as usize;
    proc::assert_guarded(child.pid(), start..start + 2 * PAGE, PAGE);
    begin_read(&child, address + 2 * PAGE as u64);
    assert_eq!(child.end(), End::Killed(Signal::SEGV));
}

#[test]
fn guards_are_not_for_a_place_of_one_s_choice() {
    let map = map(1, |builder| builder.guards(Guards::Small));
    let free = Region::reserve(3);
    let (child, task) = target_after(|| free.unmap().unwrap());
    let before = proc::mappings(child.pid()).len();
    let refused = map.map_into(&task).at((free.address() + PAGE) as u64).run().unwrap_err();
    assert_eq!(refused.errno(), Errno::INVAL);
    assert_eq!(proc::mappings(child.pid()).len(), before);
}

#[test]
fn guards_of_what_is_refused_are_none() {
    // Room for the mapping, and not for its guards.
    let ended = map(1, |builder| builder.guards(Guards::Small));
    let (child, task) = target();
    let before = proc::mappings(child.pid()).len();
    ended.unmap().unwrap();
    assert_eq!(ended.map_into(&task).run().unwrap_err().errno(), Errno::NODEV);
    assert_eq!(proc::mappings(child.pid()).len(), before);

    let (child, task) = target_after(|| {
        let size: usize =
            proc::mappings(rustix::process::getpid()).iter().map(|it| it.addresses.len()).sum();
        let limit = Some((size + 32 * PAGE) as u64);
        setrlimit(Resource::As, Rlimit { current: limit, maximum: limit }).unwrap();
    });
    let before = proc::mappings(child.pid()).len();
    let large = map(1, |builder| builder.guards(Guards::Large));
    assert_eq!(large.map_into(&task).run().unwrap_err().errno(), Errno::NOMEM);
    assert_eq!(proc::mappings(child.pid()).len(), before);
    let small = map(1, |builder| builder.guards(Guards::Small));
    assert_eq!(read(&child, small.map_into(&task).run().unwrap()), TAG);
}

#[test]
fn the_end_touches_neither_guards_nor_what_is_there_since() {
    let map = map(1, |builder| builder.guards(Guards::Small));
    let child = Child::fork(|parent| {
        parent.send(client().own_task().unwrap());
        let address = parent.hear() as usize;
        // The page of the map, and the guard after it.
        let region = Region::at(address, 2 * PAGE);
        region.unmap().unwrap();
        region.fill().unwrap();
        region.write(0, 5);
        region.write(PAGE, 6);
        parent.say(0);
        parent.hear();
        parent.say(region.read(0));
        parent.say(region.read(PAGE));
        parent.hear();
    });
    let address = map.map_into(&child.receive()).run().unwrap();
    child.say(address);
    child.hear();
    let before = proc::inaccessible(child.pid());
    map.unmap().unwrap();
    drop(map);
    child.say(0);
    assert_eq!((child.hear(), child.hear()), (5, 6));
    assert_eq!(proc::inaccessible(child.pid()), before);
    assert!(proc::is_mapped(child.pid(), address as usize - PAGE));
    child.say(0);
    child.succeed();
}

#[test]
fn prefault_leaves_no_fault() {
    const PAGES: usize = 64;
    for (guards, prefault) in [(Guards::None, false), (Guards::None, true), (Guards::Small, true)] {
        let map = map(PAGES, |builder| builder.prefault(prefault).guards(guards));
        let (child, task) = target();
        let address = map.map_into(&task).run().unwrap();
        let before = map.info().unwrap().faults;
        for page in 0..PAGES {
            assert_eq!(read(&child, address + (page * PAGE) as u64), TAG + page as u64);
        }
        let faults = map.info().unwrap().faults - before;
        assert_eq!(faults == 0, prefault, "{faults} faults");
    }
}

#[test]
fn prefault_brings_memory() {
    let memory = client().sparse_buffer(4 * PAGE as u64).unwrap();
    let map = memory.map().prefault(true).create().unwrap();
    assert_eq!(memory.info().unwrap().resident, 0);
    let (_child, task) = target();
    map.map_into(&task).run().unwrap();
    assert_eq!(memory.info().unwrap().resident, 4 * PAGE as u64);
}

#[test]
fn prefault_waits_for_no_suspension() {
    let map = map(2, |builder| builder.prefault(true));
    map.suspend_with().range(PAGE as u64, 0).run().unwrap();
    let (child, task) = target();
    let address = map.map_into(&task).run().unwrap();
    assert_eq!(read(&child, address), TAG);
    begin_read(&child, address + PAGE as u64);
    await_waiters(&map, 1);
    map.resume().unwrap();
    assert_eq!(child.hear(), TAG + 1);
}

#[test]
fn overwrite_takes_the_place_of_what_is_there() {
    let over = map(1, |builder| builder.overwrite(true));
    let lower = map(2, |builder| builder);
    let (child, task) = target();
    let place = lower.map_into(&task).run().unwrap() + PAGE as u64;
    // SAFETY: it is another process.
    assert_eq!(unsafe { over.map_into(&task).over(place) }.run(), Ok(place));
    assert_eq!(read(&child, place), TAG);
    assert_eq!(read(&child, place - PAGE as u64), TAG);

    // Who does not say where overwrites nothing; nor who does not say that he knows.
    let elsewhere = over.map_into(&task).run().unwrap();
    assert!(elsewhere != place && elsewhere != place - PAGE as u64);
    assert_eq!(over.map_into(&task).at(place).run().unwrap_err().errno(), Errno::INVAL);
}
