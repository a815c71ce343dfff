// SPDX-License-Identifier: MIT OR Apache-2.0

//! Who the owner is, and who keeps it.

use std::os::fd::AsFd;

use iomd::IfAbandoned::{Resume, Sigbus, Stay};
use iomd::Map;
use rustix::process::Signal;

use super::{
    NEW, OLD, POLICIES, assert_abandoned, assert_live, assert_wait, idle, owner, owning_process,
    reader, suspend,
};
use crate::support::{Channel, Child, End, User, client, eventually, painted, unique};

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
