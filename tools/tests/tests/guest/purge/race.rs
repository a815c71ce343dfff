// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whoever touches memory while it is being taken sees what is in it, or is refused: never zeros,
//! before its user was told that it was gone.

use iomd::{Descriptor, Errno, Mapping, Purgeable};
use rustix::process::Signal;

use super::{TAG, set, squeeze};
use crate::support::{Child, End, PAGE, Region, client, run_on, scaled, unique_shared, window};

const PAGES: usize = 8;

/// Makes each page begin with that word.
fn fill(mapping: &Mapping, word: u64) {
    for page in 0..PAGES {
        mapping.store_u64(page * PAGE, word);
    }
}

/// A process that reads the memory without end, and is killed by SIGBUS when it is gone. It exits
/// with a status when it has read anything but `word`.
fn reader(mapping: &Mapping, word: u64, ready: &Mapping) -> Child {
    Child::fork(|_| {
        run_on(1);
        let region = Region::from(mapping);
        ready.store_u64(0, 1);
        loop {
            for page in 0..PAGES {
                assert_eq!(region.read(page * PAGE), word, "page {page}");
            }
        }
    })
}

fn memory(sparse: bool) -> Descriptor {
    let bytes = (PAGES * PAGE) as u64;
    if sparse { client().sparse_buffer(bytes).unwrap() } else { client().buffer(bytes).unwrap() }
}

#[test]
fn nobody_reads_zeros_instead_of_data() {
    let flags = client().sparse_buffer(PAGE as u64).unwrap();
    let flags = unique_shared(&flags);
    let ready = flags.mmap().unwrap();
    run_on(0);
    for round in 0..scaled(100) {
        let memory = memory(round % 2 == 0);
        let map = unique_shared(&memory);
        let mapping = map.mmap().unwrap();
        let word = TAG + round;
        fill(&mapping, word);
        ready.store_u64(0, 0);
        let reader = reader(&mapping, word, &ready);
        while ready.load_u64(0) == 0 {
            std::hint::spin_loop();
        }
        assert_eq!(set(&memory, Purgeable::Volatile), Ok(Purgeable::NonVolatile));
        // Taken by the kernel, or by who has it.
        if round % 3 == 0 {
            while set(&memory, Purgeable::Empty).is_err() {}
        } else {
            squeeze();
        }
        assert_eq!(reader.end(), End::Killed(Signal::BUS), "round {round}");
        assert_eq!(set(&memory, Purgeable::NonVolatile), Ok(Purgeable::Empty));
        for page in 0..PAGES {
            assert_eq!(mapping.load_u64(page * PAGE), 0, "page {page}, round {round}");
        }
    }
}

#[test]
fn what_is_kept_in_time_is_whole() {
    // The kernel takes what it can, while the user goes from state to state.
    let squeezer = Child::fork(|parent| {
        run_on(1);
        parent.say(0);
        loop {
            squeeze();
        }
    });
    squeezer.hear();
    run_on(0);
    let memories = [memory(false), memory(true)];
    let mappings = memories.each_ref().map(window);
    let (mut round, mut taken) = (0, 0);
    // Rounds in which nothing was taken prove nothing.
    let rounds = scaled(2000);
    while round < rounds || taken == 0 && round < 100 * rounds {
        round += 1;
        for (memory, mapping) in memories.iter().zip(&mappings) {
            let word = TAG + round;
            fill(mapping, word);
            set(memory, Purgeable::Volatile).unwrap();
            for _ in 0..round % 64 {
                std::hint::spin_loop();
            }
            let expected = match set(memory, Purgeable::NonVolatile).unwrap() {
                Purgeable::Volatile => word,
                Purgeable::Empty => {
                    taken += 1;
                    0
                }
                other => panic!("it was {other}"),
            };
            for page in 0..PAGES {
                assert_eq!(mapping.load_u64(page * PAGE), expected, "page {page}, round {round}");
            }
        }
    }
    assert_ne!(taken, 0, "nothing was taken in any round");
    squeezer.kill();
}

#[test]
fn many_may_change_it_at_once() {
    const STATES: [Purgeable; 3] = [Purgeable::NonVolatile, Purgeable::Volatile, Purgeable::Empty];
    let memories = [memory(false), memory(true)];
    let mut children: Vec<_> = (0..3_usize)
        .map(|number| {
            Child::fork(|parent| {
                parent.say(0);
                for round in 0..scaled(1000) as usize {
                    for memory in &memories {
                        // Each in an order of its own.
                        let wanted = STATES[round * (number + 1) % STATES.len()];
                        match set(memory, wanted) {
                            // Somebody's system call is in the middle of its work.
                            Err(Errno::BUSY) => assert_eq!(wanted, Purgeable::Empty),
                            outcome => assert!(STATES.contains(&outcome.unwrap())),
                        }
                    }
                }
            })
        })
        .collect();
    for child in &children {
        child.hear();
    }
    squeeze();
    while let Some(child) = children.pop() {
        child.succeed();
    }
    for memory in &memories {
        set(memory, Purgeable::NonVolatile).unwrap();
        let window = window(memory);
        fill(&window, TAG);
        assert_eq!(memory.info().unwrap().resident, (PAGES * PAGE) as u64);
    }
}
