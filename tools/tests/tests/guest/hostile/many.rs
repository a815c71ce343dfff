// SPDX-License-Identifier: MIT OR Apache-2.0

//! Very many of everything; with `IOMD_TEST_SCALE=5`, five times as many.

use std::thread;
use std::time::Instant;

use iomd::Descriptor;
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::support::{Child, PAGE, await_waiters, client, objects, painted, scaled, unique};

const OLD: u64 = 0x0100;

#[test]
fn twenty_thousand_objects() {
    let wanted = scaled(20_000);
    let before = objects().len() as u64;
    let child = Child::fork(|_| {
        let limit = Some(wanted + 100);
        setrlimit(Resource::Nofile, Rlimit { current: limit, maximum: limit }).unwrap();
        let client = client();
        let began = Instant::now();
        let all: Vec<Descriptor> =
            (0..wanted).map(|_| client.sparse_buffer(PAGE as u64).unwrap()).collect();
        let made = began.elapsed();
        assert_eq!(objects().len() as u64, before + wanted);
        let listed = began.elapsed() - made;
        let ids: Vec<_> = [0, all.len() / 2, all.len() - 1].map(|at| all[at].id().unwrap()).into();
        assert!(ids.is_sorted());
        let began = Instant::now();
        drop(all);
        let closed = began.elapsed();
        println!("{wanted} objects: made in {made:?}, listed in {listed:?}, closed in {closed:?}");
    });
    child.succeed();
    assert_eq!(objects().len() as u64, before);
}

#[test]
fn two_thousand_tasks_wait_and_go_on() {
    const PROCESSES: u64 = 4;
    let threads = scaled(500);
    let map = unique(&painted(1, OLD));
    map.suspend().unwrap();
    let began = Instant::now();
    let children: Vec<_> = (0..PROCESSES)
        .map(|_| {
            Child::fork(|parent| {
                let memory = map.mmap().unwrap();
                thread::scope(|scope| {
                    for _ in 0..threads {
                        let waiter = thread::Builder::new().stack_size(4 * PAGE);
                        let wait = || assert_eq!(memory.load_u64(0), OLD);
                        waiter.spawn_scoped(scope, wait).expect("there may be so many");
                    }
                });
                parent.say(0);
            })
        })
        .collect();
    await_waiters(&map, PROCESSES * threads);
    let asleep = began.elapsed();
    let began = Instant::now();
    map.resume().unwrap();
    let resumed = began.elapsed();
    children.iter().for_each(|child| {
        child.hear();
    });
    let awake = began.elapsed();
    children.into_iter().for_each(Child::succeed);
    assert_eq!(map.info().unwrap().waiters, 0);
    println!(
        "{} tasks: asleep in {asleep:?}; resume took {resumed:?}, all had gone on after {awake:?}",
        PROCESSES * threads
    );
}
