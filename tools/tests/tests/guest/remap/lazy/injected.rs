// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory that runs out on the way.

use iomd::Errno;
use rustix::process::Signal;

use super::{Own, TAG, assert_painted, mapped, memory, place, taken, unmap};
use crate::support::failing::Failing;
use crate::support::{Child, End, PAGE, objects, signals};

/// More allocations than anything here makes.
const MANY: u32 = 500;

#[test]
#[ignore = "needs the debug kernel"]
fn a_write_of_the_source_is_never_the_one_to_suffer() {
    let mut lost = 0;
    for nth in 1..MANY {
        let source = memory(3);
        let region = mapped(&source);
        let own = Own::new();
        let copy = own.copy(region);
        assert_eq!(copy.read(0), TAG);
        let failing = Failing::in_module();
        let ((), failed) = failing.during(nth, || region.write(PAGE, 1));
        assert_eq!(region.read(PAGE), 1);
        assert_eq!(copy.read(0), TAG, "it keeps what it has");
        if taken(copy) == 1 {
            // What it lacks is lost, and nothing else is in its place.
            for page in 1..3 {
                let child = Child::fork(|_| {
                    signals::die_of(Signal::BUS);
                    copy.read(page * PAGE);
                });
                assert_eq!(child.end(), End::Killed(Signal::BUS), "allocation {nth}");
            }
            let refused = own.remap(copy).copy(true).run().unwrap_err();
            assert_eq!(refused.errno(), Errno::IO);
            lost += 1;
        } else {
            assert_painted(copy, TAG);
        }
        unmap([region, copy]);
        if !failed {
            println!("a write of what is copied: {lost} of {} allocations lose the copy", nth - 1);
            assert_ne!(lost, 0);
            return;
        }
    }
    panic!("a write: {MANY} allocations");
}

#[test]
#[ignore = "needs the debug kernel"]
fn a_touch_of_the_copy_is_sigbus_once() {
    let mut died = 0;
    for nth in 1..MANY {
        let source = memory(2);
        let region = mapped(&source);
        let copy = Own::new().copy(region);
        let child = Child::fork(|parent| {
            let failing = Failing::in_module();
            signals::die_of(Signal::BUS);
            let (word, failed) = failing.during(nth, || copy.read(PAGE));
            parent.say(word);
            parent.say(u64::from(failed));
        });
        let done = child.listen().map(|word| (word, child.hear() != 0));
        if let Some((word, _)) = done {
            assert_eq!(word, TAG + 1);
            child.succeed();
        } else {
            assert_eq!(child.end(), End::Killed(Signal::BUS));
            assert_eq!(taken(copy), 0);
            died += 1;
        }
        assert_painted(copy, TAG);
        unmap([region, copy]);
        if matches!(done, Some((_, false))) {
            println!("a touch of a copy: of {} allocations {died} must not fail", nth - 1);
            assert_ne!(died, 0);
            return;
        }
    }
    panic!("a touch: {MANY} allocations");
}

#[test]
#[ignore = "needs the debug kernel"]
fn a_copy_without_memory_is_made_at_once_or_refused() {
    let source = memory(2);
    let region = mapped(&source);
    let own = Own::new();
    for nth in 1..MANY {
        let before = objects();
        let failing = Failing::anywhere();
        let (copy, failed) = failing.during(nth, || own.remap(region).copy(true).run());
        match copy {
            Ok(copy) => {
                let copy = place(copy, region.len());
                assert_painted(copy, TAG);
                unmap([copy]);
            }
            Err(error) => assert_eq!(error.errno(), Errno::NOMEM, "allocation {nth}"),
        }
        assert_eq!(objects(), before, "allocation {nth}");
        region.write(0, TAG);
        if !failed {
            unmap([region]);
            return;
        }
    }
    panic!("a copy: {MANY} allocations");
}
