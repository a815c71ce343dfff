// SPDX-License-Identifier: MIT OR Apache-2.0

//! What was made and is gone has left nothing behind.

mod balance;

use std::cell::Cell;

use iomd::{
    Access, BufferFlags, Client, Deadline, Descriptor, Errno, IfAbandoned, Inheritance, Map,
    Mapping,
};
use iomd_sys::{
    IOMD_DESCRIPTOR_RESUME, IOMD_DESCRIPTOR_SUSPEND, IOMD_MAP_SEAL, iomd_descriptor_resume,
    iomd_descriptor_suspend, iomd_map_seal,
};
use rustix::mm::{MapFlags, ProtFlags};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities, set_keep_capabilities};

use crate::support::cgroup;
use crate::support::privileges::become_user;
use crate::support::raw::{self, size};
use crate::support::{
    Child, End, LIMIT, PAGE, Region, User, await_waiters, client, dma_buf, eventually, open_files,
    painted, scaled, unique,
};
use balance::{Balance, CHARGED, FILES, Group, Growth, OBJECTS, PAGES, TOLERANCE};

/// How many times a map is made, used and closed.
const ROUNDS: u64 = 10_000;

/// What is seldom done, and what is refused, is done in each of so many rounds.
const SELDOM: u64 = 5;

/// What the user who does it may lock, in pages: a little more than one round takes.
const LOCKED_PAGES: usize = 16;

const LENGTH: u64 = 4 * PAGE as u64;

/// Makes, redirects and uses a map, and closes everything in one order or another.
fn round(client: &Client, number: u64) {
    let (old, new) = (client.buffer(LENGTH).unwrap(), client.sparse_buffer(LENGTH).unwrap());
    let inheritance = if number % 2 == 0 { Inheritance::Share } else { Inheritance::None };
    let builder = old.map().unique(true).keep(number % 3 == 0).inheritance(inheritance);
    let map = builder.create().unwrap();
    let memory = map.mmap().unwrap();
    memory.store_u64(0, 7);
    map.redirect(&new).run().unwrap();
    memory.store_u64(PAGE, 7);
    map.suspend().unwrap();
    map.resume().unwrap();
    assert_eq!(memory.load_u64(PAGE), 7);
    if number % SELDOM == 1 {
        seldom(client, &old, &map, &memory);
    }
    match number % 7 {
        0 => drop((map, memory, old, new)),
        1 => drop((memory, map, new, old)),
        2 => drop((old, new, memory, map)),
        3 => drop((new, old, map, memory)),
        4 => {
            map.unmap().unwrap();
            drop((new, map, old, memory));
        }
        5 => {
            map.suspend().unwrap();
            drop((old, map, new, memory));
        }
        _ => {
            Region::from(&memory).pages(1..3).unmap().unwrap();
            drop((old, map, new, memory));
        }
    }
}

fn seldom(client: &Client, memory: &Descriptor, map: &Map, mapping: &Mapping) {
    let exported = [map.export_dma_buf().unwrap(), memory.export_dma_buf().unwrap()];
    for dma_buf in &exported {
        let region = dma_buf::map(dma_buf, 1);
        region.write(0, 7);
        region.unmap().unwrap();
        client.import_dma_buf(dma_buf, 0, 0).unwrap_err();
    }
    let copy = client.sparse_buffer(LENGTH).unwrap();
    memory.copy_to(&copy).run().unwrap();
    memory.copy_to(&copy).resume_on_target(true).run().unwrap();
    let reader = memory.read_only().unwrap();
    drop(reader.map().read_only(true).create().unwrap().mmap().unwrap());
    drop(client.open_map(map.id().unwrap()).unwrap());
    drop(client.open_descriptor(memory.id().unwrap(), Access::ReadOnly).unwrap());
    assert_eq!(client.map_fresh(PAGE).unwrap().load_u64(0), 0);
    controls(client, memory, map);
    lazy_copies(client);
    let region = Region::from(mapping).pages(1..2);
    region.show_file_pages(3).unwrap();
    let other = Region::from(map.mmap().unwrap()).moved();
    other.pages(1..2).unmap().unwrap();
    other.unmap().unwrap();
}

/// A copy that gets its page from the writer, one that takes it, and one that never has it.
fn lazy_copies(client: &Client) {
    let memory = client.buffer_with(PAGE as u64, BufferFlags::LAZY_COPY).unwrap();
    let map = memory.map().create().unwrap();
    let region = Region::from(map.mmap().unwrap());
    let task = client.own_task().unwrap();
    let uses: [fn(Region, Region); 3] = [
        |source, _| source.write(0, 7),
        |_, copy| copy.write(0, 8),
        |source, _| source.unmap().unwrap(),
    ];
    for touch in uses {
        let remap = client.remap(&task, region.address() as u64, PAGE as u64).copy(true);
        let copy = remap.inheritance(Inheritance::Share).run().unwrap();
        let copy = Region::at(copy.address as usize, PAGE);
        touch(region, copy);
        copy.unmap().unwrap();
    }
}

/// Suspensions of all kinds, some of which are abandoned; a seal; a batch.
fn controls(client: &Client, memory: &Descriptor, map: &Map) {
    let of_descriptor = size::<iomd_descriptor_suspend>();
    let mut suspend = iomd_descriptor_suspend { size: of_descriptor, ..Default::default() };
    raw::call(memory, IOMD_DESCRIPTOR_SUSPEND, &mut suspend).unwrap();
    let mut resume = iomd_descriptor_resume { size: size::<iomd_descriptor_resume>(), flags: 0 };
    raw::call(memory, IOMD_DESCRIPTOR_RESUME, &mut resume).unwrap();

    let other = unique(memory);
    let owner = other.reopen().unwrap();
    owner.suspend_with().deadline(Deadline::after(LIMIT)).run().unwrap();
    owner.suspend_with().if_abandoned(IfAbandoned::Resume).run().unwrap();
    drop(owner);
    assert!(!other.info().unwrap().suspended);
    let mut seal = iomd_map_seal { size: size::<iomd_map_seal>(), flags: 0 };
    raw::call(&other, IOMD_MAP_SEAL, &mut seal).unwrap();
    client.batch().redirect(map, memory).redirect(&other, memory).run().unwrap();
}

/// What is refused when much of it has been done already.
fn refused(client: &Client) {
    let errno = |result: iomd::Result<()>| result.unwrap_err().errno();
    let (old, new) = (client.buffer(LENGTH).unwrap(), client.buffer(LENGTH).unwrap());
    let short = client.buffer(PAGE as u64).unwrap();
    let (map, plain) = (old.map().unique(true).create().unwrap(), old.map().create().unwrap());
    let too_much = LOCKED_PAGES * PAGE;
    assert_eq!(errno(client.buffer(too_much as u64).map(drop)), Errno::NOMEM);
    assert_eq!(errno(map.redirect(&short).run().map(drop)), Errno::RANGE);
    assert_eq!(errno(plain.suspend().map(drop)), Errno::PERM);
    assert_eq!(errno(old.copy_to(&short).run().map(drop)), Errno::RANGE);
    assert_eq!(errno(old.copy_to(&new).resume_on_target(true).run().map(drop)), Errno::PERM);

    let (both, private) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
    assert_eq!(Region::map(client, 0, PAGE, both, private).unwrap_err(), Errno::INVAL);
    assert_eq!(Region::map(&map, 0, PAGE, both, private).unwrap_err(), Errno::INVAL);
    let beyond = Region::map(&map, LENGTH, PAGE, both, MapFlags::SHARED);
    assert_eq!(beyond.unwrap_err(), Errno::INVAL);

    let id = map.id().unwrap();
    let limits = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(0), ..limits }).unwrap();
    assert_eq!(errno(client.buffer(PAGE as u64).map(drop)), Errno::MFILE);
    assert_eq!(errno(old.map().create().map(drop)), Errno::MFILE);
    assert_eq!(errno(old.read_only().map(drop)), Errno::MFILE);
    assert_eq!(errno(client.open_map(id).map(drop)), Errno::MFILE);
    setrlimit(Resource::Nofile, limits).unwrap();
}

/// Becomes a user with a limit on locked memory, who may reach objects by id.
fn become_limited_user() {
    let limit = Some((LOCKED_PAGES * PAGE) as u64);
    setrlimit(Resource::Memlock, Rlimit { current: limit, maximum: limit }).unwrap();
    set_keep_capabilities(true).unwrap();
    become_user(4712);
    let (kept, none) = (CapabilitySet::SYS_ADMIN, CapabilitySet::empty());
    let sets = CapabilitySets { effective: kept, permitted: kept, inheritable: none };
    set_capabilities(None, sets).unwrap();
}

/// A process of the group that does some work so many times when told, and says when it is done.
fn worker(group: &Group, prepare: impl FnOnce(&Client), work: impl Fn(&Client, u64)) -> Child {
    Child::fork(|parent| {
        group.enter();
        let client = client();
        prepare(&client);
        let mut done = 0;
        loop {
            let times = parent.hear();
            for number in done..done + times {
                work(&client, number);
            }
            done += times;
            parent.say(0);
        }
    })
}

/// Tells a worker to do its work so many times, and waits until it is done.
fn work(worker: &Child, times: u64) {
    const AT_ONCE: u64 = 10;
    for done in (0..times).step_by(AT_ONCE as usize) {
        worker.say(AT_ONCE.min(times - done));
        worker.hear();
    }
}

/// Ends a worker, with which its group is to go.
fn dismiss(worker: Child, group: Group, dying: u64) {
    assert_eq!(worker.kill(), End::Killed(Signal::KILL));
    drop(group);
    eventually("nothing holds the removed group", || cgroup::dying() <= dying);
}

#[test]
fn ten_thousand_rounds_leave_nothing() {
    let dying = cgroup::dying();
    let group = Group::new("leaks");
    let files = Cell::new(0);
    let prepare = |_: &Client| {
        become_limited_user();
        files.set(open_files());
    };
    let worker = worker(&group, prepare, |client, number| {
        round(client, number);
        if number % SELDOM == 0 {
            refused(client);
            // No more is locked than was, and no less; nor are more files open.
            let all = client.buffer((LOCKED_PAGES * PAGE) as u64).unwrap();
            assert_eq!(client.buffer(1).unwrap_err().errno(), Errno::NOMEM);
            drop(all);
            assert_eq!(open_files(), files.get());
        }
    });
    // What is made once and kept is made in the first.
    work(&worker, scaled(ROUNDS / 50).max(50));
    let before = Balance::now(&group);
    work(&worker, scaled(ROUNDS));
    assert_eq!(before.restored(&group, TOLERANCE), Growth::new());
    dismiss(worker, group, dying);
}

#[test]
fn or_else_this_test_sees_it() {
    // As many as one in a hundred rounds.
    const LEAKED: u64 = ROUNDS / 100;
    let dying = cgroup::dying();
    let group = Group::new("leak");
    let child = Child::fork(|parent| {
        group.enter();
        let client = client();
        let wait = || {
            parent.say(0);
            parent.hear();
        };
        wait();
        let buffers: Vec<_> = (0..LEAKED).map(|_| client.buffer(1).unwrap()).collect();
        wait();
        drop(buffers);
        let memory = client.buffer(1).unwrap();
        let maps: Vec<_> = (0..LEAKED).map(|_| memory.map().create().unwrap()).collect();
        wait();
        drop((memory, maps));
        wait();
    });
    let next = || {
        child.hear();
        let now = Balance::now(&group);
        child.say(0);
        now
    };
    let (before, buffers, maps) = (next(), next(), next());
    let seen = buffers.growth(&before, TOLERANCE);
    for figure in [CHARGED, FILES, OBJECTS, "filp", "dentry"] {
        assert!(seen.contains_key(figure), "{figure}: {seen:?}");
    }
    assert_eq!(seen.contains_key(PAGES), balance::pages_count(), "{seen:?}");
    let seen = maps.growth(&before, TOLERANCE);
    for figure in [FILES, OBJECTS, "filp", "dentry"] {
        assert!(seen.contains_key(figure), "{figure}: {seen:?}");
    }
    child.hear();
    assert_eq!(before.restored(&group, TOLERANCE), Growth::new());
    dismiss(child, group, dying);
}

/// A process that waits on a map is killed, and one that has its last handle and memory of its own.
fn kill_two() {
    let map = unique(&painted(2, 7));
    let id = map.id().unwrap();
    let user = User::of(&map);
    user.write(0, 7);
    map.suspend().unwrap();
    let owner = Child::fork(|parent| {
        Region::from(client().map_fresh(4 * PAGE).unwrap()).write(0, 7);
        let own = unique(&painted(2, 7));
        Region::from(own.mmap().unwrap()).write(0, 7);
        own.suspend().unwrap();
        parent.say(0);
        parent.hear();
    });
    owner.hear();
    user.begin_read(0);
    await_waiters(&map, 1);
    drop(map);
    assert_eq!(user.into_child().kill(), End::Killed(Signal::KILL));
    assert!(client().open_map(id).is_ok(), "the owner has it");
    assert_eq!(owner.kill(), End::Killed(Signal::KILL));
}

#[test]
fn killed_processes_leave_nothing() {
    // The kernel keeps more of a process than of a file; what one dead in two leaves is seen. Of few
    // rounds only files and objects of iomd are.
    let times = scaled(ROUNDS / 50).max(20);
    let dying = cgroup::dying();
    let group = Group::new("killed");
    let worker = worker(&group, |_| {}, |_, _| kill_two());
    work(&worker, 20);
    let before = Balance::now(&group);
    work(&worker, times);
    assert_eq!(before.restored(&group, TOLERANCE.max(times as i64)), Growth::new());
    dismiss(worker, group, dying);
}
