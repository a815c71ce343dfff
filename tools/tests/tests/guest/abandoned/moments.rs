// SPDX-License-Identifier: MIT OR Apache-2.0

//! An owner that goes while something else is about to happen.

use std::time::Duration;

use iomd::IfAbandoned::{Resume, Sigbus, Stay};
use iomd::{Deadline, Errno, Map};

use super::{
    OLD, POLICIES, assert_abandoned, assert_bus, assert_expired, assert_live, idle, owner, reader,
    suspend,
};
use crate::support::{
    Child, User, buffer, client, eventually, painted, scaled, unique, unique_shared,
};

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
