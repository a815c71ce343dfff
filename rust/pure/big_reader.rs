// SPDX-License-Identifier: GPL-2.0

//! A big-reader lock's protocol: readers write what is their processor's alone, and a writer writes all
//! of it.
//!
//! - A reader counts himself [in](Count::enter) at one of the counts, where he learns whether readers are
//!   kept out. He counts himself [out](Count::leave) there either way.
//! - A writer [keeps readers out](Count::keep_out) at one count after the other, and then waits until there is
//!   nobody [left](Count::is_empty) at any.
//! - Who only waits for those who are in by now, and has told others to turn back, looks whether each count
//!   [has drained](Count::has_drained).

use super::atomic::{Acquire, Atomic, Full, Release};

/// Set in a count at which readers are kept out.
const KEPT_OUT: usize = 1 << (usize::BITS - 1);

/// How many readers there are that came by way of one processor, and whether more may.
pub struct Count(Atomic<usize>);

impl Count {
    /// None, and they may.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self(Atomic::new(0))
    }

    /// Whether the reader may read. He [leaves](Count::leave) either way.
    #[inline(always)]
    pub fn enter(&self) -> bool {
        self.0.fetch_add(1, Acquire) & KEPT_OUT == 0
    }

    /// Whether a writer may be waiting for that.
    #[inline(always)]
    pub fn leave(&self) -> bool {
        self.0.fetch_sub(1, Release) & KEPT_OUT != 0
    }

    /// Nobody enters here any more. To be called by one writer at a time.
    pub fn keep_out(&self) {
        self.0.fetch_add(KEPT_OUT, Acquire);
    }

    /// Whether nobody is in who entered here.
    pub fn is_empty(&self) -> bool {
        self.0.load(Acquire) & !KEPT_OUT == 0
    }

    /// Whether nobody is in who entered here before. Whoever enters later sees what the caller wrote until
    /// now.
    pub fn has_drained(&self) -> bool {
        // It is written, so that each reader's entry is before or after it.
        self.0.fetch_add(0, Full) & !KEPT_OUT == 0
    }

    /// Readers may enter again.
    pub fn let_in(&self) {
        self.0.fetch_sub(KEPT_OUT, Release);
    }
}

/// Every order of what two or three threads do, as far as loom's memory model allows them.
#[cfg(test)]
mod tests {
    use super::{super::gate::Gate, *};
    use loom::{
        cell::UnsafeCell,
        sync::{Arc, Condvar, Mutex},
        thread,
    };

    struct Lock {
        counts: [Count; 2],
        /// As in a map: who finds it closed when he is in turns back.
        gate: Gate,
        value: UnsafeCell<usize>,
        queue: Mutex<()>,
        drained: Condvar,
    }

    // SAFETY: That the value is changed by one, and read by nobody meanwhile, is what loom checks.
    unsafe impl Sync for Lock {}
    // SAFETY: As above.
    unsafe impl Send for Lock {}

    impl Lock {
        fn new() -> Arc<Self> {
            Arc::new(Self {
                counts: [Count::new(), Count::new()],
                gate: Gate::new(),
                value: UnsafeCell::new(0),
                queue: Mutex::new(()),
                drained: Condvar::new(),
            })
        }

        /// On one processor he enters, on the same he leaves; `None` if he is kept out, or the gate is
        /// closed.
        fn read(&self, processor: usize) -> Option<usize> {
            let count = &self.counts[processor];
            let value = (count.enter() && self.gate.lets_pass(1)).then(|| {
                // SAFETY: See above.
                self.value.with(|value| unsafe { *value })
            });

            if count.leave() {
                let _queue = self.queue.lock().unwrap();
                self.drained.notify_all();
            }
            value
        }

        fn write(&self) {
            self.alone(|| self.change());
        }

        fn change(&self) {
            // SAFETY: See above.
            self.value.with_mut(|value| unsafe { *value += 1 });
        }

        /// Has those turn back who come, and changes the value when all are out, who `is_out` says are.
        fn change_behind_gate(&self, is_out: fn(&Count) -> bool) {
            self.gate.close();
            if !self.counts.iter().all(is_out) {
                self.alone(|| ());
            }
            self.change();
        }

        /// Sleeps as `os::wait::WaitQueue` does: on the queue first, then the look.
        fn alone(&self, work: impl FnOnce()) {
            self.counts.iter().for_each(Count::keep_out);
            loop {
                let queue = self.queue.lock().unwrap();
                if self.counts.iter().all(Count::is_empty) {
                    break;
                }
                drop(self.drained.wait(queue).unwrap());
            }
            work();
            self.counts.iter().for_each(Count::let_in);
        }
    }

    /// loom finds a value that is read while it is written, and a writer who sleeps for ever.
    #[test]
    fn a_writer_is_alone_and_is_woken() {
        loom::model(|| {
            let lock = Lock::new();
            let reader = {
                let lock = lock.clone();
                thread::spawn(move || lock.read(1))
            };

            lock.write();
            assert!(matches!(reader.join().unwrap(), None | Some(0 | 1)));
            assert_eq!(lock.read(0), Some(1));
        });
    }

    #[test]
    fn readers_of_two_processors_are_both_waited_for() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(|| {
            let lock = Lock::new();
            let readers = [0, 1].map(|processor| {
                let lock = lock.clone();
                thread::spawn(move || lock.read(processor))
            });

            lock.write();
            for reader in readers {
                assert!(matches!(reader.join().unwrap(), None | Some(0 | 1)));
            }
        });
    }

    fn change_while_one_reads(is_out: fn(&Count) -> bool) {
        loom::model(move || {
            let lock = Lock::new();
            let reader = {
                let lock = lock.clone();
                thread::spawn(move || lock.read(1))
            };

            lock.change_behind_gate(is_out);
            assert!(matches!(reader.join().unwrap(), None | Some(0)));
        });
    }

    #[test]
    fn all_are_out_of_a_drained_count() {
        change_while_one_reads(Count::has_drained);
    }

    /// A look that writes nothing.
    #[test]
    #[should_panic]
    fn a_mere_look_misses_one() {
        change_while_one_reads(Count::is_empty);
    }

    /// A reader who looks before he counts himself in.
    #[test]
    #[should_panic]
    fn or_else_the_first_test_sees_it() {
        loom::model(|| {
            let lock = Lock::new();
            let reader = {
                let lock = lock.clone();
                thread::spawn(move || {
                    if lock.counts[1].0.load(Acquire) & KEPT_OUT == 0 {
                        lock.counts[1].enter();
                        // SAFETY: It is not sound, which loom is to find.
                        lock.value.with(|value| unsafe { *value });
                        lock.counts[1].leave();
                    }
                })
            };

            lock.write();
            reader.join().unwrap();
        });
    }
}
