// SPDX-License-Identifier: MIT OR Apache-2.0

//! Several maps are redirected as one, or none of them is.

use std::os::fd::{AsFd, AsRawFd};
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use iomd::{Batch, Client, Deadline, Descriptor, Errno, IfAbandoned, Map, MapInfo, Mapping};
use iomd_sys as sys;
use rustix::process::Signal;
use rustix::thread::{CpuSet, sched_setaffinity};

use crate::support::pin::Pin;
use crate::support::{
    Child, End, LIMIT, PAGE, Region, User, await_waiters, buffer, client, eventually, open_files,
    painted, raw, scaled, unique, unique_shared, window,
};

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;

/// Maps of a page each, what they show, and what they are to show.
struct Maps<const COUNT: usize> {
    maps: [Map; COUNT],
    old: [Descriptor; COUNT],
    new: [Descriptor; COUNT],
}

impl<const COUNT: usize> Maps<COUNT> {
    /// Map n shows [`OLD`] + n, and is to show [`NEW`] + n.
    fn new() -> Self {
        let old = std::array::from_fn(|number| painted(1, OLD + number as u64));
        let new = std::array::from_fn(|number| painted(1, NEW + number as u64));
        let maps = std::array::from_fn(|number| unique_shared(&old[number]));
        Self { maps, old, new }
    }

    fn batch<'a>(&'a self, client: &'a Client) -> Batch<'a> {
        self.maps
            .iter()
            .zip(&self.new)
            .fold(client.batch(), |batch, (map, new)| batch.redirect(map, new))
    }

    fn entries(&self) -> Vec<sys::iomd_batch_entry> {
        self.maps.iter().zip(&self.new).map(|(map, new)| entry(map, new)).collect()
    }

    fn info(&self) -> [MapInfo; COUNT] {
        self.maps.each_ref().map(info)
    }

    fn users(&self) -> [User; COUNT] {
        self.maps.each_ref().map(User::of)
    }

    /// Asserts what is seen through the maps.
    #[track_caller]
    fn assert_show(&self, tag: u64) {
        for (number, map) in (0..).zip(&self.maps) {
            let shown = map.mmap().expect("the map is mapped").load_u64(0);
            assert_eq!(shown, tag + number, "map {number}");
        }
    }
}

fn info(map: &Map) -> MapInfo {
    map.info().expect("a map tells about itself")
}

fn entry(map: impl AsFd, descriptor: impl AsFd) -> sys::iomd_batch_entry {
    let (map, descriptor) = (map.as_fd().as_raw_fd(), descriptor.as_fd().as_raw_fd());
    sys::iomd_batch_entry { map, descriptor, offset: 0 }
}

/// A batch as the kernel takes it.
fn argument(entries: &[sys::iomd_batch_entry]) -> sys::iomd_redirect_batch {
    sys::iomd_redirect_batch {
        size: raw::size::<sys::iomd_redirect_batch>(),
        entries: entries.as_ptr().expose_provenance() as u64,
        count: entries.len() as u32,
        pinned: u64::MAX,
        ..Default::default()
    }
}

const SIZE: usize = size_of::<sys::iomd_batch_entry>();

/// Puts an entry into memory that is not Rust's.
fn write(region: Region, offset: usize, entry: &sys::iomd_batch_entry) {
    region.write(offset, u64::from(entry.map as u32) | (u64::from(entry.descriptor as u32) << 32));
    region.write(offset + 8, entry.offset);
}

#[track_caller]
fn refused(argument: sys::iomd_redirect_batch) -> Errno {
    raw::refused(client(), sys::IOMD_REDIRECT_BATCH, argument)
}

#[test]
fn all_maps_show_their_new_memory() {
    let client = client();
    let maps = Maps::<3>::new();
    let users = maps.users();
    for (number, user) in (0..).zip(&users) {
        assert_eq!(user.read(0), OLD + number);
    }
    let before = maps.info();
    let redirected = maps.batch(&client).run().unwrap();
    assert_eq!(redirected.pinned, 0);
    for (number, user) in (0..).zip(&users) {
        assert_eq!(user.read(0), NEW + number);
    }
    maps.assert_show(NEW);
    for ((before, after), new) in before.iter().zip(maps.info()).zip(&maps.new) {
        assert_eq!(after.descriptor_id, new.id().unwrap());
        assert_eq!(after.redirects, before.redirects + 1);
        assert_eq!(after.generation, before.generation + 1);
        assert!(!after.suspended);
    }
    for old in &maps.old {
        assert_eq!(old.info().unwrap().maps, 0, "the map has left");
    }
}

#[test]
fn one_map_is_a_batch() {
    let client = client();
    let maps = Maps::<1>::new();
    maps.batch(&client).run().unwrap();
    maps.assert_show(NEW);
}

#[test]
fn a_batch_has_64_maps_at_most() {
    let client = client();
    assert_eq!(Batch::MOST, 64);
    let maps = Maps::<64>::new();
    maps.batch(&client).run().unwrap();
    maps.assert_show(NEW);

    let maps = Maps::<65>::new();
    let before = maps.info();
    let files = open_files();
    let error = maps.batch(&client).run().unwrap_err();
    assert_eq!(error.errno(), Errno::INVAL);
    assert!(error.to_string().contains("more maps than one call redirects"), "{error}");
    let entries = maps.entries();
    assert_eq!(refused(argument(&entries)), Errno::INVAL);
    for count in [65, 1 << 16, 1 << 28, u32::MAX] {
        let argument = sys::iomd_redirect_batch { count, ..argument(&entries) };
        assert_eq!(refused(argument), Errno::INVAL);
    }
    assert_eq!(maps.info(), before);
    assert_eq!(open_files(), files);
}

#[test]
fn a_batch_of_none_is_refused() {
    let error = client().batch().run().unwrap_err();
    assert_eq!(error.errno(), Errno::INVAL);
    assert!(error.to_string().contains("there are no maps"), "{error}");
    let argument = argument(&[]);
    assert_eq!(refused(argument), Errno::INVAL);
    assert_eq!(refused(sys::iomd_redirect_batch { entries: 0, ..argument }), Errno::INVAL);
}

#[test]
fn several_maps_may_go_to_one_memory() {
    let client = client();
    let maps = Maps::<3>::new();
    let new = painted(4, NEW);
    let offset = |page: usize| (page * PAGE) as u64;
    client
        .batch()
        .redirect_at(&maps.maps[0], &new, offset(2))
        .redirect_at(&maps.maps[1], &new, offset(2))
        .redirect_at(&maps.maps[2], &new, offset(3))
        .run()
        .unwrap();
    let users = maps.users();
    assert_eq!(users.each_ref().map(|user| user.read(0)), [NEW + 2, NEW + 2, NEW + 3]);
    users[0].write(8, 7);
    assert_eq!(users[1].read(8), 7);
    assert_eq!(new.info().unwrap().maps, 3);
    assert_eq!(info(&maps.maps[2]).offset, offset(3));
}

#[test]
fn two_maps_swap_their_memory() {
    let client = client();
    let memories = [painted(1, OLD), painted(1, NEW)];
    let [a, b] = memories.each_ref().map(unique);
    let users = [User::of(&a), User::of(&b)];
    for _ in 0..10 {
        client.batch().redirect(&a, &memories[1]).redirect(&b, &memories[0]).run().unwrap();
        assert_eq!(users.each_ref().map(|user| user.read(0)), [NEW, OLD]);
        client.batch().redirect(&b, &memories[1]).redirect(&a, &memories[0]).run().unwrap();
        assert_eq!(users.each_ref().map(|user| user.read(0)), [OLD, NEW]);
    }
    assert_eq!(memories.each_ref().map(|memory| memory.info().unwrap().maps), [1, 1]);
}

#[test]
fn three_maps_go_round() {
    let client = client();
    let memories = [painted(1, OLD), painted(1, OLD + 1), painted(1, OLD + 2)];
    let maps = memories.each_ref().map(unique);
    let users = maps.each_ref().map(User::of);
    for turn in 1..=6 {
        let batch = maps.iter().enumerate().fold(client.batch(), |batch, (number, map)| {
            batch.redirect(map, &memories[(number + turn) % 3])
        });
        batch.run().unwrap();
        for (number, user) in users.iter().enumerate() {
            assert_eq!(user.read(0), OLD + ((number + turn) % 3) as u64);
        }
    }
}

#[test]
fn a_map_may_stay_where_it_is() {
    let client = client();
    let maps = Maps::<2>::new();
    let [a, b] = &maps.maps;
    client.batch().redirect(a, &maps.old[0]).redirect(b, &maps.new[1]).run().unwrap();
    let users = maps.users();
    assert_eq!(users.each_ref().map(|user| user.read(0)), [OLD, NEW + 1]);
}

#[test]
fn suspended_maps_go_on() {
    let client = client();
    let maps = Maps::<4>::new();
    let users = maps.users();
    let owner = maps.maps[2].reopen().unwrap();
    maps.maps[1].suspend().unwrap();
    owner.suspend_with().if_abandoned(IfAbandoned::Sigbus).run().unwrap();
    maps.maps[3].suspend_with().deadline(Deadline::from_nanoseconds(1)).run().unwrap();
    for number in [1, 2] {
        users[number].begin_read(0);
        await_waiters(&maps.maps[number], 1);
    }
    assert!(info(&maps.maps[3]).expired);

    maps.batch(&client).run().unwrap();
    assert_eq!(users[1].finish(), NEW + 1);
    assert_eq!(users[2].finish(), NEW + 2);
    assert_eq!([0, 3].map(|number: usize| users[number].read(0)), [NEW, NEW + 3]);
    drop(owner);
    for info in maps.info() {
        assert!(!info.suspended && !info.expired && info.waiters == 0);
    }
    maps.assert_show(NEW);
}

#[test]
fn a_refused_batch_leaves_suspended_maps_as_they_are() {
    let client = client();
    let maps = Maps::<4>::new();
    let users = maps.users();
    let owner = maps.maps[2].reopen().unwrap();
    maps.maps[1].suspend().unwrap();
    owner.suspend_with().if_abandoned(IfAbandoned::Resume).run().unwrap();
    maps.maps[3].suspend_with().deadline(Deadline::from_nanoseconds(1)).run().unwrap();
    for number in [1, 2] {
        users[number].begin_read(0);
        await_waiters(&maps.maps[number], 1);
    }
    let before = maps.info();

    let pin = Pin::of(maps.maps[0].mmap().unwrap().into());
    let error = maps.batch(&client).refuse_pinned(true).run().unwrap_err();
    assert_eq!(error.errno(), Errno::BUSY);
    drop(pin);
    let mut entries = maps.entries();
    entries[3].offset = 1;
    assert_eq!(refused(argument(&entries)), Errno::INVAL);

    let after = maps.info();
    for (before, after) in before.iter().zip(&after).skip(1) {
        assert_eq!(before, after);
    }
    assert!(!after[0].suspended && after[0].generation == before[0].generation);
    assert_eq!(users[0].read(0), OLD);
    drop(owner);
    assert_eq!(users[2].finish(), OLD + 2, "its owner is who it was");
    maps.maps[1].resume().unwrap();
    assert_eq!(users[1].finish(), OLD + 1);
    maps.maps[3].resume().unwrap();
    assert_eq!(users[3].read(0), OLD + 3);
}

#[test]
fn ended_maps_are_passed_over() {
    let client = client();
    let maps = Maps::<3>::new();
    maps.maps[1].unmap().unwrap();
    let before = maps.info();
    maps.batch(&client).run().unwrap();
    let after = maps.info();
    assert_eq!(after[1], before[1]);
    let users = [User::of(&maps.maps[0]), User::of(&maps.maps[2])];
    assert_eq!(users.each_ref().map(|user| user.read(0)), [NEW, NEW + 2]);
}

#[test]
fn rights_are_each_map_s_own() {
    let client = client();
    let memory = painted(1, OLD);
    let writable = unique(&memory);
    let read_only = memory.map().unique(true).read_only(true).create().unwrap();
    let new = painted(1, NEW);
    let new_read_only = new.read_only().unwrap();
    let wrong =
        client.batch().redirect(&read_only, &new_read_only).redirect(&writable, &new_read_only);
    assert_eq!(wrong.run().unwrap_err().errno(), Errno::ACCESS);
    let users = [User::of(&writable), User::of(&read_only)];
    assert_eq!(users.each_ref().map(|user| user.read(0)), [OLD, OLD]);
    let right = client.batch().redirect(&read_only, &new_read_only).redirect(&writable, &new);
    right.run().unwrap();
    assert_eq!(users.each_ref().map(|user| user.read(0)), [NEW, NEW]);
}

/// Something that is wrong with an entry, and how it is refused.
type Wrong<'a> = (&'a str, Errno, Box<dyn Fn(&mut sys::iomd_batch_entry) + 'a>);

#[test]
fn one_wrong_map_is_enough_to_change_nothing() {
    const COUNT: usize = 4;
    let maps = Maps::<COUNT>::new();
    let users = maps.users();
    let client = client();
    let shared = painted(1, OLD).map().create().unwrap();
    let long = unique(&painted(2, OLD));
    let sealed = unique(&painted(1, OLD));
    let seals = sealed.reopen().unwrap();
    let mut seal = sys::iomd_map_seal { size: raw::size::<sys::iomd_map_seal>(), flags: 0 };
    raw::call(&seals, sys::IOMD_MAP_SEAL, &mut seal).unwrap();
    let read_only = maps.new[0].read_only().unwrap();
    let device = std::fs::File::open("/dev/null").unwrap();
    let other = painted(1, NEW);
    let closed = 1 << 20;
    let to = |file: &dyn AsFd| file.as_fd().as_raw_fd();

    let wrongs: [Wrong<'_>; 18] = [
        ("a map not open", Errno::BADF, Box::new(move |entry| entry.map = closed)),
        ("a map of -1", Errno::BADF, Box::new(|entry| entry.map = -1)),
        ("a map that is a descriptor", Errno::INVAL, Box::new(|entry| entry.map = to(&other))),
        ("a map that is a client", Errno::INVAL, Box::new(|entry| entry.map = to(&client))),
        ("a map that is a device", Errno::INVAL, Box::new(|entry| entry.map = to(&device))),
        ("a map that is not unique", Errno::PERM, Box::new(|entry| entry.map = to(&shared))),
        ("a map that another sealed", Errno::PERM, Box::new(|entry| entry.map = to(&sealed))),
        ("a map that is longer", Errno::RANGE, Box::new(|entry| entry.map = to(&long))),
        ("no descriptor", Errno::BADF, Box::new(|entry| entry.descriptor = -1)),
        ("a descriptor not open", Errno::BADF, Box::new(move |entry| entry.descriptor = closed)),
        (
            "a descriptor that is a map",
            Errno::INVAL,
            Box::new(|entry| entry.descriptor = to(&shared)),
        ),
        (
            "a descriptor that is a device",
            Errno::INVAL,
            Box::new(|entry| entry.descriptor = to(&device)),
        ),
        (
            "a descriptor that is read-only",
            Errno::ACCESS,
            Box::new(|entry| entry.descriptor = to(&read_only)),
        ),
        ("half a page", Errno::INVAL, Box::new(|entry| entry.offset = PAGE as u64 / 2)),
        ("a byte", Errno::INVAL, Box::new(|entry| entry.offset = 1)),
        ("beyond the end", Errno::RANGE, Box::new(|entry| entry.offset = PAGE as u64)),
        ("far beyond the end", Errno::RANGE, Box::new(|entry| entry.offset = 1 << 40)),
        (
            "beyond all",
            Errno::OVERFLOW,
            Box::new(|entry| entry.offset = u64::MAX - PAGE as u64 + 1),
        ),
    ];
    for (name, errno, spoil) in &wrongs {
        for position in 0..COUNT {
            let mut entries = maps.entries();
            spoil(&mut entries[position]);
            let before = maps.info();
            assert_eq!(refused(argument(&entries)), *errno, "{name}, at {position}");
            assert_eq!(maps.info(), before, "{name}, at {position}");
        }
    }
    for (number, user) in (0..).zip(&users) {
        assert_eq!(user.read(0), OLD + number);
    }
    for new in &maps.new {
        assert_eq!(new.info().unwrap().maps, 0, "nothing is left of what was refused");
    }
    maps.batch(&client).run().unwrap();
    for (number, user) in (0..).zip(&users) {
        assert_eq!(user.read(0), NEW + number);
    }
}

#[test]
fn a_map_that_is_there_twice_is_refused() {
    const COUNT: usize = 4;
    let maps = Maps::<COUNT>::new();
    let again = maps.maps.each_ref().map(|map| map.reopen().unwrap());
    let before = maps.info();
    for (one, again) in again.iter().enumerate() {
        for other in (0..COUNT).filter(|other| *other != one) {
            let mut entries = maps.entries();
            // By the same file, by another one; to other memory, to the same.
            for (map, new) in [
                (&maps.maps[one], &maps.new[other]),
                (again, &maps.new[other]),
                (again, &maps.new[one]),
            ] {
                entries[other] = entry(map, new);
                assert_eq!(refused(argument(&entries)), Errno::INVAL, "{one} at {other}");
            }
        }
    }
    assert_eq!(maps.info(), before);
    maps.assert_show(OLD);
}

#[test]
fn a_list_that_cannot_be_read_is_refused() {
    let maps = Maps::<4>::new();
    let before = maps.info();
    let entries = maps.entries();
    for readable in 0..entries.len() {
        // The rest of the list is on a page that is not there.
        let region = Region::reserve(2);
        region.pages(0..1).unmap().unwrap();
        region.pages(0..1).fill().unwrap();
        for (number, entry) in entries.iter().take(readable).enumerate() {
            let offset = PAGE - SIZE * (readable - number);
            write(region, offset, entry);
        }
        let start = (region.address() + PAGE - SIZE * readable) as u64;
        let argument = sys::iomd_redirect_batch { entries: start, ..argument(&entries) };
        assert_eq!(refused(argument), Errno::FAULT, "{readable} entries can be read");
        assert_eq!(maps.info(), before);
        region.unmap().unwrap();
    }
    for start in [0, 8, u64::MAX - 7, 1 << 63, 0xffff_8000_0000_0000] {
        let argument = sys::iomd_redirect_batch { entries: start, ..argument(&entries) };
        assert_eq!(refused(argument), Errno::FAULT);
    }
    assert_eq!(maps.info(), before);
    maps.assert_show(OLD);
}

#[test]
fn what_is_unknown_is_refused() {
    let maps = Maps::<2>::new();
    let before = maps.info();
    let entries = maps.entries();
    let argument = argument(&entries);
    for bit in 0..32 {
        let bit = 1 << bit;
        if bit != sys::IOMD_REDIRECT_REFUSE_PINNED {
            let flags = sys::iomd_redirect_batch { flags: bit, ..argument };
            assert_eq!(refused(flags), Errno::INVAL, "flag {bit:#x}");
        }
        let padding = sys::iomd_redirect_batch { padding: bit, ..argument };
        assert_eq!(refused(padding), Errno::INVAL, "padding {bit:#x}");
    }
    let short = sys::iomd_redirect_batch { size: argument.size - 1, ..argument };
    assert_eq!(refused(short), Errno::INVAL);
    for file in [maps.maps[0].as_fd(), maps.new[0].as_fd()] {
        assert_eq!(raw::refused(file, sys::IOMD_REDIRECT_BATCH, argument), Errno::NOTTY);
    }
    assert_eq!(maps.info(), before);
    maps.assert_show(OLD);
}

#[test]
fn a_list_may_be_in_a_map_that_it_redirects() {
    let maps = Maps::<2>::new();
    let entries = maps.entries();
    let region = Region::from(maps.maps[0].mmap().unwrap());
    for (number, entry) in entries.iter().enumerate() {
        write(region, 64 + SIZE * number, entry);
    }
    let start = region.address() as u64 + 64;
    let mut argument = sys::iomd_redirect_batch { entries: start, ..argument(&entries) };
    raw::call(client(), sys::IOMD_REDIRECT_BATCH, &mut argument).unwrap();
    assert_eq!(argument.pinned, 0);
    assert_eq!(region.read(0), NEW);
    assert_eq!(User::of(&maps.maps[1]).read(0), NEW + 1);
}

#[test]
fn pages_held_are_told_of_or_refused() {
    const COUNT: usize = 3;
    let client = client();
    for position in 0..COUNT {
        let maps = Maps::<COUNT>::new();
        let users = maps.users();
        let pin = Pin::of(maps.maps[position].mmap().unwrap().into());
        let before = maps.info();
        let entries = maps.entries();
        let flags = sys::IOMD_REDIRECT_REFUSE_PINNED;
        let argument = sys::iomd_redirect_batch { flags, ..argument(&entries) };
        assert_eq!(refused(argument), Errno::BUSY, "map {position}");
        for ((number, before), after) in (0..).zip(before).zip(maps.info()) {
            assert!(!after.suspended);
            assert_eq!(after.generation, before.generation, "map {number}");
            assert_eq!(after.descriptor_id, before.descriptor_id, "map {number}");
            assert_eq!(users[number as usize].read(0), OLD + number);
        }
        for new in &maps.new {
            assert_eq!(new.info().unwrap().maps, 0);
        }

        assert_eq!(maps.batch(&client).run().unwrap().pinned, 1);
        maps.assert_show(NEW);
        drop(pin);
        let back = maps
            .maps
            .iter()
            .zip(&maps.old)
            .fold(client.batch(), |batch, (map, old)| batch.redirect(map, old));
        let back = back.refuse_pinned(true);
        eventually("the pages are held no more", || back.clone().run().is_ok());
        maps.assert_show(OLD);
    }
}

#[test]
fn pages_held_are_counted_over_all_maps() {
    let client = client();
    let old = [painted(3, OLD), painted(4, OLD)];
    let new = [painted(3, NEW), painted(4, NEW)];
    let maps = old.each_ref().map(unique_shared);
    let _pins = maps.each_ref().map(|map| Pin::of(map.mmap().unwrap().into()));
    let batch = client.batch().redirect(&maps[0], &new[0]).redirect(&maps[1], &new[1]);
    assert_eq!(batch.clone().refuse_pinned(true).run().unwrap_err().errno(), Errno::BUSY);
    assert_eq!(batch.run().unwrap().pinned, 7);
}

/// Keeps the calling thread on one processor, if there are two.
fn run_on(processor: usize) {
    let mut set = CpuSet::new();
    set.set(processor);
    let _ = sched_setaffinity(None, &set);
}

/// Looks until it has happened. Who is to make it happen has a processor of its own, but maybe not
/// one of the host's.
fn spin(what: &str, happened: impl Fn() -> bool) {
    let start = Instant::now();
    for look in 0_u64.. {
        if happened() {
            return;
        }
        assert!(start.elapsed() < LIMIT, "not within {LIMIT:?}: {what}");
        if look > 1000 {
            thread::sleep(Duration::from_micros(50));
        }
    }
}

/// Two maps, A and B, each of which goes back and forth between two memories.
struct Arena {
    maps: [Map; 2],
    memories: [[Descriptor; 2]; 2],
    windows: [[Mapping; 2]; 2],
    /// What the other process has seen, or written.
    progress: Mapping,
}

const A: usize = 0;
const B: usize = 1;

impl Arena {
    fn new() -> Self {
        let memories = [[buffer(1), buffer(1)], [buffer(1), buffer(1)]];
        let windows = memories.each_ref().map(|pair| pair.each_ref().map(window));
        let maps = memories.each_ref().map(|pair| unique_shared(&pair[0]));
        let progress = buffer(1);
        let progress = progress.map().keep(true).inheritance(iomd::Inheritance::Share);
        let progress = progress.create().unwrap().mmap().unwrap();
        Self { maps, memories, windows, progress }
    }

    /// A process that does something with both maps for ever, on a processor of its own, unless it
    /// finds something wrong: then it says what.
    fn process(&self, work: impl Fn([Mapping; 2]) -> u64) -> Child {
        let child = Child::fork(|parent| {
            run_on(1);
            let mappings = self.maps.each_ref().map(|map| map.mmap().unwrap());
            parent.say(0);
            parent.say(work(mappings));
        });
        assert_eq!(child.hear(), 0);
        run_on(0);
        child
    }

    /// Redirects both maps, as one, to their memories of that number.
    fn redirect(&self, client: &Client, number: usize) {
        let [a, b] = &self.memories;
        let batch = client.batch().redirect(&self.maps[A], &a[number]);
        batch.redirect(&self.maps[B], &b[number]).run().unwrap();
    }

    /// The same, one after the other.
    fn redirect_singly(&self, number: usize) {
        for map in [A, B] {
            self.maps[map].redirect(&self.memories[map][number]).run().unwrap();
        }
    }

    /// A process that reads A, B and A for ever. Both hold a number that rises with each redirect:
    /// what is read must never fall.
    fn reader(&self) -> Child {
        self.process(|[a, b]| {
            loop {
                let seen = [&a, &b, &a].map(|map| map.load_u64_ordered(0, SeqCst));
                if !seen.is_sorted() {
                    return seen[0];
                }
                self.progress.store_u64_ordered(0, seen[2], SeqCst);
            }
        })
    }

    /// Numbers the memory that the maps do not show.
    fn number(&self, number: u64) -> usize {
        let next = number as usize % 2;
        for map in [A, B] {
            self.windows[map][next].store_u64_ordered(0, number, SeqCst);
        }
        next
    }

    fn progress(&self) -> u64 {
        self.progress.load_u64_ordered(0, SeqCst)
    }
}

#[test]
fn nobody_sees_new_memory_and_then_old() {
    let arena = Arena::new();
    let client = client();
    let reader = arena.reader();
    for number in 1..=scaled(2000) {
        arena.redirect(&client, arena.number(number));
        spin("the reader sees it", || arena.progress() == number || !reader.is_silent());
        assert!(reader.is_silent(), "batch {number}: old memory is seen after new");
    }
    assert_eq!(reader.kill(), End::Killed(Signal::KILL));
}

#[test]
fn or_else_this_test_sees_it() {
    let arena = Arena::new();
    let reader = arena.reader();
    let start = Instant::now();
    for number in 1.. {
        arena.redirect_singly(arena.number(number));
        spin("the reader sees it", || arena.progress() == number || !reader.is_silent());
        if !reader.is_silent() {
            break;
        }
        assert!(start.elapsed() < LIMIT, "{number} single redirects have never been seen");
    }
    reader.hear();
    reader.succeed();
}

/// A process that writes rising numbers, each to A and then to B.
fn writer(arena: &Arena) -> Child {
    arena.process(|[a, b]| {
        for number in 1.. {
            a.store_u64_ordered(0, number, SeqCst);
            b.store_u64_ordered(0, number, SeqCst);
            arena.progress.store_u64_ordered(0, number, SeqCst);
        }
        0
    })
}

#[test]
fn both_memories_are_left_at_the_same_moment() {
    let arena = Arena::new();
    let client = client();
    let writer = writer(&arena);
    for time in 0..scaled(2000) {
        let next = (time + 1) as usize % 2;
        arena.redirect(&client, next);
        let [a, b] = [A, B].map(|map| arena.windows[map][1 - next].load_u64_ordered(0, SeqCst));
        assert!(a == b || a == b + 1, "batch {time}: A was left at {a} and B at {b}");
        let seen = arena.progress();
        spin("the writer goes on", || arena.progress() > seen + 1);
        let after = [A, B].map(|map| arena.windows[map][1 - next].load_u64_ordered(0, SeqCst));
        assert_eq!(after, [a, b], "batch {time}: memory is written that was left");
    }
    assert_eq!(writer.kill(), End::Killed(Signal::KILL));
}

#[test]
fn or_else_that_test_sees_it() {
    let arena = Arena::new();
    let writer = writer(&arena);
    arena.maps[A].redirect(&arena.memories[A][1]).run().unwrap();
    let seen = arena.progress();
    spin("the writer goes on", || arena.progress() > seen + 1);
    arena.maps[B].redirect(&arena.memories[B][1]).run().unwrap();
    let [a, b] = [A, B].map(|map| arena.windows[map][0].load_u64_ordered(0, SeqCst));
    assert!(b > a, "A was left at {a} and B at {b}");
    assert_eq!(writer.kill(), End::Killed(Signal::KILL));
}

#[test]
fn crossing_batches_do_not_hinder_each_other() {
    let arena = Arena::new();
    let [a, b] = &arena.maps;
    let memory = painted(1, NEW);
    let own = |work: &dyn Fn(&Client, usize)| {
        // Each with a client of its own.
        Child::fork(|_| {
            let client = Client::open().unwrap();
            for time in 0..scaled(3000) {
                work(&client, time as usize % 2);
            }
        })
    };
    let user = Child::fork(|parent| {
        let mappings = arena.maps.each_ref().map(|map| map.mmap().unwrap());
        while !parent.is_ready(Duration::ZERO) {
            mappings.each_ref().map(|mapping| mapping.load_u64(0));
        }
    });
    let workers = [
        own(&|client, next| {
            let [of_a, of_b] = arena.memories.each_ref().map(|pair| &pair[next]);
            client.batch().redirect(a, of_a).redirect(b, of_b).run().unwrap();
        }),
        own(&|client, next| {
            let [of_a, of_b] = arena.memories.each_ref().map(|pair| &pair[next]);
            client.batch().redirect(b, of_a).redirect(a, of_b).run().unwrap();
        }),
        // One memory for both, and a copy of it, which holds both maps as well.
        own(&|client, next| {
            if next == 0 {
                client.batch().redirect(b, &memory).redirect(a, &memory).run().unwrap();
            } else {
                memory.copy_to(&buffer(1)).run().unwrap();
            }
        }),
        own(&|_, _| {
            b.suspend().unwrap();
            b.resume().unwrap();
        }),
    ];
    workers.map(Child::succeed);
    user.say(0);
    user.succeed();
    for info in arena.maps.each_ref().map(info) {
        assert!(!info.suspended && !info.ended && info.waiters == 0);
    }
}

#[test]
fn a_batch_of_memory_being_copied_is_refused_whole() {
    // Long enough that it is being copied most of the time.
    const PAGES: usize = 1024;
    let client = client();
    let (source, target) = (painted(PAGES, NEW), buffer(PAGES));
    let maps = Maps::<2>::new();
    let before = maps.info();
    let copier = Child::fork(|parent| {
        parent.say(0);
        while !parent.is_ready(Duration::ZERO) {
            source.copy_to(&target).run().unwrap();
        }
    });
    copier.hear();
    let start = Instant::now();
    loop {
        let batch = client.batch().redirect(&maps.maps[0], &maps.new[0]);
        match batch.redirect(&maps.maps[1], &source).run() {
            Err(error) => {
                assert_eq!(error.errno(), Errno::BUSY);
                break;
            }
            Ok(_) => {
                let back = client.batch().redirect(&maps.maps[0], &maps.old[0]);
                back.redirect(&maps.maps[1], &maps.old[1]).run().unwrap();
            }
        }
        assert!(start.elapsed() < LIMIT, "the memory is never being copied");
    }
    copier.say(0);
    copier.succeed();
    maps.assert_show(OLD);
    for (before, after) in before.iter().zip(maps.info()) {
        assert_eq!(after.descriptor_id, before.descriptor_id);
        assert!(!after.suspended);
    }
}

#[test]
fn killed_controllers_leave_nothing_held() {
    let client = client();
    let arena = Arena::new();
    let [a, b] = &arena.maps;
    let endless = |work: &dyn Fn(&Client, usize)| {
        Child::fork(|parent| {
            let client = Client::open().unwrap();
            for time in 0_usize.. {
                work(&client, time % 2);
                if time == 10 {
                    parent.say(0);
                }
            }
        })
    };
    for _ in 0..scaled(20) {
        let controllers = [
            endless(&|client, next| arena.redirect(client, next)),
            endless(&|client, next| {
                let [of_a, of_b] = arena.memories.each_ref().map(|pair| &pair[next]);
                client.batch().redirect(b, of_a).redirect(a, of_b).run().unwrap();
            }),
        ];
        for controller in controllers {
            controller.hear();
            assert_eq!(controller.kill(), End::Killed(Signal::KILL));
        }
        arena.redirect(&client, 0);
        for (map, memory) in arena.maps.iter().zip(&arena.memories) {
            let info = info(map);
            assert!(!info.suspended);
            assert_eq!(info.descriptor_id, memory[0].id().unwrap());
        }
    }
    for descriptor in arena.memories.as_flattened() {
        assert!(descriptor.info().unwrap().maps <= 2, "a map and its window");
    }
}
