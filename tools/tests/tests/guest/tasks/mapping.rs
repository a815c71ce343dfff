// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is mapped where, with which rights, and what it does to the process.

use std::fs;

use iomd::{Errno, Inheritance};
use rustix::event::epoll;
use rustix::process::{Resource, Rlimit, Signal, setrlimit};
use rustix::thread::CapabilitySet;

use super::{TAG, begin_read, read, target, target_after, write};
use crate::support::privileges::{become_user, give_up};
use crate::support::{
    Child, End, LIMIT, PAGE, Region, await_waiters, buffer, client, painted, proc, unique,
    unique_shared, window,
};

#[test]
fn a_process_gets_memory_that_it_did_not_ask_for() {
    let memory = painted(4, TAG);
    let map = unique(&memory);
    let (child, task) = target();
    let address = map.map_into(&task).run().unwrap();
    assert_eq!(read(&child, address), TAG);
    assert_eq!(read(&child, address + 3 * PAGE as u64), TAG + 3);
    write(&child, address + 8, 77);
    assert_eq!(window(&memory).load_u64(8), 77);

    let info = map.info().unwrap();
    assert_eq!(info.task, Some(child.pid().as_raw_nonzero().get()));
    assert_eq!(info.address, Some(address));
    assert!(
        proc::mappings(rustix::process::getpid())
            .iter()
            .all(|own| { !own.name.contains(&format!("[iomd-map:{}]", info.id)) })
    );
}

#[test]
fn it_is_redirected_as_any_other() {
    let (old, new) = (painted(1, TAG), painted(1, 2 * TAG));
    let map = unique(&old);
    let (child, task) = target();
    let address = map.map_into(&task).run().unwrap();
    assert_eq!(read(&child, address), TAG);
    map.redirect(&new).run().unwrap();
    assert_eq!(read(&child, address), 2 * TAG);
}

#[test]
fn a_part_of_the_map() {
    let map = unique(&painted(4, TAG));
    let (child, task) = target();
    let address = map.map_into(&task).range(2 * PAGE as u64, 1).run().unwrap();
    assert_eq!(read(&child, address), TAG + 2);
    let own = proc::mappings(child.pid());
    let mapped = own.iter().find(|mapping| mapping.addresses.start as u64 == address).unwrap();
    assert_eq!(mapped.addresses.len(), PAGE);
}

#[test]
fn a_place_of_one_s_choice() {
    let map = unique(&painted(2, TAG));
    let free = Region::reserve(2);
    let (child, task) = target_after(|| free.unmap().unwrap());
    let place = free.address() as u64;
    assert_eq!(map.map_into(&task).at(place).run(), Ok(place));
    assert_eq!(read(&child, place + PAGE as u64), TAG + 1);

    // It is occupied now.
    let other = unique(&painted(1, 2 * TAG));
    let refused = other.map_into(&task).at(place + PAGE as u64).run().unwrap_err();
    assert_eq!(refused.errno(), Errno::EXIST);
    // SAFETY: it is another process.
    let refused = unsafe { other.map_into(&task).over(place + PAGE as u64) }.run().unwrap_err();
    assert_eq!(refused.errno(), Errno::EXIST, "it was not made for that");
    assert_eq!(read(&child, place + PAGE as u64), TAG + 1);
}

#[test]
fn one_s_own_task() {
    let map = unique(&painted(1, TAG));
    let task = client().own_task().unwrap();
    assert_eq!(task.process(), Ok(Some(rustix::process::getpid().as_raw_nonzero().get())));
    let address = map.map_into(&task).run().unwrap();
    let region = Region::at(address as usize, PAGE);
    assert_eq!(region.read(0), TAG);
    region.unmap().unwrap();
}

#[test]
fn read_only_is_read_only() {
    let map = unique(&painted(1, TAG));
    let read_only = painted(1, TAG).map().read_only(true).create().unwrap();
    for map in [&map, &read_only] {
        let (child, task) = target();
        let address = map.map_into(&task).read_only(true).run().unwrap();
        assert_eq!(read(&child, address), TAG);
        child.say(address);
        child.say(1);
        assert_eq!(child.end(), End::Killed(Signal::SEGV));
    }
    // Of a read-only map there is nothing else.
    let (child, task) = target();
    let address = read_only.map_into(&task).run().unwrap();
    child.say(address);
    child.say(1);
    assert_eq!(child.end(), End::Killed(Signal::SEGV));
}

#[test]
fn its_own_limits_count() {
    let map = unique(&painted(4, TAG));
    let limit = Rlimit { current: Some(1), maximum: Some(1) };
    let (child, task) = target_after(|| setrlimit(Resource::As, limit).unwrap());
    assert_eq!(map.map_into(&task).run().unwrap_err().errno(), Errno::NOMEM);
    drop(child);

    // Ours do not.
    let (child, task) = target();
    let caller = Child::fork(|parent| {
        setrlimit(Resource::As, limit).unwrap();
        parent.say(map.map_into(&task).run().unwrap());
    });
    assert_eq!(read(&child, caller.hear()), TAG);
    caller.succeed();
}

/// The lowest addresses are kept from whoever has no CAP_SYS_RAWIO, by a security hook.
#[test]
fn its_own_capabilities_count_with_security_hooks() {
    let map = unique(&painted(1, TAG));
    let lowest = PAGE as u64;
    // What most kernels keep; some are built to keep one page only.
    fs::write("/proc/sys/vm/mmap_min_addr", "65536").unwrap();
    let (_child, task) = target_after(|| give_up(CapabilitySet::SYS_RAWIO));
    let refused = map.map_into(&task).at(lowest).run().unwrap_err();
    assert_eq!(refused.errno(), Errno::PERM);

    // Ours do not.
    let (child, task) = target();
    let caller = Child::fork(|parent| {
        give_up(CapabilitySet::SYS_RAWIO);
        parent.say(map.map_into(&task).at(lowest).run().unwrap());
    });
    assert_eq!(caller.hear(), lowest);
    assert_eq!(read(&child, lowest), TAG);
    caller.succeed();
}

#[test]
fn the_right_is_all_that_is_needed() {
    let map = unique(&painted(1, TAG));
    let (child, task) = target();
    let stranger = Child::fork(|parent| {
        become_user(4711);
        parent.say(map.map_into(&task).run().unwrap());
    });
    assert_eq!(read(&child, stranger.hear()), TAG);
    stranger.succeed();
}

#[test]
fn inheritance_is_that_of_the_map() {
    let memory = painted(1, TAG);
    for (inheritance, inherited) in [(Inheritance::None, false), (Inheritance::Share, true)] {
        let map = memory.map().unique(true).inheritance(inheritance).create().unwrap();
        let child = Child::fork(|parent| {
            parent.send(client().own_task().unwrap());
            let address = parent.hear();
            let grandchild = Child::fork(|_| {
                let _ = Region::at(address as usize, PAGE).read(0);
            });
            parent.say((grandchild.end() == End::Exited(0)).into());
        });
        let address = map.map_into(&child.receive()).run().unwrap();
        child.say(address);
        assert_eq!(child.hear(), u64::from(inherited));
        child.succeed();
    }
}

#[test]
fn what_the_task_has_put_there_since_is_never_touched() {
    let map = unique(&painted(1, TAG));
    let child = Child::fork(|parent| {
        parent.send(client().own_task().unwrap());
        let region = Region::at(parent.hear() as usize, PAGE);
        region.unmap().unwrap();
        region.fill().unwrap();
        region.write(0, 5);
        parent.say(0);
        parent.hear();
        parent.say(region.read(0));
    });
    child.say(map.map_into(&child.receive()).run().unwrap());
    child.hear();
    map.unmap().unwrap();
    assert_eq!(map.info().unwrap().address, None);
    child.say(0);
    assert_eq!(child.hear(), 5);
    child.succeed();
}

#[test]
fn a_thread_that_computes_is_reached() {
    let map = unique(&painted(1, TAG));
    let flag = unique_shared(&buffer(1));
    let flag = flag.mmap().unwrap();
    let child = Child::fork(|parent| {
        parent.send(client().own_task().unwrap());
        parent.say(0);
        while flag.load_u64(0) == 0 {}
        parent.say(Region::at(flag.load_u64(0) as usize, PAGE).read(0));
    });
    let task = child.receive();
    child.hear();
    let address = map.map_into(&task).run().unwrap();
    flag.store_u64(0, address);
    assert_eq!(child.hear(), TAG);
    child.succeed();
}

#[test]
fn one_who_waits_for_memory_is_reached_and_waits_on() {
    let (suspended, map) = (unique(&painted(1, TAG)), unique(&painted(1, 2 * TAG)));
    let (child, task) = target();
    let there = suspended.map_into(&task).run().unwrap();
    suspended.suspend().unwrap();
    begin_read(&child, there);
    await_waiters(&suspended, 1);
    map.map_into(&task).run().unwrap();
    await_waiters(&suspended, 1);
    assert!(child.is_silent());
    suspended.resume().unwrap();
    assert_eq!(child.hear(), TAG);
}

#[test]
fn a_wait_that_is_not_restarted_is_interrupted() {
    // As after a signal that nobody handles, and documented so.
    let map = unique(&painted(1, TAG));
    let child = Child::fork(|parent| {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
        parent.send(client().own_task().unwrap());
        let mut events = Vec::with_capacity(1);
        let limit = rustix::event::Timespec::try_from(2 * LIMIT).unwrap();
        let end = epoll::wait(&epoll, rustix::buffer::spare_capacity(&mut events), Some(&limit));
        parent.say_outcome(end.map(|count| count as u64));
    });
    let task = child.receive();
    child.await_state('S');
    map.map_into(&task).run().unwrap();
    assert_eq!(child.hear_outcome(), Err(Errno::INTR));
    child.succeed();
}
