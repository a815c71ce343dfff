// SPDX-License-Identifier: MIT OR Apache-2.0

//! Pagers at work.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use iomd::{Map, Mapping};

use super::{OLD, resume, suspend};
use crate::support::{
    Child, PAGE, Region, User, client, painted, scaled, unique, unique_shared, window,
};

/// The word that a page of the supplied memory begins with.
fn word(page: u64) -> u64 {
    page * 0x0001_0001 + 0x5eed
}

/// Supplies pages of a map through a window of it, in chunks, as they are waited for, until the map
/// ends. How many it supplied.
fn serve(map: &Map, window: &Mapping, chunk: u64) -> usize {
    let mut present = HashSet::new();
    loop {
        let waits = map.waits().expect("a map tells who waits");
        if waits.is_empty() {
            return present.len();
        }
        for wait in waits {
            let first = wait.offset / PAGE as u64 / chunk * chunk;
            // Once: it may have been written to since.
            if present.insert(first) {
                for page in first..first + chunk {
                    window.store_u64(page as usize * PAGE, word(page));
                }
                resume(map, first as usize, chunk as usize);
            }
        }
    }
}

#[test]
fn processes_use_memory_that_comes_when_they_touch_it() {
    const PAGES: u64 = (1 << 30) / PAGE as u64;
    let memory = client().sparse_buffer(PAGES * PAGE as u64).unwrap();
    let map = unique_shared(&memory);
    let inside = window(&memory);
    map.suspend().unwrap();
    let users = [1, 2, 3].map(|seed| {
        Child::fork(|parent| {
            let region = Region::from(map.mmap().unwrap());
            parent.say(0);
            parent.hear();
            let mut random = fastrand::Rng::with_seed(seed);
            for _ in 0..scaled(300) {
                let page = random.u64(..PAGES);
                assert_eq!(region.read(page as usize * PAGE), word(page));
                // Its own word of the page.
                let mine = page as usize * PAGE + 8 * seed as usize;
                let before = region.read(mine);
                region.write(mine, before + 1);
                assert_eq!(region.read(mine), before + 1);
            }
        })
    });
    for user in &users {
        user.hear();
    }
    let chunks = thread::scope(|scope| {
        let pager = scope.spawn(|| serve(&map, &inside, 4));
        for user in &users {
            user.say(0);
        }
        users.map(Child::succeed);
        map.unmap().unwrap();
        pager.join().unwrap()
    });
    assert!(chunks as u64 <= 3 * scaled(300), "each is supplied once");
    assert_eq!(memory.info().unwrap().resident, chunks as u64 * 4 * PAGE as u64);
}

#[test]
fn nothing_is_written_to_a_page_that_is_held() {
    // A pager that takes pages away has to know that what it saves is the last there was.
    let memory = painted(3, OLD);
    let map = unique_shared(&memory);
    let inside = window(&memory);
    let writer = Child::fork(|parent| {
        let region = Region::from(map.mmap().unwrap());
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for page in 0..3 {
                let stop = &stop;
                scope.spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        let value = region.read(page * PAGE + 8);
                        region.write(page * PAGE + 8, value + 1);
                    }
                });
            }
            parent.say(0);
            parent.hear();
            stop.store(true, Ordering::Relaxed);
        });
    });
    writer.hear();
    let mut last = 0;
    for _ in 0..scaled(500) {
        suspend(&map, 1, 1);
        let saved = inside.load_u64(PAGE + 8);
        assert!(saved >= last);
        // Others write on all the while; this one waits.
        let other = inside.load_u64(8);
        crate::support::soon("the others write", || inside.load_u64(8) != other);
        assert_eq!(inside.load_u64(PAGE + 8), saved);
        // What was saved comes back elsewhere than in the page: here it is only marked.
        inside.store_u64(PAGE + 8, saved + 1000);
        resume(&map, 1, 1);
        last = saved + 1000;
        crate::support::soon("the page is used again", || inside.load_u64(PAGE + 8) > last);
    }
    writer.say(0);
    writer.succeed();
}

#[test]
fn two_pagers_share_the_work() {
    const PAGES: u64 = 64;
    let memory = client().sparse_buffer(PAGES * PAGE as u64).unwrap();
    let map = unique(&memory);
    let inside = window(&memory);
    map.suspend().unwrap();
    let users: Vec<User> = (0..4).map(|_| User::of(&map)).collect();
    let served: usize = thread::scope(|scope| {
        let pagers = [(); 2].map(|()| scope.spawn(|| serve(&map, &inside, 1)));
        for page in 0..PAGES {
            // Each page by one user, so that each is told of to one pager.
            let user = &users[page as usize % users.len()];
            user.begin_read(page as usize * PAGE);
            assert_eq!(user.finish(), word(page));
        }
        map.unmap().unwrap();
        pagers.map(|pager| pager.join().unwrap()).iter().sum()
    });
    assert_eq!(served as u64, PAGES);
}
