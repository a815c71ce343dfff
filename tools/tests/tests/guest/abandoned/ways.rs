// SPDX-License-Identifier: MIT OR Apache-2.0

//! The ways in which an owner comes to be gone, and what who waits finds then.

use std::convert::Infallible;
use std::os::unix::process::CommandExt;
use std::process::Command;

use iomd::IfAbandoned::{Resume, Sigbus, Stay};
use iomd::{Errno, IfAbandoned, Map};
use rustix::process::Signal;

use super::{
    NEW, OLD, POLICIES, assert_abandoned, assert_bus, assert_expired, assert_live, assert_wait,
    owner, owning_process, reader, until_told,
};
use crate::support::kernel_mode::{self, ACCESSES, DONE};
use crate::support::{
    Child, End, User, await_waiters, client, painted, unique, unique_shared, window,
};

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
