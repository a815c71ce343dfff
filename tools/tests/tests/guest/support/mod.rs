// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the tests share.
//!
//! Tests wait for events, never for a time. Every wait is bounded by [`LIMIT`], which no machine
//! that works comes near.

use std::time::{Duration, Instant};
use std::{env, fs, hint, thread};

use iomd::{Client, Descriptor, Inheritance, Map, Mapping};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

pub mod cgroup;
pub mod channel;
pub mod child;
pub mod copier;
pub mod coverage;
pub mod dma_buf;
pub mod failing;
pub mod kernel_log;
pub mod kernel_mode;
pub mod module;
pub mod page_tables;
pub mod peers;
pub mod pin;
pub mod privileges;
pub mod proc;
pub mod ptrace;
pub mod raw;
pub mod region;
pub mod signals;
pub mod tool;
pub mod uring;
pub mod user;
pub mod wiped;

pub use channel::Channel;
pub use child::{Child, End};
pub use region::Region;
pub use user::User;

/// Bytes of a page.
pub const PAGE: usize = 4096;

/// How long anything may take that is sure to happen.
pub const LIMIT: Duration = Duration::from_secs(60);

/// How many times a test does something it does very often: `times`, scaled by the environment's
/// `IOMD_TEST_SCALE` (1 if unset) for machines that are slower or have more patience.
pub fn scaled(times: u64) -> u64 {
    let scale: f64 = env::var("IOMD_TEST_SCALE")
        .map_or(1.0, |scale| scale.parse().expect("IOMD_TEST_SCALE is a number"));
    (times as f64 * scale).ceil().max(1.0) as u64
}

/// As many of these as [`scaled`] says.
pub fn some<T>(all: &[T]) -> &[T] {
    &all[..all.len().min(scaled(all.len() as u64) as usize)]
}

/// A client. Most tests look at the whole system: at the objects there are, at the memory in use, at
/// what holds the module. So only one runs at a time.
pub fn client() -> Client {
    let alone = env::var("RUST_TEST_THREADS").is_ok_and(|threads| threads == "1")
        || env::args().any(|argument| argument == "--test-threads=1");
    assert!(alone, "these tests need RUST_TEST_THREADS=1 or --test-threads=1");
    Client::open().expect("/dev/iomd opens")
}

/// Memory of so many pages.
pub fn buffer(pages: usize) -> Descriptor {
    client().buffer((pages * PAGE) as u64).expect("a buffer is made")
}

/// Memory of so many pages, each of which begins with `tag` plus its number.
pub fn painted(pages: usize, tag: u64) -> Descriptor {
    let descriptor = buffer(pages);
    paint(&descriptor, tag);
    descriptor
}

/// Makes each page begin with `tag` plus its number.
pub fn paint(descriptor: &Descriptor, tag: u64) {
    paint_through(&window(descriptor), tag);
}

/// The same, where it is mapped already.
pub fn paint_through(window: &Mapping, tag: u64) {
    for page in 0..window.len() / PAGE {
        window.store_u64(page * PAGE, tag + page as u64);
    }
}

/// Asserts that each page begins with `tag` plus its number.
#[track_caller]
pub fn assert_painted(descriptor: &Descriptor, tag: u64) {
    let window = window(descriptor);
    for page in 0..window.len() / PAGE {
        assert_eq!(window.load_u64(page * PAGE), tag + page as u64, "the word of page {page}");
    }
}

/// A look at a descriptor's memory past every map under test, through a map of its own.
pub fn window(descriptor: &Descriptor) -> Mapping {
    let map = descriptor.map().keep(true).create().expect("a map is made");
    map.mmap().expect("it is mapped")
}

/// A map of all of it that may be redirected and is not inherited.
pub fn unique(descriptor: &Descriptor) -> Map {
    descriptor.map().unique(true).create().expect("a map is made")
}

/// A map of all of it that may be redirected and is inherited.
pub fn unique_shared(descriptor: &Descriptor) -> Map {
    let builder = descriptor.map().unique(true).inheritance(Inheritance::Share);
    builder.create().expect("a map is made")
}

/// Looks until `happened`, where the kernel tells nobody when it has.
#[track_caller]
pub fn eventually(what: &str, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !happened() {
        assert!(Instant::now() < deadline, "not within {LIMIT:?}: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// As [`eventually`], for what takes microseconds and is waited for very often.
#[track_caller]
pub fn soon(what: &str, mut happened: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if happened() {
            return;
        }
        hint::spin_loop();
    }
    // Who is waited for has a processor of its own, but maybe not one of the host's.
    let deadline = Instant::now() + LIMIT;
    while !happened() {
        assert!(Instant::now() < deadline, "not within {LIMIT:?}: {what}");
        thread::sleep(Duration::from_micros(50));
    }
}

/// Keeps the calling thread on one processor, if there are so many.
pub fn run_on(processor: usize) {
    let mut set = CpuSet::new();
    set.set(processor);
    let _ = sched_setaffinity(None, &set);
}

/// Keeps the calling thread on one processor for as long as `run` takes: faults that follow one another there
/// bring more and more pages.
pub fn on_one_processor<R>(run: impl FnOnce() -> R) -> R {
    let before = sched_getaffinity(None).unwrap();
    run_on(0);
    let result = run();
    sched_setaffinity(None, &before).unwrap();
    result
}

/// Waits until exactly so many accesses wait on the map.
#[track_caller]
pub fn await_waiters(map: &Map, count: u64) {
    if count > 0 {
        let one = map.wait_for_waiter(Some(LIMIT)).expect("a map can be polled");
        assert!(one, "nothing waits on the map after {LIMIT:?}: {:?}", map.info());
    }
    eventually(&format!("{count} accesses wait on the map"), || {
        map.info().expect("a map tells about itself").waiters == count
    });
}

/// How many files this process has open.
pub fn open_files() -> usize {
    fs::metadata("/proc/self/fd").expect("/proc is mounted").len() as usize
}

/// The ids of all objects there are.
pub fn objects() -> Vec<u64> {
    objects_of(&client())
}

/// The same, asked for by this client.
pub fn objects_of(client: &Client) -> Vec<u64> {
    let all = client.objects().map(|object| object.map(|object| object.id)).collect();
    let all: iomd::Result<_> = all;
    all.expect("root may see all objects")
}
