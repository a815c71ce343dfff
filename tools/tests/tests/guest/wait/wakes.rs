// SPDX-License-Identifier: MIT OR Apache-2.0

//! Nobody is forgotten who waits, and whoever serves them is told.

use iomd::Map;
use rustix::event::{PollFd, PollFlags, Timespec, epoll, poll};

use super::{NEW, OLD};
use crate::support::{Child, LIMIT, PAGE, User, await_waiters, painted, scaled, unique};

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
