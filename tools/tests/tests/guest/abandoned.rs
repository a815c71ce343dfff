// SPDX-License-Identifier: MIT OR Apache-2.0

//! What becomes of a suspension whose owner is gone: the open file through which it was made, with all
//! that refer to it. And other handles of a map.

use std::convert::Infallible;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use iomd::IfAbandoned::{Resume, Sigbus, Stay};
use iomd::{Deadline, Errno, IfAbandoned, Map};
use iomd_sys as sys;
use rustix::io::{FdFlags, fcntl_getfd};
use rustix::process::{Resource, Rlimit, Signal, setrlimit};

use crate::support::kernel_mode::{self, ACCESSES, DONE};
use crate::support::pin::Pin;
use crate::support::{
    Channel, Child, End, User, await_waiters, buffer, client, eventually, open_files, painted, raw,
    scaled, unique, unique_shared, window,
};

const OLD: u64 = 0x0100;
const NEW: u64 = 0x0200;

const POLICIES: [IfAbandoned; 3] = [Stay, Sigbus, Resume];

/// Suspends the map through that handle.
#[track_caller]
fn suspend(handle: &Map, if_abandoned: IfAbandoned) {
    handle.suspend_with().if_abandoned(if_abandoned).run().expect("the map is suspended");
}

/// Another handle of the map, through which it is suspended.
#[track_caller]
fn owner(map: &Map, if_abandoned: IfAbandoned) -> Map {
    let own = map.reopen().expect("a map can be reopened");
    suspend(&own, if_abandoned);
    own
}

/// A process that has such a handle and no other file of the map. What it does then ends when it is
/// told to.
fn owning_process(map: &Map, if_abandoned: IfAbandoned, then: fn(&Channel, Map)) -> Child {
    let child = Child::fork(|parent| {
        parent.close_all_others();
        let own: Map = parent.receive();
        suspend(&own, if_abandoned);
        parent.say(0);
        then(parent, own);
    });
    child.send(map.reopen().expect("a map can be reopened"));
    child.hear();
    child
}

/// Keeps the handle until the process is told to go.
fn until_told(parent: &Channel, _own: Map) {
    parent.hear();
}

/// A process that has all files of this one, and does nothing.
fn idle() -> Child {
    Child::fork(|parent| {
        parent.hear();
    })
}

/// How an owner comes to be gone, when it is called.
type Going = Box<dyn FnOnce()>;

fn killed(child: Child) -> Going {
    Box::new(move || assert_eq!(child.kill(), End::Killed(Signal::KILL)))
}

fn told(child: Child) -> Going {
    Box::new(move || {
        child.say(0);
        child.succeed();
    })
}

/// A way to be gone, and how many wait besides who is made to.
struct Way {
    name: &'static str,
    waiters: u64,
    of: fn(&Map, IfAbandoned) -> Going,
}

const fn way(name: &'static str, of: fn(&Map, IfAbandoned) -> Going) -> Way {
    Way { name, waiters: 0, of }
}

const WAYS: [Way; 6] = [
    way("it closes", |map, policy| {
        let own = owner(map, policy);
        Box::new(move || drop(own))
    }),
    way("it exits", |map, policy| {
        told(owning_process(map, policy, |parent, own| {
            parent.hear();
            std::mem::forget(own);
        }))
    }),
    way("it executes another program", |map, policy| {
        told(owning_process(map, policy, |parent, _own| {
            parent.hear();
            let error: Result<Infallible, _> = Err(Command::new("/bin/true").exec());
            panic!("exec: {error:?}");
        }))
    }),
    way("it is killed", |map, policy| killed(owning_process(map, policy, until_told))),
    way("it is killed with the map mapped", |map, policy| {
        killed(owning_process(map, policy, |parent, own| {
            let _memory = own.mmap().expect("the map is mapped");
            parent.hear();
        }))
    }),
    Way {
        name: "it is killed while it waits itself",
        waiters: 1,
        of: |map, policy| {
            killed(owning_process(map, policy, |_, own| {
                own.mmap().expect("the map is mapped").load_u64(0);
            }))
        },
    },
];

#[track_caller]
fn assert_live(map: &Map) {
    let info = map.info().expect("a map tells about itself");
    assert!(!info.suspended && !info.expired && !info.ended, "{info:?}");
}

#[track_caller]
fn assert_expired(map: &Map) {
    let info = map.info().expect("a map tells about itself");
    assert!(info.suspended && info.expired && !info.ended, "{info:?}");
}

/// Asserts that the map is suspended, and that these wait on it and nobody else.
#[track_caller]
fn assert_wait(map: &Map, users: &[&User]) {
    let info = map.info().expect("a map tells about itself");
    assert!(info.suspended && !info.expired && !info.ended, "{info:?}");
    assert_eq!(info.waiters, users.len() as u64);
    assert!(users.iter().all(|user| user.is_silent()));
}

#[track_caller]
fn assert_bus(user: User) {
    assert_eq!(user.into_child().end(), End::Killed(Signal::BUS));
}

/// Somebody who reads the map, and waits.
#[track_caller]
fn reader(map: &Map) -> User {
    let user = User::of(map);
    let waiters = map.info().expect("a map tells about itself").waiters;
    user.begin_read(0);
    await_waiters(map, waiters + 1);
    user
}

/// Asserts that the reader finds that the owner is gone, and under which policy.
#[track_caller]
fn assert_abandoned(map: &Map, policy: IfAbandoned, reader: User) {
    match policy {
        Stay => {
            assert_wait(map, &[&reader]);
            map.resume().expect("the map is unique");
            assert_eq!(reader.finish(), OLD);
        }
        Sigbus => {
            assert_bus(reader);
            assert_expired(map);
        }
        Resume => {
            assert_eq!(reader.finish(), OLD, "the memory that it had");
            assert_live(map);
        }
    }
}

#[test]
fn who_waits_finds_the_owner_gone_in_every_way() {
    for Way { name, waiters, of } in WAYS {
        for policy in POLICIES {
            eprintln!("{name}, {policy:?}");
            let memory = painted(1, OLD);
            let map = unique(&memory);
            let users = [User::of(&map), User::of(&map)];
            let go = of(&map, policy);
            users[0].begin_read(0);
            users[1].begin_write(8, NEW);
            await_waiters(&map, 2 + waiters);
            go();
            if policy != Sigbus {
                let [reader, writer] = users;
                assert_eq!(policy == Stay, map.info().unwrap().suspended);
                if policy == Stay {
                    assert_wait(&map, &[&reader, &writer]);
                    assert_eq!(window(&memory).load_u64(8), 0, "nothing is written yet");
                    map.resume().unwrap();
                }
                assert_eq!(reader.finish(), OLD);
                writer.finish();
                assert_eq!(window(&memory).load_u64(8), NEW);
                assert_live(&map);
                continue;
            }
            users.map(assert_bus);
            assert_expired(&map);
            assert_eq!(window(&memory).load_u64(8), 0);
            let later = User::of(&map);
            later.begin_read(0);
            assert_bus(later);
            let user = User::of(&map);
            map.redirect(&painted(1, NEW)).run().unwrap();
            assert_eq!(user.read(0), NEW);
            assert_live(&map);
        }
    }
}

#[test]
fn nobody_need_wait_for_it() {
    for policy in POLICIES {
        let map = unique(&painted(1, OLD));
        let user = User::of(&map);
        drop(owner(&map, policy));
        user.begin_read(0);
        if policy == Stay {
            await_waiters(&map, 1);
        }
        assert_abandoned(&map, policy, user);
    }
}

#[test]
fn an_access_in_kernel_mode_finds_the_owner_gone() {
    for (name, access) in ACCESSES {
        for policy in [Sigbus, Resume] {
            let map = unique_shared(&painted(1, OLD));
            // Children have all files of this process, but not of another.
            let owner = owning_process(&map, policy, until_told);
            let child = kernel_mode::access(&map, access);
            await_waiters(&map, 1);
            owner.kill();
            let expected = if policy == Sigbus { Err(Errno::FAULT) } else { Ok(DONE) };
            assert_eq!(child.hear_outcome(), expected, "{name}, {policy:?}");
            child.succeed();
        }
    }
}

#[test]
fn memory_is_as_others_have_left_it() {
    let memory = painted(1, OLD);
    let map = unique(&memory);
    let own = owner(&map, Resume);
    let user = reader(&map);
    window(&memory).store_u64(0, NEW);
    drop(own);
    assert_eq!(user.finish(), NEW);
}

#[test]
fn its_memory_is_kept_for_it() {
    let memory = painted(1, OLD);
    let id = memory.id().unwrap();
    let map = unique(&memory);
    let own = owner(&map, Resume);
    let user = reader(&map);
    drop(memory);
    assert!(client().open_object(id).is_ok(), "the map keeps it");
    drop(own);
    assert_eq!(user.finish(), OLD);
}

#[test]
fn other_handles_are_not_the_owner() {
    for policy in POLICIES {
        let map = unique(&painted(1, OLD));
        let id = map.id().unwrap();
        let before = map.reopen().unwrap();
        let own = owner(&map, policy);
        let after = [map.reopen().unwrap(), own.reopen().unwrap(), client().open_map(id).unwrap()];
        let user = reader(&map);
        let generation = map.info().unwrap().generation;
        drop(map);
        drop(before);
        for handle in after {
            drop(handle);
            assert_wait(&own, &[&user]);
        }
        assert_eq!(own.info().unwrap().generation, generation);
        let map = own.reopen().unwrap();
        drop(own);
        assert_abandoned(&map, policy, user);
    }
}

#[test]
fn processes_with_other_handles_are_not_the_owner() {
    for policy in POLICIES {
        let map = unique(&painted(1, OLD));
        let process = Child::fork(|parent| {
            let _other = map.reopen().unwrap();
            parent.say(0);
            parent.hear();
        });
        process.hear();
        let own = owner(&map, policy);
        let user = reader(&map);
        process.kill();
        assert_wait(&map, &[&user]);
        drop(own);
        assert_abandoned(&map, policy, user);
    }
}

#[test]
fn a_duplicate_keeps_the_owner() {
    for policy in POLICIES {
        for first in [true, false] {
            let map = unique(&painted(1, OLD));
            let own = owner(&map, policy);
            let duplicate = Map::from(own.as_fd().try_clone_to_owned().unwrap());
            let user = reader(&map);
            let last = if first {
                drop(own);
                duplicate
            } else {
                drop(duplicate);
                own
            };
            assert_wait(&map, &[&user]);
            drop(last);
            assert_abandoned(&map, policy, user);
        }
    }
}

#[test]
fn a_forked_child_keeps_the_owner() {
    for policy in POLICIES {
        let map = unique(&painted(1, OLD));
        let own = owner(&map, policy);
        let user = reader(&map);
        let child = idle();
        drop(own);
        assert_wait(&map, &[&user]);
        assert_eq!(child.kill(), End::Killed(Signal::KILL));
        assert_abandoned(&map, policy, user);
    }
}

#[test]
fn a_process_that_it_is_sent_to_keeps_the_owner() {
    for policy in POLICIES {
        let map = unique(&painted(1, OLD));
        let process = owning_process(&map, policy, |parent, own| {
            parent.send(own);
            parent.hear();
        });
        let own: Map = process.receive();
        let user = reader(&map);
        assert_eq!(process.kill(), End::Killed(Signal::KILL));
        assert_wait(&map, &[&user]);
        drop(own);
        assert_abandoned(&map, policy, user);
    }
}

#[test]
fn a_message_that_nobody_has_received_keeps_the_owner() {
    for policy in POLICIES {
        let map = unique(&painted(1, OLD));
        let own = owner(&map, policy);
        let user = reader(&map);
        let (sender, receiver) = Channel::pair();
        sender.send(own);
        assert_wait(&map, &[&user]);
        drop(sender);
        assert_wait(&map, &[&user]);
        drop(receiver);
        if policy != Stay {
            eventually("the message is gone", || map.info().unwrap().waiters == 0);
        }
        assert_abandoned(&map, policy, user);
    }
}

#[test]
fn a_mapping_does_not_keep_the_owner() {
    for policy in POLICIES {
        let map = unique(&painted(1, OLD));
        let own = owner(&map, policy);
        let memory = own.mmap().unwrap();
        let user = reader(&map);
        drop(own);
        assert_abandoned(&map, policy, user);
        drop(memory);
    }
}

#[test]
fn a_later_suspension_takes_ownership() {
    for (first, second) in [(Resume, Sigbus), (Sigbus, Resume), (Resume, Stay), (Stay, Sigbus)] {
        for by_the_same in [false, true] {
            let map = unique(&painted(1, OLD));
            let own = owner(&map, first);
            let user = reader(&map);
            let later = if by_the_same {
                suspend(&own, second);
                own
            } else {
                let later = owner(&map, second);
                drop(own);
                later
            };
            assert_wait(&map, &[&user]);
            drop(later);
            assert_abandoned(&map, second, user);
        }
    }
}

#[test]
fn a_suspension_that_is_over_is_not_abandoned() {
    for policy in POLICIES {
        let (old, new) = (painted(1, OLD), painted(1, NEW));
        let map = unique(&old);
        let user = User::of(&map);

        let own = owner(&map, policy);
        map.resume().unwrap();
        drop(own);
        assert_live(&map);
        assert_eq!(user.read(0), OLD);

        let own = owner(&map, policy);
        map.redirect(&new).run().unwrap();
        drop(own);
        assert_live(&map);
        assert_eq!(user.read(0), NEW);

        // Not even while another one lasts.
        let own = owner(&map, policy);
        map.resume().unwrap();
        map.suspend().unwrap();
        let user = reader(&map);
        drop(own);
        assert_wait(&map, &[&user]);
        map.resume().unwrap();
        assert_eq!(user.finish(), NEW);
    }
}

#[test]
fn an_owner_is_gone_before_and_after_the_deadline() {
    let far = Deadline::after(Duration::from_secs(24 * 60 * 60));
    let past = Deadline::from_nanoseconds(1);
    for policy in POLICIES {
        let map = unique(&painted(1, OLD));
        let own = map.reopen().unwrap();
        own.suspend_with().deadline(far).if_abandoned(policy).run().unwrap();
        let user = reader(&map);
        drop(own);
        assert_abandoned(&map, policy, user);

        let map = unique(&painted(1, OLD));
        let own = map.reopen().unwrap();
        own.suspend_with().deadline(past).if_abandoned(policy).run().unwrap();
        assert_expired(&map);
        drop(own);
        if policy == Resume {
            assert_live(&map);
        } else {
            assert_expired(&map);
            map.resume().unwrap();
        }
        assert_eq!(User::of(&map).read(0), OLD);
    }
}

#[test]
fn the_last_handle_ends_the_map_as_ever() {
    for policy in POLICIES {
        for by_a_kill in [false, true] {
            let map = unique(&painted(1, OLD));
            let id = map.id().unwrap();
            suspend(&map, policy);
            let user = reader(&map);
            let process = by_a_kill.then(idle);
            drop(map);
            if let Some(process) = process {
                process.kill();
            }
            assert_bus(user);
            eventually("the map is gone", || {
                client().open_map(id).is_err_and(|error| error.errno() == Errno::NOENT)
            });
        }
    }
}

#[test]
fn the_last_handle_of_a_kept_map_is_an_owner_like_others() {
    for policy in POLICIES {
        let memory = painted(1, OLD);
        let map = memory.map().unique(true).keep(true).create().unwrap();
        let id = map.id().unwrap();
        suspend(&map, policy);
        let user = reader(&map);
        // Not to let the map go when its last user is killed.
        let stays = User::of(&map);
        drop(map);
        if policy == Sigbus {
            assert_bus(user);
            assert_expired(&client().open_map(id).unwrap());
        } else {
            let map = client().open_map(id).unwrap();
            assert_abandoned(&map, policy, user);
        }
        drop(stays);
    }
}

#[test]
fn no_wake_up_is_lost() {
    // The owner goes while the access comes.
    let map = unique(&painted(1, OLD));
    let users = [User::of(&map), User::of(&map)];
    for _ in 0..scaled(1000) {
        let own = owner(&map, Resume);
        for user in &users {
            user.begin_read(0);
        }
        drop(own);
        for user in &users {
            assert_eq!(user.finish(), OLD);
        }
    }
    let info = map.info().unwrap();
    assert_eq!((info.waiters, info.suspended), (0, false));
}

#[test]
fn owners_come_and_go_among_others() {
    let memory = painted(4, OLD);
    let map = unique_shared(&memory);
    let user = Child::fork(|parent| {
        let memory = map.mmap().unwrap();
        while !parent.is_ready(Duration::ZERO) {
            assert_eq!(memory.load_u64(0), OLD);
        }
    });
    let times = scaled(300);
    let workers: [fn(&Map, u64); 4] = [
        |map, _| drop(owner(map, Resume)),
        |map, time| {
            let own = owner(map, POLICIES[time as usize % 3]);
            // Whoever has it by now.
            own.resume().unwrap();
        },
        |map, _| {
            let info = map.info().unwrap();
            let memory = client().open_descriptor(info.descriptor_id, iomd::Access::ReadWrite);
            memory.unwrap().copy_to(&buffer(4)).run().unwrap();
        },
        |map, _| {
            let (own, other) = (owner(map, Stay), owner(map, Resume));
            drop(own);
            drop(other);
        },
    ];
    let workers = workers.map(|work| {
        Child::fork(|_| {
            for time in 0..times {
                work(&map, time);
            }
        })
    });
    workers.map(Child::succeed);
    map.resume().unwrap();
    user.say(0);
    user.succeed();
    assert_live(&map);
    assert_eq!(map.info().unwrap().waiters, 0);
}

/// A suspension as the kernel takes it.
fn argument() -> sys::iomd_redirect {
    sys::iomd_redirect {
        size: raw::size::<sys::iomd_redirect>(),
        descriptor: sys::IOMD_NO_DESCRIPTOR,
        pinned: u64::MAX,
        ..Default::default()
    }
}

#[test]
fn two_policies_are_refused() {
    let map = unique(&painted(1, OLD));
    for suspended in [false, true] {
        if suspended {
            suspend(&map, Resume);
        }
        let before = map.info().unwrap();
        let both = sys::IOMD_REDIRECT_ABANDONED_SIGBUS | sys::IOMD_REDIRECT_ABANDONED_RESUME;
        for flags in [both, both | sys::IOMD_REDIRECT_REFUSE_PINNED, 1 << 3, 1 << 31] {
            let argument = sys::iomd_redirect { flags, ..argument() };
            assert_eq!(raw::refused(&map, sys::IOMD_REDIRECT, argument), Errno::INVAL);
        }
        assert_eq!(map.info().unwrap(), before);
    }
}

#[test]
fn a_policy_with_new_memory_is_refused() {
    let new = painted(1, NEW);
    let map = unique(&painted(1, OLD));
    let before = map.info().unwrap();
    let descriptor = new.as_fd().as_raw_fd();
    for flags in [sys::IOMD_REDIRECT_ABANDONED_SIGBUS, sys::IOMD_REDIRECT_ABANDONED_RESUME] {
        let argument = sys::iomd_redirect { flags, descriptor, ..argument() };
        assert_eq!(raw::refused(&map, sys::IOMD_REDIRECT, argument), Errno::INVAL);
    }
    assert_eq!(map.info().unwrap(), before);
}

#[test]
fn the_refused_do_not_take_ownership() {
    let map = unique(&painted(1, OLD));
    let pin = Pin::of(map.mmap().unwrap().into());
    let own = owner(&map, Resume);
    let user = reader(&map);
    let other = map.reopen().unwrap();
    let refused = other.suspend_with().if_abandoned(Sigbus).refuse_pinned(true).run().unwrap_err();
    assert_eq!(refused.errno(), Errno::BUSY);
    drop(other);
    assert_wait(&map, &[&user]);
    drop(own);
    assert_eq!(user.finish(), OLD);
    drop(pin);
}

#[test]
fn a_reopened_map_is_the_same_map() {
    for read_only in [false, true] {
        let memory = painted(1, OLD);
        let map = memory.map().unique(true).read_only(read_only).create().unwrap();
        let again = map.reopen().unwrap();
        assert_eq!(again.info().unwrap(), map.info().unwrap());
        assert!(fcntl_getfd(&again).unwrap().contains(FdFlags::CLOEXEC));
        let writable = again.mmap_with(iomd::MmapOptions::default());
        assert_eq!(writable.err().map(|error| error.errno()), read_only.then_some(Errno::ACCESS));

        let user = User::of(&again);
        drop(map);
        assert_eq!(user.read(0), OLD, "a handle is left");
        again.redirect(&painted(1, NEW)).run().unwrap();
        assert_eq!(user.read(0), NEW);
        drop(again);
        user.begin_read(0);
        assert_bus(user);
    }
}

#[test]
fn an_ended_map_can_be_reopened() {
    let map = unique(&painted(1, OLD));
    map.unmap().unwrap();
    let again = map.reopen().unwrap();
    assert!(again.info().unwrap().ended);
    assert_eq!(again.mmap().unwrap_err().errno(), Errno::NODEV);
}

#[test]
fn reopening_is_refused_in_every_way() {
    let map = unique(&painted(1, OLD));
    let argument = sys::iomd_map_reopen {
        size: raw::size::<sys::iomd_map_reopen>(),
        fd: -7,
        ..Default::default()
    };
    let files = open_files();
    let refused = |argument| raw::refused(&map, sys::IOMD_MAP_REOPEN, argument);
    for bit in 0..32 {
        let flag = 1 << bit;
        assert_eq!(refused(sys::iomd_map_reopen { flags: flag, ..argument }), Errno::INVAL);
        assert_eq!(refused(sys::iomd_map_reopen { padding: flag, ..argument }), Errno::INVAL);
    }
    let size = argument.size - 1;
    assert_eq!(refused(sys::iomd_map_reopen { size, ..argument }), Errno::INVAL);
    assert_eq!(open_files(), files);

    for file in [painted(1, OLD).as_fd(), client().as_fd()] {
        assert_eq!(raw::refused(file, sys::IOMD_MAP_REOPEN, argument), Errno::NOTTY);
    }
    let child = Child::fork(|_| {
        let full = Rlimit { current: Some(0), maximum: Some(0) };
        setrlimit(Resource::Nofile, full).unwrap();
        assert_eq!(raw::refused(&map, sys::IOMD_MAP_REOPEN, argument), Errno::MFILE);
        assert_eq!(map.reopen().unwrap_err().errno(), Errno::MFILE);
    });
    child.succeed();
}
