// SPDX-License-Identifier: MIT OR Apache-2.0

//! The module stays as long as anything of it lives, goes when nothing does, and can be loaded
//! again.

use std::fs::{self, File};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::ptr;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use iomd::{Client, DEVICE, Deadline, Descriptor, Errno, Inheritance, Map};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::process::Signal;
use rustix::thread::gettid;

use crate::support::peers::{Direction, Importer, Peers};
use crate::support::pin::Pin;
use crate::support::uring::Ring;
use crate::support::{
    Channel, Child, End, PAGE, Region, User, await_waiters, buffer, client, dma_buf, eventually,
    module, objects, painted, scaled, unique,
};

const OLD: u64 = 0x0100;

/// The module, unloaded; it is loaded again at the latest when this is dropped.
struct Unloaded;

impl Unloaded {
    /// Unloads the module, which nothing holds any more: what a process held can go a little after
    /// the process.
    #[track_caller]
    fn at_last() -> Self {
        eventually("the module can be unloaded", || match module::unload() {
            Ok(()) => true,
            Err(errno) => {
                assert_eq!(errno, Errno::WOULDBLOCK);
                false
            }
        });
        Self
    }
}

impl Drop for Unloaded {
    fn drop(&mut self) {
        module::load();
    }
}

/// Asserts that the module cannot be unloaded as long as the holder is there, and can be afterwards.
#[track_caller]
fn holds<T>(what: &str, holder: impl FnOnce() -> T) {
    alone();
    let holder = holder();
    assert_held(what);
    drop(holder);
    drop(Unloaded::at_last());
}

/// Puts an end to what other tests of this process have left mapped.
#[track_caller]
fn alone() {
    Region::unmap_all();
    eventually("nothing is left of other tests", || objects().is_empty());
}

#[track_caller]
fn assert_held(what: &str) {
    let refused = module::unload();
    let _again = refused.is_ok().then(|| Unloaded);
    assert_eq!(refused, Err(Errno::WOULDBLOCK), "{what} holds the module");
    assert!(is_loaded());
}

fn is_loaded() -> bool {
    let modules = fs::read_to_string("/proc/modules").unwrap();
    modules.lines().any(|line| line.starts_with("iomd "))
}

/// A map that needs no handle.
fn kept(memory: &Descriptor) -> Map {
    memory.map().unique(true).keep(true).create().unwrap()
}

// What holds it

#[test]
fn a_file_descriptor_holds_it() {
    holds("a client", client);
    holds("a descriptor", || buffer(1));
    holds("a descriptor without memory", || client().sparse_buffer(1 << 40).unwrap());
    holds("another file of a descriptor", || buffer(1).read_only().unwrap());
    holds("a map", || unique(&buffer(1)));
    holds("a map that has ended", || {
        let map = unique(&buffer(1));
        map.unmap().unwrap();
        map
    });
    holds("a suspended map", || {
        let map = unique(&buffer(1));
        map.suspend().unwrap();
        map
    });
    holds("a file of debugfs", || File::open("/sys/kernel/debug/iomd/maps").unwrap());
    holds("a duplicate", || unique(&buffer(1)).as_fd().try_clone_to_owned().unwrap());
}

#[test]
fn a_dma_buf_holds_it() {
    holds("a dma-buf", || buffer(1).export_dma_buf().unwrap());
    holds("a mapping of one", || Mapped(dma_buf::map(buffer(1).export_dma_buf().unwrap(), 1)));
    holds("a device that has one", || {
        let peers = Peers::load();
        let device = peers.attach(buffer(1).export_dma_buf().unwrap(), Importer::Static);
        device.map(Direction::Both).unwrap();
        (device, peers)
    });
    holds("the memory of one of others", || {
        client().import_dma_buf(dma_buf::of_heap(1), 0, 0).unwrap()
    });
}

/// Mapped until dropped.
struct Mapped(Region);

impl Drop for Mapped {
    fn drop(&mut self) {
        self.0.unmap().unwrap();
    }
}

#[test]
fn a_file_descriptor_elsewhere_holds_it() {
    holds("another process's file descriptor", || {
        let map = unique(&buffer(1));
        let child = Child::fork(|parent| {
            parent.hear();
        });
        drop(map);
        child
    });
    holds("a file descriptor on its way", || {
        let (one, other) = Channel::pair();
        one.send(buffer(1));
        (one, other)
    });
}

#[test]
fn a_mapping_alone_holds_it() {
    holds("a mapping", || kept(&buffer(1)).mmap().unwrap());
    holds("a mapping that was touched", || {
        let mapping = kept(&buffer(1)).mmap().unwrap();
        mapping.store_u64(0, 7);
        mapping
    });
    holds("a mapping of the device", || client().map_fresh(1).unwrap());
    holds("a mapping that has ended", || unique(&buffer(1)).mmap().unwrap());
    holds("a part of a mapping", || {
        let mapping = kept(&buffer(3)).mmap().unwrap();
        let region = Region::from(&mapping);
        region.pages(0..1).unmap().unwrap();
        region.pages(2..3).unmap().unwrap();
        mapping
    });
}

#[test]
fn a_mapping_elsewhere_holds_it() {
    holds("another process's mapping", || {
        let user = User::of(&kept(&painted(1, OLD)));
        assert_eq!(user.read(0), OLD);
        user
    });
    holds("an inherited mapping", || {
        let memory = painted(1, OLD);
        let shared = memory.map().inheritance(Inheritance::Share).keep(true);
        let mapping = shared.create().unwrap().mmap().unwrap();
        let user = User::with(|| Region::from(&mapping));
        assert_eq!(user.read(0), OLD);
        user
    });
    holds("a process that is stopped", || {
        let user = User::of(&kept(&painted(1, OLD)));
        user.signal(Signal::STOP);
        user.await_state('T');
        user
    });
}

#[test]
fn who_waits_holds_it() {
    holds("an access", || {
        let map = kept(&buffer(1));
        let user = User::of(&map);
        map.suspend().unwrap();
        user.begin_read(0);
        await_waiters(&map, 1);
        user
    });
    holds("an access of the kernel", || {
        let map = kept(&buffer(1));
        let child = Child::fork(|parent| {
            let region = Region::from(map.mmap().unwrap());
            parent.close_all_others();
            parent.say(0);
            parent.hear();
            // SAFETY: a region is nobody's; the kernel reads for how long to sleep, and has to wait.
            unsafe { libc::nanosleep(region.as_ptr().cast(), ptr::null_mut()) };
        });
        child.hear();
        map.suspend().unwrap();
        child.say(0);
        await_waiters(&map, 1);
        child.await_state('D');
        child
    });
}

#[test]
fn who_waits_where_nothing_is_mapped_any_more_holds_it() {
    alone();
    let map = kept(&painted(1, OLD));
    let id = map.id().unwrap();
    let child = Child::fork(|parent| {
        let region = Region::from(map.mmap().unwrap());
        parent.close_all_others();
        parent.hear();
        thread::scope(|scope| {
            scope.spawn(|| region.read(0));
            parent.hear();
            region.unmap().unwrap();
            parent.say(0);
        });
    });
    map.suspend().unwrap();
    child.say(0);
    await_waiters(&map, 1);
    drop(map);
    child.say(0);
    child.hear();
    assert_held("the thread that sleeps in it");
    client().open_map(id).unwrap().resume().unwrap();
    assert_eq!(child.end(), End::Killed(Signal::SEGV), "the thread finds nothing there");
    drop(Unloaded::at_last());
}

#[test]
fn who_polls_holds_it() {
    holds("a file descriptor in an epoll set", || {
        let (set, map) = (watching_nothing(), unique(&buffer(1)));
        watch(&set, &map);
        (set, map)
    });
    holds("a poll of what was closed meanwhile", || {
        let map = unique(&buffer(1));
        let child = Child::fork(|parent| {
            let mut file =
                libc::pollfd { fd: map.as_fd().as_raw_fd(), events: libc::POLLIN, revents: 0 };
            let (send, receive) = mpsc::channel();
            thread::scope(|scope| {
                scope.spawn(move || {
                    send.send(gettid()).unwrap();
                    // SAFETY: it is one structure, of this thread's.
                    unsafe { libc::poll(&mut file, 1, -1) }
                });
                let thread = receive.recv().unwrap();
                let path = format!("/proc/self/task/{thread}/syscall");
                let polls = format!("{} ", libc::SYS_poll);
                eventually("the thread polls", || {
                    fs::read_to_string(&path).unwrap().starts_with(&polls)
                });
                parent.close_all_others();
                parent.say(0);
            });
        });
        child.hear();
        child
    });
    holds("a request to be told", || {
        let mut ring = Ring::new();
        ring.watch(unique(&buffer(1)));
        ring
    });
}

fn watching_nothing() -> OwnedFd {
    epoll::create(epoll::CreateFlags::CLOEXEC).unwrap()
}

fn watch(set: &OwnedFd, map: &Map) {
    epoll::add(set, map, epoll::EventData::new_u64(0), epoll::EventFlags::IN).unwrap();
}

// What does not

#[test]
fn an_epoll_set_that_has_lost_its_file_does_not_hold_it() {
    alone();
    let set = watching_nothing();
    let map = unique(&buffer(1));
    watch(&set, &map);
    drop(map);
    let unloaded = Unloaded::at_last();
    let mut events = Vec::with_capacity(1);
    let now = Timespec::default();
    epoll::wait(&set, spare_capacity(&mut events), Some(&now)).unwrap();
    assert!(events.is_empty());
    drop(set);
    drop(unloaded);
}

#[test]
fn pages_held_for_io_outlive_it() {
    alone();
    let mapping = kept(&painted(1, OLD)).mmap().unwrap();
    let pin = Pin::of((&mapping).into());
    drop(mapping);
    let unloaded = Unloaded::at_last();
    drop(pin);
    drop(unloaded);
}

#[test]
fn a_deadline_to_come_does_not_hold_it() {
    alone();
    for after in [Duration::from_secs(3600), Duration::from_millis(1), Duration::ZERO] {
        for _ in 0..scaled(5) {
            let map = unique(&buffer(1));
            map.suspend_with().deadline(Deadline::after(after)).run().unwrap();
            drop(map);
            drop(Unloaded::at_last());
        }
    }
}

// Afterwards

#[test]
fn nothing_is_left_of_it() {
    alone();
    let unloaded = Unloaded::at_last();
    assert!(!is_loaded());
    assert!(!Path::new(DEVICE).exists());
    assert!(!Path::new("/sys/class/misc/iomd").exists());
    assert!(!fs::read_to_string("/proc/misc").unwrap().contains("iomd"));
    assert_eq!(Client::open().unwrap_err().errno(), Errno::NOENT);
    assert_eq!(module::unload(), Err(Errno::NOENT));
    drop(unloaded);
}

#[test]
fn it_comes_back_as_new() {
    alone();
    for _ in 0..3 {
        drop(Unloaded::at_last());
        assert!(is_loaded());
        let device = fs::metadata(DEVICE).unwrap();
        assert!(device.file_type().is_char_device());
        assert_eq!(device.permissions().mode() & 0o777, 0o600);
        assert_eq!(objects(), [0; 0]);
        // Ids are given out once only, but begin anew.
        let memory = painted(2, OLD);
        assert_eq!(memory.id().unwrap(), 1);
        let last = unique(&memory).id().unwrap();
        let map = unique(&memory);
        assert_eq!(map.id().unwrap(), last + 1);
        assert_eq!(map.mmap().unwrap().load_u64(PAGE), OLD + 1);
    }
}

#[test]
fn it_goes_between_two_uses() {
    alone();
    let user = Child::fork(|parent| {
        parent.say(0);
        loop {
            match Client::open() {
                Ok(client) => use_once(&client),
                Err(error) => {
                    let gone = [Errno::NOENT, Errno::NODEV, Errno::NXIO];
                    assert!(gone.contains(&error.errno()), "{error}");
                }
            }
            thread::yield_now();
        }
    });
    user.hear();
    for _ in 0..scaled(10) {
        drop(Unloaded::at_last());
    }
    assert_eq!(user.kill(), End::Killed(Signal::KILL));
}

fn use_once(client: &Client) {
    let memory = client.buffer(1).unwrap();
    let map = unique(&memory);
    map.mmap().unwrap().store_u64(0, 7);
    map.redirect(&memory).run().unwrap();
    client.map_fresh(PAGE).unwrap().store_u64(0, 7);
}
