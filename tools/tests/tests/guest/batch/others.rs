// SPDX-License-Identifier: MIT OR Apache-2.0

//! Batches beside other calls.

use std::time::{Duration, Instant};

use iomd::{Client, Errno};
use rustix::process::Signal;

use super::{Arena, Maps, NEW, OLD, info};
use crate::support::{Child, End, LIMIT, buffer, client, painted, scaled};

#[test]
fn crossing_batches_do_not_hinder_each_other() {
    let arena = Arena::new();
    let [a, b] = &arena.maps;
    let memory = painted(1, NEW);
    let own = |work: &dyn Fn(&Client, usize)| {
        // Each with a client of its own.
        Child::fork(|_| {
            let client = Client::open().unwrap();
            for time in 0..scaled(3000) {
                work(&client, time as usize % 2);
            }
        })
    };
    let user = Child::fork(|parent| {
        let mappings = arena.maps.each_ref().map(|map| map.mmap().unwrap());
        while !parent.is_ready(Duration::ZERO) {
            mappings.each_ref().map(|mapping| mapping.load_u64(0));
        }
    });
    let workers = [
        own(&|client, next| {
            let [of_a, of_b] = arena.memories.each_ref().map(|pair| &pair[next]);
            client.batch().redirect(a, of_a).redirect(b, of_b).run().unwrap();
        }),
        own(&|client, next| {
            let [of_a, of_b] = arena.memories.each_ref().map(|pair| &pair[next]);
            client.batch().redirect(b, of_a).redirect(a, of_b).run().unwrap();
        }),
        // One memory for both, and a copy of it, which holds both maps as well.
        own(&|client, next| {
            if next == 0 {
                client.batch().redirect(b, &memory).redirect(a, &memory).run().unwrap();
            } else {
                memory.copy_to(&buffer(1)).run().unwrap();
            }
        }),
        own(&|_, _| {
            b.suspend().unwrap();
            b.resume().unwrap();
        }),
    ];
    workers.map(Child::succeed);
    user.say(0);
    user.succeed();
    for info in arena.maps.each_ref().map(info) {
        assert!(!info.suspended && !info.ended && info.waiters == 0);
    }
}

#[test]
fn a_batch_of_memory_being_copied_is_refused_whole() {
    // Long enough that it is being copied most of the time.
    const PAGES: usize = 1024;
    let client = client();
    let (source, target) = (painted(PAGES, NEW), buffer(PAGES));
    let maps = Maps::<2>::new();
    let before = maps.info();
    let copier = Child::fork(|parent| {
        parent.say(0);
        while !parent.is_ready(Duration::ZERO) {
            source.copy_to(&target).run().unwrap();
        }
    });
    copier.hear();
    let start = Instant::now();
    loop {
        let batch = client.batch().redirect(&maps.maps[0], &maps.new[0]);
        match batch.redirect(&maps.maps[1], &source).run() {
            Err(error) => {
                assert_eq!(error.errno(), Errno::BUSY);
                break;
            }
            Ok(_) => {
                let back = client.batch().redirect(&maps.maps[0], &maps.old[0]);
                back.redirect(&maps.maps[1], &maps.old[1]).run().unwrap();
            }
        }
        assert!(start.elapsed() < LIMIT, "the memory is never being copied");
    }
    copier.say(0);
    copier.succeed();
    maps.assert_show(OLD);
    for (before, after) in before.iter().zip(maps.info()) {
        assert_eq!(after.descriptor_id, before.descriptor_id);
        assert!(!after.suspended);
    }
}

#[test]
fn killed_controllers_leave_nothing_held() {
    let client = client();
    let arena = Arena::new();
    let [a, b] = &arena.maps;
    let endless = |work: &dyn Fn(&Client, usize)| {
        Child::fork(|parent| {
            let client = Client::open().unwrap();
            for time in 0_usize.. {
                work(&client, time % 2);
                if time == 10 {
                    parent.say(0);
                }
            }
        })
    };
    for _ in 0..scaled(20) {
        let controllers = [
            endless(&|client, next| arena.redirect(client, next)),
            endless(&|client, next| {
                let [of_a, of_b] = arena.memories.each_ref().map(|pair| &pair[next]);
                client.batch().redirect(b, of_a).redirect(a, of_b).run().unwrap();
            }),
        ];
        for controller in controllers {
            controller.hear();
            assert_eq!(controller.kill(), End::Killed(Signal::KILL));
        }
        arena.redirect(&client, 0);
        for (map, memory) in arena.maps.iter().zip(&arena.memories) {
            let info = info(map);
            assert!(!info.suspended);
            assert_eq!(info.descriptor_id, memory[0].id().unwrap());
        }
    }
    for descriptor in arena.memories.as_flattened() {
        assert!(descriptor.info().unwrap().maps <= 2, "a map and its window");
    }
}
