// SPDX-License-Identifier: MIT OR Apache-2.0

//! How long a mapping lives, in whatever order its handles, its memory, its VMAs and its processes
//! go.

mod address;
mod unmap;

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use iomd::{Access, Errno, Map, MapInfo, MmapOptions};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use rustix::pipe::pipe;
use rustix::process::Signal;

use crate::support::{
    Channel, Child, End, LIMIT, PAGE, Region, User, await_waiters, client, eventually, objects,
    painted, proc, unique, unique_shared, window,
};

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;

/// Asserts that the process dies of SIGBUS when it reads that word.
#[track_caller]
fn assert_dies(user: User, offset: usize) {
    user.begin_read(offset);
    assert_eq!(user.into_child().end(), End::Killed(Signal::BUS));
}

/// Asserts that the map has ended, and is otherwise what it was.
#[track_caller]
fn assert_ended(map: &Map, before: &MapInfo) {
    let info = map.info().unwrap();
    assert!(info.ended);
    assert_eq!((info.task, info.address), (None, None));
    assert_eq!(info.generation, before.generation + 1);
    let constant = |info: &MapInfo| {
        let part = (info.id, info.descriptor_id, info.offset, info.redirects);
        (part, info.length, info.mapped_size, info.options, info.inheritance)
    };
    assert_eq!(constant(&info), constant(before));
}

fn exists(id: u64) -> bool {
    objects().contains(&id)
}

/// Waits until there is no such object: who looks at a process's memory can keep it for a moment
/// longer than the process.
#[track_caller]
fn await_gone(id: u64) {
    eventually(&format!("object {id} is gone"), || !exists(id));
}

/// A mapping that stays until the process ends or unmaps it.
fn mapped(map: &Map) -> Region {
    map.mmap().unwrap().into()
}

// Handles first

#[test]
fn the_last_handle_to_go_ends_the_mapping() {
    let map = unique(&painted(3, OLD));
    let id = map.id().unwrap();
    let users = [User::of(&map), User::of(&map)];
    users[0].read(0);
    let again = client().open_map(id).unwrap();
    let duplicate = Map::from(again.as_fd().try_clone_to_owned().unwrap());
    for (page, handle) in [map, again, duplicate].into_iter().enumerate() {
        assert_eq!(users[0].read(page * PAGE), OLD + page as u64);
        drop(handle);
    }
    let [touched, untouched] = users;
    assert!(exists(id), "its VMAs are there");
    assert_dies(touched, 0);
    assert_dies(untouched, 2 * PAGE);
    await_gone(id);
}

#[test]
fn a_handle_on_its_way_is_one() {
    let map = unique(&painted(1, OLD));
    let user = User::of(&map);
    let (one, other) = Channel::pair();
    one.send(&map);
    drop(map);
    assert_eq!(user.read(0), OLD);
    let map: Map = other.receive();
    other.send(&map);
    drop(map);
    assert_eq!(user.read(0), OLD);
    drop((one, other));
    assert_dies(user, 0);
}

#[test]
fn an_ended_map_cannot_be_revived() {
    let (old, new) = (painted(1, OLD), painted(1, NEW));
    let map = unique(&old);
    let before = map.info().unwrap();
    let user = User::of(&map);
    drop(map);
    // It is there as long as the VMA.
    let map = client().open_map(before.id).unwrap();
    assert_ended(&map, &before);
    assert_eq!(map.mmap().unwrap_err().errno(), Errno::NODEV);
    let placed = MmapOptions { length: PAGE, read_only: true, ..MmapOptions::default() };
    assert_eq!(map.mmap_with(placed).unwrap_err().errno(), Errno::NODEV);
    assert_eq!(map.redirect(&new).run().unwrap().pinned, 0);
    assert_eq!(map.suspend().unwrap().pinned, 0);
    map.resume().unwrap();
    assert_ended(&map, &before);
    assert!(!map.info().unwrap().suspended);
    assert_eq!(new.info().unwrap().maps, 0);
    assert!(!map.wait_for_waiter(Some(LIMIT)).unwrap(), "nobody ever waits for it");
    drop(map);
    assert_dies(user, 0);
}

#[test]
fn an_ended_mapping_keeps_its_addresses_and_nothing_else() {
    let map = unique(&painted(4, OLD));
    let child = Child::fork(|parent| {
        let region = Region::from(map.mmap().unwrap());
        parent.close_all_others();
        region.read(0);
        parent.say(region.address() as u64);
        parent.hear();
        // Ended, it is in the way of others, and can be unmapped in parts.
        assert_eq!(region.fill(), Err(Errno::EXIST));
        let middle = region.pages(1..3);
        middle.unmap().unwrap();
        assert_eq!(region.fill(), Err(Errno::EXIST));
        middle.fill().unwrap();
        middle.write(0, 7);
        middle.write(PAGE, 8);
        parent.say(0);
        // What is the process's own is not touched by what becomes of the map.
        parent.hear();
        parent.say(middle.read(0));
        parent.say(middle.read(PAGE));
        middle.write(0, 9);
        region.read(3 * PAGE);
    });
    let address = child.hear() as usize;
    map.unmap().unwrap();
    assert!((0..4).all(|page| proc::is_mapped(child.pid(), address + page * PAGE)));
    child.say(0);
    child.hear();
    map.unmap().unwrap();
    let id = map.id().unwrap();
    drop(map);
    child.say(0);
    assert_eq!([child.hear(), child.hear()], [7, 8]);
    assert_eq!(child.end(), End::Killed(Signal::BUS), "the rest has ended");
    await_gone(id);
}

#[test]
fn memory_put_where_a_mapping_was_is_never_touched() {
    // The mapping goes first; then its map ends, in each of the ways in which it can.
    let ends: [fn(Map); 3] = [
        |map| map.unmap().unwrap(),
        drop,
        |map| {
            map.suspend().unwrap();
            map.redirect(&painted(2, NEW)).run().unwrap();
        },
    ];
    for end in ends {
        let map = unique(&painted(2, OLD));
        let region = Region::from(map.mmap().unwrap());
        region.read(0);
        region.unmap().unwrap();
        region.fill().unwrap();
        region.write(0, 7);
        end(map);
        assert_eq!([region.read(0), region.read(PAGE)], [7, 0]);
        region.unmap().unwrap();
    }
}

#[test]
fn a_kept_mapping_needs_no_handle() {
    let (old, new) = (painted(2, OLD), painted(2, NEW));
    let map = old.map().unique(true).keep(true).create().unwrap();
    let id = map.id().unwrap();
    let user = User::of(&map);
    drop(map);
    assert_eq!([user.read(0), user.read(PAGE)], [OLD, OLD + 1]);
    // Nor does a handle that comes and goes end it.
    let map = client().open_map(id).unwrap();
    assert!(!map.info().unwrap().ended);
    map.redirect(&new).run().unwrap();
    drop(map);
    assert_eq!([user.read(0), user.read(PAGE)], [NEW, NEW + 1]);
    assert_eq!(new.info().unwrap().maps, 1);
    assert_eq!(user.into_child().kill(), End::Killed(Signal::KILL));
    await_gone(id);
    assert_eq!(new.info().unwrap().maps, 0);
}

#[test]
fn a_kept_map_that_is_mapped_nowhere_goes_with_its_handles() {
    let memory = painted(1, OLD);
    let map = memory.map().keep(true).create().unwrap();
    let id = map.id().unwrap();
    drop(map.mmap().unwrap());
    drop(map);
    assert!(!exists(id));
    assert_eq!(memory.info().unwrap().maps, 0);
}

// The VMA first

#[test]
fn a_map_outlives_its_mappings() {
    let (old, new) = (painted(2, OLD), painted(2, NEW));
    let map = unique(&old);
    for _ in 0..2 {
        let memory = map.mmap().unwrap();
        assert_eq!(memory.load_u64(PAGE), OLD + 1);
        memory.store_u64(8, memory.load_u64(8) + 1);
    }
    let info = map.info().unwrap();
    assert_eq!((info.ended, info.task, info.address), (false, None, None));
    assert_eq!(old.info().unwrap().maps, 1);
    map.redirect(&new).run().unwrap();
    assert_eq!(map.mmap().unwrap().load_u64(PAGE), NEW + 1);
    assert_eq!(window(&old).load_u64(8), 2);
}

// The descriptor first

#[test]
fn maps_keep_the_memory_without_its_file_descriptors() {
    let memory = painted(2, OLD);
    let id = memory.id().unwrap();
    let (map, other) = (unique(&memory), unique(&memory));
    let user = User::of(&map);
    drop(memory);
    assert_eq!(user.read(PAGE), OLD + 1);
    user.write(8, 7);
    assert_eq!(other.mmap().unwrap().load_u64(8), 7);
    // An ended map keeps it no less, until its last VMA is gone.
    drop((map, other));
    assert!(exists(id));
    assert_dies(user, 0);
    await_gone(id);
}

#[test]
fn memory_comes_back_from_the_last_map_that_has_it() {
    let memory = painted(2, OLD);
    let id = memory.id().unwrap();
    let map = unique(&memory);
    drop(memory);
    let memory = client().open_descriptor(id, Access::ReadWrite).unwrap();
    drop(map);
    assert_eq!(window(&memory).load_u64(PAGE), OLD + 1);
    drop(memory);
    assert!(!exists(id));
}

// Processes first

#[test]
fn a_handle_outlives_the_process_that_mapped_it() {
    let ends: [fn(Child); 2] = [
        |child| {
            child.say(0);
            child.succeed();
        },
        |child| assert_eq!(child.kill(), End::Killed(Signal::KILL)),
    ];
    for end in ends {
        let map = unique(&painted(2, OLD));
        let child = Child::fork(|parent| {
            mapped(&map).write(8, 7);
            parent.say(0);
            parent.hear();
        });
        child.hear();
        assert_eq!(map.info().unwrap().task, Some(child.pid().as_raw_nonzero().get()));
        end(child);
        eventually("it is mapped nowhere", || map.info().unwrap().address.is_none());
        let info = map.info().unwrap();
        assert_eq!((info.ended, info.task), (false, None));
        let user = User::of(&map);
        assert_eq!([user.read(8), user.read(PAGE)], [7, OLD + 1]);
    }
}

#[test]
fn an_heir_keeps_the_mapping_of_its_parent() {
    let map = unique_shared(&painted(1, OLD));
    let region = mapped(&map);
    let heir = User::with(|| region);
    region.unmap().unwrap();
    assert_eq!(heir.read(0), OLD);
    map.redirect(&painted(1, NEW)).run().unwrap();
    assert_eq!(heir.read(0), NEW);
    drop(map);
    assert_dies(heir, 0);
}

#[test]
fn a_handle_outlives_the_process_that_made_it() {
    let child = Child::fork(|parent| {
        let memory = painted(2, OLD);
        let map = unique(&memory);
        map.mmap().unwrap().store_u64(8, 7);
        map.suspend().unwrap();
        parent.send(map);
    });
    let map: Map = child.receive();
    child.succeed();
    let user = User::of(&map);
    user.begin_read(8);
    await_waiters(&map, 1);
    map.resume().unwrap();
    assert_eq!(user.finish(), 7);
}

#[test]
fn mappings_end_with_the_process_that_had_the_handle() {
    let child = Child::fork(|parent| {
        let map = unique(&painted(1, OLD));
        parent.send(&map);
        parent.hear();
    });
    let user = User::of(&child.receive());
    assert_eq!(user.read(0), OLD, "the child has the handle yet");
    child.kill();
    assert_dies(user, 0);
}

/// Becomes another program, which tells so and then does nothing.
fn execute(told: &OwnedFd) -> ! {
    let told = told.try_clone().unwrap();
    let program = ["-c", "echo; exec sleep infinity"];
    let mut command = Command::new("/bin/sh");
    let error = command.args(program).stdin(Stdio::null()).stdout(told).exec();
    panic!("exec: {error}");
}

/// Waits until a process that is to execute has told so.
#[track_caller]
fn await_execution(told: &OwnedFd) {
    let timeout = Timespec::try_from(LIMIT).unwrap();
    let mut files = [PollFd::new(told, PollFlags::IN)];
    assert_eq!(retry_on_intr(|| poll(&mut files, Some(&timeout))), Ok(1));
    assert_eq!(rustix::io::read(told, &mut [0; 8]), Ok(1));
}

#[test]
fn exec_takes_the_mapping_and_not_the_map() {
    let map = unique(&painted(1, OLD));
    let (told, tell) = pipe().unwrap();
    let child = Child::fork(|_| {
        mapped(&map);
        execute(&tell);
    });
    await_execution(&told);
    let info = map.info().unwrap();
    assert_eq!((info.task, info.address, info.ended), (None, None, false));
    let user = User::of(&map);
    assert_eq!(user.read(0), OLD);
    assert_eq!(child.kill(), End::Killed(Signal::KILL), "it lived on as another program");
}

#[test]
fn exec_closes_handles() {
    let (told, tell) = pipe().unwrap();
    let child = Child::fork(|parent| {
        let map = unique(&painted(1, OLD));
        parent.send(&map);
        parent.hear();
        execute(&tell);
    });
    let user = User::of(&child.receive());
    assert_eq!(user.read(0), OLD, "the child has the handle yet");
    child.say(0);
    await_execution(&told);
    assert_dies(user, 0);
    assert_eq!(child.kill(), End::Killed(Signal::KILL), "it lived on as another program");
}
