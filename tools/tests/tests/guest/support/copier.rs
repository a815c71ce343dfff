// SPDX-License-Identifier: MIT OR Apache-2.0

//! A copy that is under way for as long as a test needs it to be.
//!
//! Nothing makes a copy stop in the middle. But who copies here has one processor, and that only while
//! nobody else wants it. Once the copy has begun, somebody wants it all the time.

use std::hint;

use iomd::{Copied, Descriptor};
use rustix::io::Errno;
use rustix::process::Signal;

use super::{Child, End, PAGE, run_on, scaled, soon, window};

/// Where the copy is made, if there are so many processors.
const PROCESSOR: usize = 1;

/// Pages enough for a copy to take longer than to notice that it has begun.
pub fn pages() -> usize {
    ((scaled(64).max(16) as usize) << 20) / PAGE
}

/// A process that copies, and stands still in the middle.
pub struct Copier {
    // Dropped first.
    rival: Child,
    child: Child,
}

impl Copier {
    /// Begins to copy all of the source. Until then the target's first page is to begin with something
    /// else.
    pub fn of(source: &Descriptor, target: &Descriptor) -> Self {
        Self::begin(target, || source.copy_to(target).run())
    }

    /// Begins a copy to that target, its first page included.
    #[track_caller]
    pub fn begin(target: &Descriptor, copy: impl FnOnce() -> iomd::Result<Copied>) -> Self {
        let window = window(target);
        let first = window.load_u64(0);
        let rival = Child::fork(|parent| {
            run_on(PROCESSOR);
            parent.hear();
            loop {
                hint::spin_loop();
            }
        });
        let child = Child::fork(|parent| {
            run_on(PROCESSOR);
            run_idly();
            let copied = copy();
            parent.say_outcome(copied.map(|copied| copied.maps).map_err(|error| error.errno()));
        });
        soon("the copy has begun", || window.load_u64(0) != first);
        rival.say(0);
        Self { rival, child }
    }

    /// Whether the copy is not over yet.
    pub fn is_under_way(&self) -> bool {
        self.child.is_silent()
    }

    /// Lets it go on to its end. How many maps were suspended for it.
    #[track_caller]
    pub fn finish(self) -> Result<u64, Errno> {
        let Self { rival, child } = self;
        rival.kill();
        let outcome = child.hear_outcome();
        child.succeed();
        outcome
    }

    /// Kills who copies.
    #[track_caller]
    pub fn kill(self) -> End {
        let Self { rival, child } = self;
        child.signal(Signal::KILL);
        rival.kill();
        child.end()
    }
}

/// From now on the calling thread runs while nobody else wants its processor.
fn run_idly() {
    let parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: the parameters are read only.
    let set = unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const parameters) };
    assert_eq!(set, 0, "whoever runs may do so idly");
}
