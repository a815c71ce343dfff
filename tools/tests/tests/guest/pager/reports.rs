// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a read of a map's file tells, and when.

use std::os::fd::AsFd;
use std::time::Duration;

use iomd::{Errno, Map};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::{read, write};
use rustix::pipe::pipe;
use rustix::process::Signal;
use rustix::thread::gettid;

use super::{OLD, resume, suspend};
use crate::support::signals::{self, HANDLED};
use crate::support::{
    Child, LIMIT, PAGE, Region, User, await_waiters, buffer, client, eventually, painted, unique,
    unique_shared,
};

/// Bytes of a report.
const REPORT: usize = size_of::<iomd_sys::iomd_wait>();

/// How many the kernel gives at once.
const MOST: usize = 64;

fn is_readable(map: &Map) -> bool {
    let mut files = [PollFd::new(map, PollFlags::IN)];
    poll(&mut files, Some(&Timespec::default())).unwrap();
    files[0].revents().contains(PollFlags::IN)
}

/// The pages of the reports that are there, without a wait for more.
fn reported(map: &Map) -> Vec<u64> {
    fcntl_setfl(map, OFlags::NONBLOCK).unwrap();
    match map.waits() {
        Ok(waits) => waits.iter().map(|wait| wait.offset / PAGE as u64).collect(),
        Err(error) => {
            assert_eq!(error.errno(), Errno::AGAIN);
            Vec::new()
        }
    }
}

#[test]
fn it_tells_who_waits_where_and_for_what() {
    let map = unique(&painted(4, OLD));
    let users = [User::of(&map), User::of(&map)];
    let address = |user: &User| user_address(&map, user);
    map.suspend().unwrap();
    users[0].begin_read(2 * PAGE + 16);
    await_waiters(&map, 1);
    users[1].begin_write(3 * PAGE + 8, 1);
    await_waiters(&map, 2);
    let waits = map.waits().unwrap();
    assert_eq!(waits.len(), 2);

    assert_eq!(waits[0].offset, 2 * PAGE as u64);
    assert_eq!(waits[0].address, address(&users[0]) + 2 * PAGE as u64 + 16);
    assert!(!waits[0].write);
    assert_eq!(waits[0].thread, Some(users[0].pid().as_raw_nonzero().get()));

    assert_eq!(waits[1].offset, 3 * PAGE as u64);
    assert_eq!(waits[1].address, address(&users[1]) + 3 * PAGE as u64 + 8);
    assert!(waits[1].write);
    assert_eq!(waits[1].thread, Some(users[1].pid().as_raw_nonzero().get()));
    map.resume().unwrap();
    users.iter().for_each(|user| _ = user.finish());
}

/// Where a user has the map.
fn user_address(map: &Map, user: &User) -> u64 {
    let name = format!("[iomd-map:{}]", map.id().unwrap());
    let mappings = crate::support::proc::mappings(user.pid());
    let own = mappings.iter().find(|mapping| mapping.name.contains(&name));
    own.expect("it has the map mapped").addresses.start as u64
}

#[test]
fn a_thread_is_told_by_its_own_number() {
    let map = unique_shared(&painted(1, OLD));
    map.suspend().unwrap();
    let child = Child::fork(|parent| {
        let region = Region::from(map.mmap().unwrap());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                parent.say(gettid().as_raw_nonzero().get() as u64);
                region.read(0);
            });
        });
    });
    let thread = child.hear() as i32;
    assert_ne!(thread, child.pid().as_raw_nonzero().get());
    assert_eq!(map.waits().unwrap()[0].thread, Some(thread));
    map.resume().unwrap();
    child.succeed();
}

#[test]
fn it_tells_once() {
    let map = unique(&painted(4, OLD));
    let user = User::of(&map);
    map.suspend().unwrap();
    assert!(!is_readable(&map));
    user.begin_read(PAGE);
    assert!(map.wait_for_waiter(Some(LIMIT)).unwrap());
    assert_eq!(reported(&map), [1]);
    assert!(!is_readable(&map), "the pager knows");
    assert_eq!(reported(&map), [0; 0]);
    assert_eq!(map.info().unwrap().waiters, 1);

    // Another page is resumed, which wakes all to look.
    resume(&map, 2, 1);
    assert!(!is_readable(&map));
    resume(&map, 1, 1);
    user.finish();
    user.begin_read(3 * PAGE);
    assert!(map.wait_for_waiter(Some(LIMIT)).unwrap());
    assert_eq!(reported(&map), [3]);
    map.resume().unwrap();
    user.finish();
}

#[test]
fn who_has_gone_on_is_not_told_of() {
    let map = unique(&painted(2, OLD));
    let users = [User::of(&map), User::of(&map)];
    map.suspend().unwrap();
    users[0].begin_read(0);
    users[1].begin_read(PAGE);
    await_waiters(&map, 2);
    resume(&map, 0, 1);
    users[0].finish();
    assert_eq!(reported(&map), [1]);
    map.resume().unwrap();
    users[1].finish();
    assert!(!is_readable(&map));
}

#[test]
fn who_is_killed_is_not_told_of() {
    let map = unique(&painted(1, OLD));
    let user = User::of(&map);
    map.suspend().unwrap();
    user.begin_read(0);
    await_waiters(&map, 1);
    user.into_child().kill();
    await_waiters(&map, 0);
    assert!(!is_readable(&map));
}

#[test]
fn an_access_that_a_signal_interrupted_is_told_of_again() {
    let map = unique_shared(&painted(1, OLD));
    map.suspend().unwrap();
    let child = Child::fork(|parent| {
        let region = Region::from(map.mmap().unwrap());
        signals::report(Signal::USR1, parent);
        parent.say(region.read(0));
    });
    assert!(map.wait_for_waiter(Some(LIMIT)).unwrap());
    assert_eq!(reported(&map), [0]);
    child.signal(Signal::USR1);
    assert_eq!(child.hear(), HANDLED);
    assert!(map.wait_for_waiter(Some(LIMIT)).unwrap());
    assert_eq!(reported(&map), [0]);
    map.resume().unwrap();
    assert_eq!(child.hear(), OLD);
    child.succeed();
}

#[test]
fn another_who_suspends_is_told_of_all() {
    let map = unique(&painted(2, OLD));
    let user = User::of(&map);
    map.suspend().unwrap();
    user.begin_read(0);
    await_waiters(&map, 1);
    assert_eq!(reported(&map), [0]);
    suspend(&map, 1, 1);
    assert!(!is_readable(&map), "the same pager suspends more");

    let next = map.reopen().unwrap();
    suspend(&next, 0, 2);
    assert!(is_readable(&next));
    assert_eq!(reported(&next), [0]);
    assert!(!is_readable(&next));
    next.resume().unwrap();
    user.finish();
}

#[test]
fn they_come_in_order_and_no_more_than_there_is_room_for() {
    const THREADS: usize = MOST + 6;
    let map = unique_shared(&buffer(THREADS));
    map.suspend().unwrap();
    let child = Child::fork(|parent| {
        let region = Region::from(map.mmap().unwrap());
        std::thread::scope(|scope| {
            while let Some(page) = parent.listen() {
                scope.spawn(move || region.read(page as usize * PAGE));
            }
        });
    });
    let order: Vec<u64> = (0..THREADS as u64).map(|n| n * 37 % THREADS as u64).collect();
    for (count, &page) in (1..).zip(&order) {
        child.say(page);
        await_all(&map, count);
    }

    let mut bytes = [0; 2 * REPORT + REPORT - 1];
    assert_eq!(read(&map, &mut bytes), Ok(2 * REPORT), "as many as there is room for");
    assert!(is_readable(&map), "there are more");
    assert_eq!(reported(&map), order[2..2 + MOST]);
    assert_eq!(reported(&map), order[2 + MOST..]);
    assert!(!is_readable(&map));
    map.resume().unwrap();
    drop(child);
}

/// As [`await_waiters`], where some may have been told of.
fn await_all(map: &Map, count: u64) {
    eventually("all wait", || map.info().unwrap().waiters == count);
}

#[test]
fn a_read_waits_for_an_access() {
    let map = unique_shared(&painted(1, OLD));
    map.suspend().unwrap();
    let pager = Child::fork(|parent| {
        parent.say(0);
        parent.say(map.waits().unwrap()[0].offset);
    });
    pager.hear();
    pager.await_state('S');
    assert!(pager.is_silent());
    let user = User::of(&map);
    user.begin_read(0);
    assert_eq!(pager.hear(), 0);
    map.resume().unwrap();
    user.finish();
    pager.succeed();
}

#[test]
fn a_read_ends_with_the_map() {
    let map = unique_shared(&painted(1, OLD));
    let pager = Child::fork(|parent| {
        parent.say(0);
        parent.say(map.waits().unwrap().len() as u64);
    });
    pager.hear();
    pager.await_state('S');
    map.unmap().unwrap();
    assert_eq!(pager.hear(), 0);
    pager.succeed();
    assert_eq!(map.waits().unwrap(), []);
}

#[test]
fn a_signal_ends_a_read() {
    let map = unique_shared(&painted(1, OLD));
    let pager = Child::fork(|parent| {
        signals::report(Signal::USR1, parent);
        parent.say(0);
        // The handler is one that restarts system calls, but nothing was read yet.
        parent.say_outcome(map.waits().map(|waits| waits.len() as u64).map_err(|e| e.errno()));
    });
    pager.hear();
    pager.await_state('S');
    pager.signal(Signal::USR1);
    assert_eq!(pager.hear(), HANDLED);
    assert_eq!(pager.hear_outcome(), Err(Errno::INTR));
    pager.succeed();
}

#[test]
fn too_little_room_is_refused() {
    let map = unique(&painted(1, OLD));
    let user = User::of(&map);
    map.suspend().unwrap();
    user.begin_read(0);
    await_waiters(&map, 1);
    let mut bytes = [0; REPORT - 1];
    assert_eq!(read(&map, &mut bytes), Err(Errno::INVAL));
    assert_eq!(read(&map, &mut bytes[..0]), Err(Errno::INVAL));
    assert_eq!(reported(&map), [0], "nothing was lost");
    map.resume().unwrap();
    user.finish();
}

#[test]
fn what_cannot_be_told_is_not_lost() {
    let map = unique(&buffer(3));
    let users = [User::of(&map), User::of(&map)];
    map.suspend().unwrap();
    for (page, user) in users.iter().enumerate() {
        user.begin_read(page * PAGE);
        await_waiters(&map, page as u64 + 1);
    }
    // There is room for the first report only.
    let memory = Region::reserve(2);
    memory.pages(0..1).unmap().unwrap();
    memory.pages(0..1).fill().unwrap();
    // SAFETY: the kernel writes to a region, or nothing.
    let end = unsafe {
        libc::read(
            std::os::fd::AsRawFd::as_raw_fd(&map.as_fd()),
            memory.as_ptr().wrapping_byte_add(PAGE - REPORT),
            2 * REPORT,
        )
    };
    assert_eq!(end, -1);
    assert_eq!(crate::support::region::last_errno(), Errno::FAULT);
    assert!(is_readable(&map));
    assert_eq!(reported(&map), [0, 1]);
    map.resume().unwrap();
    users.iter().for_each(|user| _ = user.finish());
}

#[test]
fn only_maps_are_read() {
    let descriptor = buffer(1);
    let mut bytes = [0; REPORT];
    assert_eq!(read(&descriptor, &mut bytes), Err(Errno::INVAL));
    assert_eq!(read(client(), &mut bytes), Err(Errno::INVAL));
}

#[test]
fn the_reader_of_another_pid_namespace_learns_no_number() {
    let map = unique_shared(&painted(1, OLD));
    let user = User::of(&map);
    map.suspend().unwrap();
    user.begin_read(0);
    await_waiters(&map, 1);
    let (reader, writer) = pipe().unwrap();
    let outer = Child::fork(|_| {
        // SAFETY: file descriptors are not unshared.
        unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::NEWPID) }.unwrap();
        let inner = Child::fork(|_| {
            let told = map.waits().unwrap()[0].thread;
            write(&writer, &[u8::from(told.is_some())]).unwrap();
        });
        inner.succeed();
    });
    outer.succeed();
    let mut told = [9];
    read(&reader, &mut told).unwrap();
    assert_eq!(told, [0]);
    map.resume().unwrap();
    user.finish();
}

#[test]
fn no_report_is_lost() {
    // The access comes while the pager looks.
    let map = unique(&painted(1, OLD));
    let user = User::of(&map);
    for _ in 0..crate::support::scaled(500) {
        map.suspend().unwrap();
        user.begin_read(0);
        assert_eq!(map.waits().unwrap().len(), 1);
        resume(&map, 0, 1);
        assert_eq!(user.finish(), OLD);
    }
    assert!(map.info().unwrap().longest_wait < LIMIT.min(Duration::from_secs(30)));
}
