// SPDX-License-Identifier: MIT OR Apache-2.0

//! Random calls, of which those are varied that ran through new code: a fuzzer that goes by KCOV.
//!
//! What it may find is in the kernel's log, with the program that did it before it: each is written
//! there as it begins. `IOMD_FUZZ_PROGRAM` runs one again. `IOMD_FUZZ_CALLS` says how many calls are to be
//! made, `IOMD_FUZZ_SEED` which.

mod program;
mod run;

use std::collections::BTreeSet;
use std::env;
use std::fs::OpenOptions;
use std::io::Write;

use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};

use crate::support::coverage::Coverage;
use crate::support::{eventually, module, objects};
use program::Program;

/// In `make test`.
const CALLS: usize = 600;

fn setting(name: &str) -> Option<u64> {
    let value = env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// The calling thread without the rights that would let it sleep in the kernel for ever, or take all
/// of the memory. They come back at the end.
struct Restrained(CapabilitySets);

impl Restrained {
    fn new() -> Self {
        let own = capabilities(None).expect("capabilities can be asked for");
        let effective = own.effective - CapabilitySet::SYS_PTRACE - CapabilitySet::IPC_LOCK;
        set_capabilities(None, CapabilitySets { effective, ..own }).expect("they are given up");
        Self(own)
    }
}

impl Drop for Restrained {
    fn drop(&mut self) {
        set_capabilities(None, self.0).expect("they were permitted all the time");
    }
}

#[test]
#[ignore = "needs the debug kernel"]
fn random_calls_do_no_harm() {
    let before = objects();
    let restrained = Restrained::new();
    let (coverage, module) = (Coverage::new(), module::addresses());
    let mut log = OpenOptions::new().write(true).open("/dev/kmsg").expect("root may");
    let mut random = fastrand::Rng::with_seed(setting("IOMD_FUZZ_SEED").unwrap_or(1));
    let wanted = setting("IOMD_FUZZ_CALLS").map_or(CALLS, |calls| calls as usize);
    let only: Option<Program> =
        env::var("IOMD_FUZZ_PROGRAM").ok().map(|text| text.parse().unwrap());
    let (mut seen, mut corpus) = (BTreeSet::new(), Vec::<Program>::new());
    let (mut calls, mut accepted, mut programs) = (0, 0, 0);
    while calls < wanted && (only.is_none() || programs == 0) {
        let program = only.clone().unwrap_or_else(|| Program::varied(&corpus, &mut random));
        writeln!(log, "<4>IOMD_FUZZ_PROGRAM={program}").expect("it is short");
        let result = run::run(&program, &coverage);
        calls += result.calls;
        accepted += result.accepted;
        programs += 1;
        let places: Vec<u64> = result.places.range(module.clone()).copied().collect();
        let known = seen.len();
        seen.extend(places);
        if seen.len() > known {
            corpus.push(program);
        }
        eventually("all that it made is gone", || objects() == before);
    }
    drop(restrained);
    println!(
        "fuzz: {calls} calls in {programs} programs, {accepted} accepted; {} programs ran through \
         something new",
        corpus.len()
    );
    for place in &seen {
        println!("fuzz place: {:x}", place - module.start);
    }
    assert!(accepted > calls / 20, "most calls get no further than their arguments");
}
