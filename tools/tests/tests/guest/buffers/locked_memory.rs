// SPDX-License-Identifier: MIT OR Apache-2.0

//! RLIMIT_MEMLOCK, for those without CAP_IPC_LOCK: it limits what a user has made, whoever touches
//! it.

use std::fs::File;
use std::io::Read;

use iomd::{Client, Descriptor, Errno, Inheritance, Map};
use rustix::process::{Resource, Rlimit, Signal, setrlimit};
use rustix::thread::CapabilitySet;

use crate::support::privileges::{become_user, enter_user_namespace, give_up};
use crate::support::{
    Channel, Child, End, PAGE, Region, User, client, objects, painted, unique_shared, window,
};

/// Sets the calling process's limit on locked memory.
fn limit(pages: usize) {
    let bytes = Some((pages * PAGE) as u64);
    setrlimit(Resource::Memlock, Rlimit { current: bytes, maximum: bytes }).unwrap();
}

/// A process of a user who has nothing else, and may lock so many pages. It has a client.
fn limited(user: u32, pages: usize, work: impl FnOnce(&Client, &Channel)) -> Child {
    let client = client();
    Child::fork(|parent| {
        limit(pages);
        become_user(user);
        work(&client, parent);
    })
}

fn make(client: &Client, pages: usize) -> Result<Descriptor, Errno> {
    client.buffer((pages * PAGE) as u64).map_err(|error| error.errno())
}

fn make_sparse(client: &Client, pages: usize) -> Descriptor {
    client.sparse_buffer((pages * PAGE) as u64).unwrap()
}

#[track_caller]
fn assert_refused(client: &Client, pages: usize) {
    assert_eq!(make(client, pages).map(drop), Err(Errno::NOMEM), "{pages} pages");
}

#[test]
fn a_populated_buffer_is_charged_at_once() {
    let before = objects();
    let child = limited(5001, 64, |client, _| {
        for pages in [65, 1 << 20, 1 << 40] {
            assert_refused(client, pages);
        }
        // Nothing of those is charged.
        let most = make(client, 64).unwrap();
        assert_refused(client, 1);
        drop(most);
        let parts = [40, 20, 4].map(|pages| make(client, pages).unwrap());
        assert_refused(client, 1);
        let [_, part, _] = parts;
        drop(part);
        assert_refused(client, 65);
    });
    child.succeed();
    assert_eq!(objects(), before);
}

#[test]
fn what_is_given_back_can_be_had_again() {
    let child = limited(5002, 64, |client, _| {
        for _ in 0..100 {
            let memory = make(client, 64).unwrap();
            assert_refused(client, 1);
            let map = memory.map().create().unwrap();
            let mapped = map.mmap().unwrap();
            drop(memory);
            drop(map);
            // The mapping has ended, but who is to free the memory still has it.
            assert_refused(client, 1);
            drop(mapped);
        }
        let sparse = make_sparse(client, 64);
        let mapped = window(&sparse);
        for page in 0..64 {
            mapped.store_u64(page * PAGE, 1);
        }
        assert_refused(client, 1);
        drop((sparse, mapped));
        make(client, 64).unwrap();
    });
    child.succeed();
}

#[test]
fn a_user_s_processes_share_the_limit() {
    let work = |client: &Client, parent: &Channel| {
        let memory = make(client, 40);
        parent.say_outcome(memory.as_ref().map(|_| 0).map_err(|errno| *errno));
        parent.hear();
    };
    let first = limited(5003, 64, work);
    assert_eq!(first.hear_outcome(), Ok(0));
    let second = limited(5003, 64, work);
    assert_eq!(second.hear_outcome(), Err(Errno::NOMEM));
    let other = limited(5004, 64, work);
    assert_eq!(other.hear_outcome(), Ok(0), "another user");
    first.kill();
    let third = limited(5003, 64, work);
    assert_eq!(third.hear_outcome(), Ok(0), "what the first had is given back");
}

#[test]
fn the_limit_stays_with_who_was_given_the_memory_to_pass_on() {
    let maker = limited(5005, 64, |client, parent| {
        let memory = make(client, 40).unwrap();
        parent.send(&memory);
    });
    let memory: Descriptor = maker.receive();
    maker.succeed();
    // Its process is gone, and the memory is not.
    let again = |client: &Client, parent: &Channel| {
        parent.say_outcome(make(client, 40).map(|_| 0));
    };
    assert_eq!(limited(5005, 64, again).hear_outcome(), Err(Errno::NOMEM));
    drop(memory);
    assert_eq!(limited(5005, 64, again).hear_outcome(), Ok(0));
}

#[test]
fn only_a_capability_in_the_initial_namespace_lifts_it() {
    let client = client();
    let child = Child::fork(|_| {
        limit(0);
        make(&client, 64).expect("root has CAP_IPC_LOCK");
        give_up(CapabilitySet::IPC_LOCK);
        assert_refused(&client, 1);
    });
    child.succeed();
    let child = Child::fork(|_| {
        limit(0);
        enter_user_namespace();
        assert_refused(&client, 1);
    });
    child.succeed();
}

/// A unique map of sparse memory that a user made who may lock so many pages.
fn sparse_map_of(user: u32, pages: usize, length: usize) -> (Descriptor, Map) {
    let maker = limited(user, pages, |client, parent| {
        let memory = make_sparse(client, length);
        parent.send(&memory);
        parent.send(unique_shared(&memory));
    });
    let made = (maker.receive(), maker.receive());
    maker.succeed();
    made
}

#[track_caller]
fn assert_dies(user: User, offset: usize) {
    user.begin_write(offset, 1);
    assert_eq!(user.into_child().end(), End::Killed(Signal::BUS));
}

#[test]
fn a_sparse_buffer_is_charged_when_it_is_touched() {
    // By root, whose own limit is no matter.
    let (memory, map) = sparse_map_of(5006, 4, 8);
    let users = [User::of(&map), User::of(&map)];
    for page in 0..4 {
        users[page % 2].write(page * PAGE, page as u64 + 1);
    }
    let [one, other] = users;
    assert_dies(one, 4 * PAGE);
    assert_eq!(memory.info().unwrap().resident, 4 * PAGE as u64);
    // What is there stays usable, and who has died of it is no matter to others.
    for page in 0..4 {
        assert_eq!(other.read(page * PAGE), page as u64 + 1);
    }
    assert_dies(other, 7 * PAGE);
    assert_eq!(memory.info().unwrap().resident, 4 * PAGE as u64);

    // Reading takes memory as well; a system call is told.
    let child = Child::fork(|_| {
        let region = Region::from(map.mmap().unwrap());
        let place = region.pages(5..6);
        // SAFETY: nothing else lives in a region.
        let buffer =
            unsafe { std::slice::from_raw_parts_mut(place.as_ptr().cast::<u8>(), place.len()) };
        let read = File::open("/dev/zero").unwrap().read(buffer);
        assert_eq!(read.unwrap_err().raw_os_error(), Some(libc::EFAULT));
        region.read(6 * PAGE);
    });
    assert_eq!(child.end(), End::Killed(Signal::BUS));
}

#[test]
fn a_page_that_could_not_be_had_can_be_later() {
    let maker = limited(5007, 4, |client, parent| {
        let other = make(client, 2).unwrap();
        let memory = make_sparse(client, 8);
        parent.send(unique_shared(&memory));
        parent.hear();
        drop(other);
        parent.say(0);
        parent.hear();
    });
    let map: Map = maker.receive();
    let users = [User::of(&map), User::of(&map), User::of(&map)];
    users[0].write(0, 1);
    users[0].write(7 * PAGE, 2);
    let [first, second, third] = users;
    assert_dies(first, PAGE);
    maker.say(0);
    maker.hear();
    second.write(PAGE, 3);
    second.write(2 * PAGE, 4);
    assert_dies(second, 3 * PAGE);
    assert_eq!([0, 1, 2, 7].map(|page| third.read(page * PAGE)), [1, 3, 4, 2]);
}

#[test]
fn a_limited_user_touches_what_others_made() {
    let memory = make_sparse(&client(), 64);
    let map = memory.map().inheritance(Inheritance::Share).create().unwrap();
    let child = limited(5008, 1, |client, _| {
        let mapped = map.mmap().unwrap();
        for page in 0..64 {
            mapped.store_u64(page * PAGE, 1);
        }
        make(client, 1).expect("all of its own limit is left");
    });
    child.succeed();
    assert_eq!(memory.info().unwrap().resident, 64 * PAGE as u64);
}

#[test]
fn memory_mapped_from_the_device_is_charged_to_who_maps_it() {
    let child = limited(5009, 4, |client, parent| {
        let region = Region::from(client.map_fresh(8 * PAGE).unwrap());
        for page in 0..4 {
            region.write(page * PAGE, 1);
        }
        assert_refused(client, 1);
        parent.say(0);
        region.write(4 * PAGE, 1);
    });
    child.hear();
    assert_eq!(child.end(), End::Killed(Signal::BUS));
}

#[test]
fn a_tebibyte_is_nothing_until_it_is_touched() {
    let child = limited(5010, 1, |client, _| {
        let memory = client.sparse_buffer(1 << 40).unwrap();
        let mapped = window(&memory);
        mapped.store_u64((1 << 40) - PAGE, 1);
        assert_refused(client, 1);
    });
    child.succeed();
}

#[test]
fn a_copy_into_a_sparse_buffer_is_charged_to_who_made_that() {
    let source = painted(4, 0x0100);
    let map = unique_shared(&source);
    let user = User::of(&map);
    let (target, _) = sparse_map_of(5011, 5, 4);
    source.copy_to(&target).run().unwrap();
    assert_eq!(target.info().unwrap().resident, 4 * PAGE as u64);

    // One page more could be had; it is not kept if the others cannot.
    let (more, more_map) = sparse_map_of(5011, 5, 4);
    for _ in 0..10 {
        assert_eq!(source.copy_to(&more).run().unwrap_err().errno(), Errno::NOMEM);
        assert_eq!(more.info().unwrap().resident, 0);
        assert_eq!(user.read(PAGE), 0x0101);
    }
    User::of(&more_map).write(0, 1);
    drop(target);
    source.copy_to(&more).run().unwrap();
    assert_eq!(more.info().unwrap().resident, 4 * PAGE as u64);
}
