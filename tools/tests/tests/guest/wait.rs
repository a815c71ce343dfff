// SPDX-License-Identifier: MIT OR Apache-2.0

//! Who touches a suspended map waits, and goes on with the right memory.

use iomd::{Descriptor, Errno, Map};
use rustix::event::{PollFd, PollFlags, Timespec, epoll, poll};
use rustix::process::Signal;

use crate::support::{
    Child, End, LIMIT, PAGE, Region, User, assert_painted, await_waiters, buffer, client, painted,
    scaled, unique, unique_shared, window,
};

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;

/// Asserts that the user, and nobody else, waits on the map.
#[track_caller]
fn assert_waits(user: &User, map: &Map) {
    await_waiters(map, 1);
    user.await_sleep();
    assert_eq!(map.info().unwrap().waiters, 1, "it is still there");
    assert!(user.is_silent(), "the access is not over");
}

fn suspended(memory: &Descriptor) -> (Map, User) {
    let map = unique_shared(memory);
    let user = User::of(&map);
    user.read(0);
    map.suspend().unwrap();
    (map, user)
}

#[test]
fn a_reader_waits_for_resume_and_reads_what_was_there() {
    let memory = painted(2, OLD);
    let (map, user) = suspended(&memory);
    user.begin_read(PAGE);
    assert_waits(&user, &map);
    map.resume().unwrap();
    assert_eq!(user.finish(), OLD + 1);
}

#[test]
fn a_writer_waits_for_resume_and_writes_to_what_was_there() {
    let memory = painted(2, OLD);
    let (map, user) = suspended(&memory);
    user.begin_write(PAGE + 8, 7);
    assert_waits(&user, &map);
    assert_eq!(window(&memory).load_u64(PAGE + 8), 0, "nothing is written yet");
    map.resume().unwrap();
    user.finish();
    assert_eq!(window(&memory).load_u64(PAGE + 8), 7);
}

#[test]
fn a_reader_waits_for_new_memory_and_reads_that() {
    let (old, new) = (painted(2, OLD), painted(2, NEW));
    let (map, user) = suspended(&old);
    user.begin_read(PAGE);
    assert_waits(&user, &map);
    map.redirect(&new).run().unwrap();
    assert_eq!(user.finish(), NEW + 1);
}

#[test]
fn a_writer_waits_for_new_memory_and_writes_to_that() {
    let (old, new) = (painted(2, OLD), painted(2, NEW));
    let (map, user) = suspended(&old);
    user.begin_write(PAGE + 8, 7);
    assert_waits(&user, &map);
    map.redirect(&new).run().unwrap();
    user.finish();
    assert_eq!(window(&new).load_u64(PAGE + 8), 7);
    assert_eq!(window(&old).load_u64(PAGE + 8), 0);
    assert_painted(&old, OLD);
}

#[test]
fn a_page_that_was_never_touched_waits_too() {
    let memory = client().sparse_buffer(4 * PAGE as u64).unwrap();
    let map = unique(&memory);
    let user = User::of(&map);
    map.suspend().unwrap();
    user.begin_read(2 * PAGE);
    assert_waits(&user, &map);
    assert_eq!(memory.info().unwrap().resident, 0, "nothing comes while it waits");
    window(&memory).store_u64(2 * PAGE, 9);
    map.resume().unwrap();
    assert_eq!(user.finish(), 9);
}

#[test]
fn who_waits_may_be_a_reader_by_right() {
    let memory = painted(1, OLD);
    let map = memory.map().unique(true).read_only(true).create().unwrap();
    let user = User::of(&map);
    map.suspend().unwrap();
    user.begin_read(0);
    assert_waits(&user, &map);
    map.resume().unwrap();
    assert_eq!(user.finish(), OLD);
}

#[test]
fn exactly_the_map_waits() {
    let memory = painted(4, OLD);
    let part = memory.map().unique(true).offset(PAGE as u64).length(PAGE as u64);
    let part = part.create().unwrap();
    let whole = unique(&memory);
    let (in_part, in_whole) = (User::of(&part), User::of(&whole));
    part.suspend().unwrap();
    in_part.begin_read(0);
    assert_waits(&in_part, &part);
    for page in 0..4 {
        assert_eq!(in_whole.read(page * PAGE), OLD + page as u64, "another map of the memory");
    }
    part.resume().unwrap();
    assert_eq!(in_part.finish(), OLD + 1);
}

#[test]
fn two_maps_of_one_memory_are_suspended_apart() {
    let memory = painted(1, OLD);
    let maps = [unique(&memory), unique(&memory)];
    let users = maps.each_ref().map(User::of);
    for map in &maps {
        map.suspend().unwrap();
    }
    for (user, map) in users.iter().zip(&maps) {
        user.begin_read(0);
        assert_waits(user, map);
    }
    maps[1].resume().unwrap();
    assert_eq!(users[1].finish(), OLD);
    assert_waits(&users[0], &maps[0]);
    maps[0].resume().unwrap();
    assert_eq!(users[0].finish(), OLD);
}

#[test]
fn suspending_again_changes_nothing() {
    let memory = painted(1, OLD);
    let (map, user) = suspended(&memory);
    user.begin_read(0);
    assert_waits(&user, &map);
    map.suspend().unwrap();
    assert_waits(&user, &map);
    map.resume().unwrap();
    assert_eq!(user.finish(), OLD);
    assert!(!map.info().unwrap().suspended);
}

#[test]
fn a_suspension_outlives_the_process_that_made_it() {
    let memory = painted(1, OLD);
    let map = unique_shared(&memory);
    let user = User::of(&map);
    let suspender = Child::fork(|_| {
        map.suspend().unwrap();
    });
    suspender.succeed();
    user.begin_read(0);
    assert_waits(&user, &map);
    map.resume().unwrap();
    assert_eq!(user.finish(), OLD, "never zeros instead of data");
}

#[test]
fn every_alias_waits() {
    let (old, new) = (painted(1, OLD), painted(1, NEW));
    let map = unique_shared(&old);
    let memory = map.mmap().unwrap();
    let users = [
        User::with(|| (&memory).into()),
        User::with(|| Region::from(&memory).moved()),
        User::of(&map),
        User::of(&map),
    ];
    map.suspend().unwrap();
    for (number, user) in (1..).zip(&users) {
        user.begin_read(0);
        await_waiters(&map, number);
    }
    assert!(users.iter().all(|user| user.is_silent()));
    map.redirect(&new).run().unwrap();
    for user in &users {
        assert_eq!(user.finish(), NEW);
    }
    assert_eq!(map.info().unwrap().waiters, 0);
}

#[test]
fn a_hundred_tasks_wake() {
    const PROCESSES: usize = 4;
    const THREADS: usize = 25;
    let (old, new) = (painted(THREADS, OLD), painted(THREADS, NEW));
    let map = unique(&old);
    for round in 0..scaled(10) {
        let (from, to, tag) = if round % 2 == 0 { (&old, &new, NEW) } else { (&new, &old, OLD) };
        assert_eq!(map.info().unwrap().descriptor_id, from.id().unwrap());
        map.suspend().unwrap();
        let children = [(); PROCESSES].map(|()| Child::fork(|_| read_in_threads(&map, tag)));
        await_waiters(&map, (PROCESSES * THREADS) as u64);
        map.redirect(to).run().unwrap();
        children.map(Child::succeed);
        assert_eq!(map.info().unwrap().waiters, 0);
    }
}

/// Reads every page of a painted map, each in a thread of its own.
fn read_in_threads(map: &Map, tag: u64) {
    let memory = map.mmap().unwrap();
    std::thread::scope(|scope| {
        for page in 0..memory.len() / PAGE {
            let memory = &memory;
            scope.spawn(move || assert_eq!(memory.load_u64(page * PAGE), tag + page as u64));
        }
    });
}

#[test]
fn no_wake_up_is_lost() {
    // The suspension begins and ends while the access comes.
    let memory = painted(1, OLD);
    let map = unique(&memory);
    let users = [User::of(&map), User::of(&map)];
    for _ in 0..scaled(5000) {
        for user in &users {
            user.begin_read(0);
        }
        map.suspend().unwrap();
        map.resume().unwrap();
        for user in &users {
            assert_eq!(user.finish(), OLD);
        }
    }
    assert_eq!(map.info().unwrap().waiters, 0);
}

#[test]
fn counters_tell_of_the_wait() {
    let memory = painted(1, OLD);
    let map = unique(&memory);
    let user = User::of(&map);
    map.suspend().unwrap();
    user.begin_read(0);
    await_waiters(&map, 1);
    let waiting = map.info().unwrap();
    assert_eq!((waiting.waiters, waiting.waits), (1, 1));
    assert!(waiting.longest_wait.is_zero(), "no wait has ended");
    map.resume().unwrap();
    user.finish();
    let after = map.info().unwrap();
    assert_eq!((after.waiters, after.waits, after.faults), (0, 1, waiting.faults + 1));
    assert!(!after.longest_wait.is_zero() && after.longest_wait < LIMIT);
}

#[test]
fn a_map_is_readable_while_a_task_waits() {
    let memory = painted(1, OLD);
    let maps = [unique(&memory), unique(&memory)];
    let users = maps.each_ref().map(User::of);
    let ready = |map| {
        let mut files = [PollFd::new(map, PollFlags::IN)];
        poll(&mut files, Some(&Timespec::default())).unwrap();
        files[0].revents()
    };
    for map in &maps {
        map.suspend().unwrap();
        assert_eq!(ready(map), PollFlags::empty(), "nobody waits");
    }
    users[1].begin_read(0);

    // One epoll for both: only the second becomes ready.
    let both = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
    for (number, map) in (0..).zip(&maps) {
        let data = epoll::EventData::new_u64(number);
        epoll::add(&both, map, data, epoll::EventFlags::IN).unwrap();
    }
    let mut events = Vec::with_capacity(2);
    let limit = Timespec::try_from(LIMIT).unwrap();
    epoll::wait(&both, rustix::buffer::spare_capacity(&mut events), Some(&limit)).unwrap();
    assert_eq!(events.iter().map(|event| event.data.u64()).collect::<Vec<_>>(), [1]);
    assert!(ready(&maps[1]).contains(PollFlags::IN));
    assert_eq!(ready(&maps[0]), PollFlags::empty());

    maps[1].resume().unwrap();
    assert_eq!(users[1].finish(), OLD);
    assert_eq!(ready(&maps[1]), PollFlags::empty(), "nobody waits any more");
    maps[0].unmap().unwrap();
    assert!(ready(&maps[0]).contains(PollFlags::HUP), "the map has ended");
    assert!(!maps[0].wait_for_waiter(Some(LIMIT)).unwrap(), "nobody will ever wait on it");
}

#[test]
fn a_pager_serves_who_waits() {
    // Poll is all it needs: each access is let through as it comes.
    let memories = [painted(1, OLD), painted(1, NEW)];
    let map = unique(&memories[0]);
    let user = User::of(&map);
    for round in 0..scaled(200) as usize {
        map.suspend().unwrap();
        user.begin_read(0);
        assert!(map.wait_for_waiter(Some(LIMIT)).unwrap());
        map.redirect(&memories[round % 2]).run().unwrap();
        assert_eq!(user.finish(), [OLD, NEW][round % 2]);
    }
}

#[test]
fn the_end_of_the_map_ends_the_wait() {
    let memory = painted(1, OLD);
    let (map, user) = suspended(&memory);
    user.begin_read(0);
    assert_waits(&user, &map);
    map.unmap().unwrap();
    assert_eq!(user.into_child().end(), End::Killed(Signal::BUS));
    assert_eq!(map.info().unwrap().waiters, 0);
}

#[test]
fn the_last_close_ends_the_wait() {
    let memory = painted(1, OLD);
    let (map, user) = suspended(&memory);
    user.begin_read(0);
    assert_waits(&user, &map);
    drop(map);
    assert_eq!(user.into_child().end(), End::Killed(Signal::BUS));
}

#[test]
fn the_last_close_by_a_dying_process_ends_the_wait() {
    let (map, user) = suspended(&painted(1, OLD));
    let owner = Child::fork(|parent| {
        // It has the map open, as it has all files of the test.
        parent.say(0);
        parent.hear();
    });
    owner.hear();
    user.begin_read(0);
    assert_waits(&user, &map);
    let id = map.id().unwrap();
    drop(map);
    let map = client().open_map(id).expect("the owner has a handle yet");
    assert_waits(&user, &map);
    drop(map);
    owner.kill();
    assert_eq!(user.into_child().end(), End::Killed(Signal::BUS));
    assert_eq!(client().open_map(id).unwrap_err().errno(), Errno::NOENT);
}

#[test]
fn a_wait_in_a_kept_mapping_goes_on_without_a_handle() {
    let memory = painted(1, OLD);
    let map = memory.map().unique(true).keep(true).create().unwrap();
    let user = User::of(&map);
    let id = map.id().unwrap();
    map.suspend().unwrap();
    user.begin_read(0);
    assert_waits(&user, &map);
    drop(map);
    let map = client().open_map(id).unwrap();
    assert_waits(&user, &map);
    map.resume().unwrap();
    assert_eq!(user.finish(), OLD);
}

#[test]
fn an_argument_may_be_in_the_map_that_it_suspends() {
    let memory = buffer(1);
    let map = unique(&memory);
    let argument = iomd_sys::iomd_redirect {
        size: size_of::<iomd_sys::iomd_redirect>() as u32,
        descriptor: iomd_sys::IOMD_NO_DESCRIPTOR,
        ..Default::default()
    };
    let child = Child::fork(|parent| {
        let region = Region::from(map.mmap().unwrap());
        // SAFETY: the region is as large, and nothing else is there.
        unsafe { region.as_ptr().cast::<iomd_sys::iomd_redirect>().write(argument) };
        let number = iomd_sys::IOMD_REDIRECT;
        let done = crate::support::raw::call_at(&map, number, region.address());
        parent.say_outcome(done.map(|()| 0));
    });
    // The answer waits like any other access of a privileged caller.
    await_waiters(&map, 1);
    assert!(map.info().unwrap().suspended);
    map.resume().unwrap();
    assert_eq!(child.hear_outcome(), Ok(0));
    child.succeed();
}
