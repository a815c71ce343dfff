// SPDX-License-Identifier: MIT OR Apache-2.0

//! mmap(2) on the device itself: for programs that can do no more than map a path.

use std::fs::File;
use std::os::fd::AsFd;

use iomd::{DEVICE, Errno, Inheritance, Kind, Map, MapOptions, Mapping, Object};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags};
use rustix::process::{Signal, getpid};

use crate::support::wiped::assert_wiped;
use crate::support::{
    Child, End, PAGE, Region, User, await_waiters, client, objects, open_files, painted,
};

const NEW: u64 = 0x0200;

/// What is made, and the ids of the two objects that were not there before: a buffer and its map.
fn made<T>(make: impl FnOnce() -> T) -> (T, [u64; 2]) {
    let before = objects();
    let made = make();
    let listed: Vec<Object> = client().objects().map(Result::unwrap).collect();
    let new = listed.into_iter().filter(|object| !before.contains(&object.id));
    match new.collect::<Vec<_>>()[..] {
        [Object { id: buffer, kind: Kind::Buffer }, Object { id: map, kind: Kind::Map }] => {
            (made, [buffer, map])
        }
        ref other => panic!("not a buffer and a map: {other:?}"),
    }
}

/// Fresh memory, and its map by its id.
fn fresh(pages: usize) -> (Mapping, Map) {
    let (memory, [_, map]) = made(|| client().map_fresh(pages * PAGE).unwrap());
    (memory, client().open_map(map).unwrap())
}

/// Whether an object exists.
fn exists(id: u64) -> bool {
    objects().contains(&id)
}

fn device(write: bool) -> File {
    File::options().read(true).write(write).open(DEVICE).unwrap()
}

#[test]
fn gives_a_buffer_and_a_map_that_nobody_has_a_file_of() {
    let files = open_files();
    let (memory, [buffer, map]) = made(|| client().map_fresh(3 * PAGE).unwrap());
    assert_eq!(open_files(), files);

    let info = client().open_map(map).unwrap().info().unwrap();
    let length = 3 * PAGE as u64;
    assert_eq!(info.descriptor_id, buffer);
    assert_eq!((info.offset, info.length, info.mapped_size), (0, length, length));
    assert_eq!(info.options, MapOptions::ANYWHERE | MapOptions::UNIQUE);
    assert_eq!(info.inheritance, Inheritance::Share);
    assert_eq!(info.task, Some(getpid().as_raw_nonzero().get()));
    assert_eq!(info.address, Some(memory.as_ptr().addr() as u64));
    assert!(!info.suspended && !info.ended);

    let resident = || {
        let descriptor = client().open_descriptor(buffer, iomd::Access::ReadOnly).unwrap();
        descriptor.info().unwrap().resident
    };
    assert_eq!(resident(), 0, "it comes when it is touched");
    memory.store_u64(PAGE, 7);
    assert_eq!(resident(), PAGE as u64);
    assert_eq!([0, PAGE, 2 * PAGE].map(|offset| memory.load_u64(offset)), [0, 7, 0]);
}

#[test]
fn gives_whole_pages() {
    for (length, pages) in [(1, 1), (PAGE - 1, 1), (PAGE + 1, 2)] {
        let (memory, [_, map]) = made(|| client().map_fresh(length).unwrap());
        let info = client().open_map(map).unwrap().info().unwrap();
        assert_eq!((info.length, info.mapped_size), (pages * 4096, pages * 4096));
        drop(memory);
    }
}

#[test]
fn gives_zeros_whatever_was_there_before() {
    assert_wiped(|| client().map_fresh(2 << 20).unwrap().into());
}

#[test]
fn gives_each_caller_memory_of_its_own() {
    let client = client();
    let memory = [0, 1, 2].map(|_| client.map_fresh(PAGE).unwrap());
    for (memory, value) in memory.iter().zip(1..) {
        memory.store_u64(0, value);
    }
    assert_eq!(memory.map(|memory| memory.load_u64(0)), [1, 2, 3]);
}

#[test]
fn gives_memory_that_can_be_redirected_by_its_id() {
    let (memory, map) = fresh(2);
    memory.store_u64(PAGE, 7);
    let user = User::with(|| (&memory).into());
    let new = painted(2, NEW);

    map.suspend().unwrap();
    user.begin_read(PAGE);
    await_waiters(&map, 1);
    map.resume().unwrap();
    assert_eq!(user.finish(), 7);

    let id = map.info().unwrap().descriptor_id;
    let old = client().open_descriptor(id, iomd::Access::ReadWrite).unwrap();
    assert_eq!(old.copy_to(&new).run().unwrap().maps, 1);
    assert_eq!(new.info().unwrap().resident, 2 * PAGE as u64);
    drop(old);
    map.redirect(&new).run().unwrap();
    drop(map);
    assert!(!exists(id), "nobody has the first memory any more");
    memory.store_u64(PAGE, 8);
    assert_eq!(user.read(PAGE), 8, "it lives on though the map's only file descriptor is closed");
    assert_eq!(crate::support::window(&new).load_u64(PAGE), 8);
}

#[test]
fn is_shared_with_forked_children() {
    let (memory, map) = fresh(1);
    let child = Child::fork(|parent| {
        assert_eq!(parent.hear(), 0);
        parent.say(memory.load_u64(0));
        memory.store_u64(8, 9);
    });
    memory.store_u64(0, 7);
    child.say(0);
    assert_eq!(child.hear(), 7);
    child.succeed();
    assert_eq!(memory.load_u64(8), 9);
    assert_eq!(map.info().unwrap().task, Some(getpid().as_raw_nonzero().get()));
}

#[test]
fn refuses_what_it_cannot_give_and_leaves_nothing_behind() {
    let rights = ProtFlags::READ | ProtFlags::WRITE;
    let shared = MapFlags::SHARED;
    let page = PAGE as u64;
    for write in [true, false] {
        let device = device(write);
        let writable = if write { rights } else { ProtFlags::READ };
        let (files, before) = (open_files(), objects());
        for (what, length, rights, flags, offset, errno) in [
            ("private", PAGE, writable, MapFlags::PRIVATE, 0, Errno::INVAL),
            ("private, for reading", PAGE, ProtFlags::READ, MapFlags::PRIVATE, 0, Errno::INVAL),
            ("executable", PAGE, writable | ProtFlags::EXEC, shared, 0, Errno::PERM),
            ("executable only", PAGE, ProtFlags::EXEC, shared, 0, Errno::PERM),
            ("from the second page", PAGE, writable, shared, page, Errno::INVAL),
            ("from far away", PAGE, writable, shared, 1 << 40, Errno::INVAL),
            ("from no page", PAGE, writable, shared, 8, Errno::INVAL),
            ("nothing", 0, writable, shared, 0, Errno::INVAL),
        ] {
            let mapped = Region::map(&device, offset, length, rights, flags);
            assert_eq!(mapped, Err(errno), "{what}");
        }
        assert_eq!(objects(), before);
        assert_eq!(open_files(), files);
    }
}

#[test]
fn never_becomes_executable() {
    let region = Region::from(client().map_fresh(PAGE).unwrap());
    for rights in [MprotectFlags::EXEC, MprotectFlags::READ | MprotectFlags::EXEC] {
        assert_eq!(region.protect(rights), Err(Errno::ACCESS));
    }
    region.write(0, 7);
    region.unmap().unwrap();
}

#[test]
fn follows_the_rights_that_the_device_was_opened_with() {
    let device = device(false);
    let shared = MapFlags::SHARED;
    for rights in [ProtFlags::WRITE, ProtFlags::READ | ProtFlags::WRITE] {
        assert_eq!(Region::map(&device, 0, PAGE, rights, shared), Err(Errno::ACCESS));
    }
    let (region, new) = made(|| Region::map(&device, 0, PAGE, ProtFlags::READ, shared).unwrap());
    let map = client().open_map(new[1]).unwrap();
    let read_only = MapOptions::ANYWHERE | MapOptions::READ_ONLY | MapOptions::UNIQUE;
    assert_eq!(map.info().unwrap().options, read_only);

    let assert_read_only = || {
        assert_eq!(region.protect(MprotectFlags::READ | MprotectFlags::WRITE), Err(Errno::ACCESS));
        let writer = User::with(|| region);
        writer.begin_write(0, 7);
        assert_eq!(writer.into_child().end(), End::Killed(Signal::SEGV));
    };
    assert_eq!(region.read(0), 0);
    assert_read_only();
    // Also other memory, even if it may be written.
    let memory = painted(1, NEW);
    map.redirect(&memory).run().unwrap();
    assert_eq!(region.read(0), NEW);
    assert_read_only();
    map.redirect(&memory.read_only().unwrap()).run().unwrap();
    assert_eq!(region.read(0), NEW);
    assert_read_only();
    region.unmap().unwrap();

    // What cannot be read cannot be mapped at all.
    let blind = File::options().write(true).open(DEVICE).unwrap();
    let mapped = Region::map(blind.as_fd(), 0, PAGE, ProtFlags::READ, shared);
    assert_eq!(mapped, Err(Errno::ACCESS));
}

#[test]
fn lives_as_long_as_any_part_of_it_is_mapped() {
    let (region, new) = {
        // The device is closed at once.
        let (memory, new) = made(|| client().map_fresh(4 * PAGE).unwrap());
        (Region::from(memory), new)
    };
    let exist = || new.map(exists);
    region.write(3 * PAGE, 7);
    region.pages(0..1).unmap().unwrap();
    region.pages(2..3).unmap().unwrap();
    let moved = region.pages(3..4).moved();
    let child = User::with(|| moved);
    region.pages(1..2).unmap().unwrap();
    assert_eq!(moved.read(0), 7);
    moved.unmap().unwrap();
    assert_eq!(exist(), [true, true], "the child has it");
    assert_eq!(child.read(0), 7);
    child.into_child().kill();
    assert_eq!(exist(), [false, false]);
}

#[test]
fn leaves_nothing_when_its_process_ends() {
    let before = objects();
    let child = Child::fork(|parent| {
        let memory = client().map_fresh(16 * PAGE).unwrap();
        for page in 0..16 {
            memory.store_u64(page * PAGE, 1);
        }
        let region = Region::from(memory);
        parent.say(region.address() as u64);
        parent.hear();
    });
    child.hear();
    assert_eq!(objects().len(), before.len() + 2);
    assert_eq!(child.kill(), End::Killed(Signal::KILL));
    assert_eq!(objects(), before);
}
