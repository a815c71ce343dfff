// SPDX-License-Identifier: GPL-2.0

//! The gate of a map: whether accesses get at what it shows.
//!
//! It works together with a lock around what is shown, and with a queue of those who wait:
//!
//! - Whoever changes what is shown [closes](Gate::close) the gate, and then has the lock for writing once,
//!   or [drains](super::big_reader::Count::has_drained) it: those who [entered](Gate::enter) before have left
//!   then, and nobody enters until he opens it.
//! - Who fails to enter gets on the queue, looks again whether the gate [lets him
//!   pass](Gate::lets_pass), and sleeps if not. Whoever opens the gate wakes all after it.

use super::atomic::{Acquire, Atomic, Relaxed, Release};

/// See the module's documentation. Changed by one at a time.
pub struct Gate {
    closed: Atomic<bool>,
    /// The number of the address space that passes all the same; 0 for none.
    safe: Atomic<usize>,
}

impl Gate {
    /// An open gate.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self {
            closed: Atomic::new(false),
            safe: Atomic::new(0),
        }
    }

    /// Whether accesses from there pass.
    #[inline]
    pub fn lets_pass(&self, address_space: usize) -> bool {
        !self.closed.load(Acquire) || self.safe.load(Acquire) == address_space
    }

    /// Whether there is an access that passes.
    pub fn passes_some(&self) -> bool {
        !self.closed.load(Relaxed) || self.safe.load(Relaxed) != 0
    }

    /// Whether not all pass.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Acquire)
    }

    /// Passes, if an access from there does, with the lock that `try_lock` takes for reading. As long as
    /// he has it, whoever closes the gate waits for him.
    #[inline(always)]
    pub fn enter<L>(
        &self,
        address_space: usize,
        try_lock: impl FnOnce() -> Option<L>,
    ) -> Option<L> {
        let lock = try_lock()?;

        // Only now: closed, and all zapped perhaps, before we had the lock?
        self.lets_pass(address_space).then_some(lock)
    }

    /// Nobody passes any more. Whoever is in leaves the lock: drain it.
    pub fn close(&self) {
        self.safe.store(0, Relaxed);
        self.closed.store(true, Release);
    }

    /// All pass. Those who wait are to be woken.
    pub fn open(&self) {
        self.closed.store(false, Release);
    }

    /// Accesses from there pass a closed gate, and no others. Those who wait are to be woken.
    pub fn spare(&self, address_space: usize) {
        self.safe.store(address_space, Release);
    }
}

/// Every order of what two or three threads do, as far as loom's memory model allows them.
#[cfg(test)]
mod tests {
    use super::*;
    use loom::{
        sync::{Arc, Condvar, Mutex, RwLock},
        thread,
    };

    const SAFE: usize = 1;
    const OTHER: usize = 2;

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Memory {
        Old,
        New,
    }

    /// As much of a map as belongs to the protocol.
    struct Map {
        gate: Gate,
        state: RwLock<Memory>,
        /// The page table's entry, with its lock.
        entry: Mutex<Option<Memory>>,
        queue: Mutex<()>,
        woken: Condvar,
    }

    impl Map {
        fn new() -> Arc<Self> {
            Arc::new(Self {
                gate: Gate::new(),
                state: RwLock::new(Memory::Old),
                entry: Mutex::new(None),
                queue: Mutex::new(()),
                woken: Condvar::new(),
            })
        }

        fn close(&self) {
            self.gate.close();
            drop(self.state.write().unwrap());
        }

        fn wake_all(&self) {
            let _queue = self.queue.lock().unwrap();
            self.woken.notify_all();
        }

        fn redirect(&self) {
            self.close();
            *self.entry.lock().unwrap() = None;
            *self.state.write().unwrap() = Memory::New;
            self.gate.open();
            self.wake_all();
        }

        /// Sleeps as `os::wait::WaitQueue` does: on the queue first, then the look.
        fn wait(&self, address_space: usize) {
            let queue = self.queue.lock().unwrap();
            if !self.gate.lets_pass(address_space) {
                drop(self.woken.wait(queue).unwrap());
            }
        }

        /// Faults until the entry is there.
        fn access(&self, address_space: usize) {
            while !self.fault(address_space) {
                self.wait(address_space);
                thread::yield_now();
            }
        }

        fn fault(&self, address_space: usize) -> bool {
            let entered = self
                .gate
                .enter(address_space, || self.state.try_read().ok());
            let Some(memory) = entered else {
                return false;
            };
            self.entry.lock().unwrap().get_or_insert(*memory);
            true
        }
    }

    fn spawn(map: &Arc<Map>, run: impl FnOnce(&Map) + 'static) -> thread::JoinHandle<()> {
        let map = map.clone();
        thread::spawn(move || run(&map))
    }

    #[test]
    fn no_entry_of_the_old_memory_outlives_a_redirect() {
        loom::model(|| {
            let map = Map::new();
            let access = spawn(&map, |map| map.access(OTHER));

            map.redirect();
            assert_ne!(*map.entry.lock().unwrap(), Some(Memory::Old));
            access.join().unwrap();
            assert_ne!(*map.entry.lock().unwrap(), Some(Memory::Old));
        });
    }

    /// loom aborts where all threads sleep.
    #[test]
    fn no_wake_up_is_lost_by_two_who_wait() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(|| {
            let map = Map::new();
            map.close();
            let accesses = [(); 2].map(|()| spawn(&map, |map| map.access(OTHER)));

            map.gate.open();
            map.wake_all();
            for access in accesses {
                access.join().unwrap();
            }
        });
    }

    #[test]
    fn the_safe_address_space_passes_and_no_other() {
        loom::model(|| {
            let map = Map::new();
            map.close();
            let safe = spawn(&map, |map| map.access(SAFE));

            map.gate.spare(SAFE);
            assert!(!map.fault(OTHER));
            map.wake_all();
            safe.join().unwrap();
        });
    }

    /// A gate that its visitors look at once.
    #[test]
    #[should_panic(expected = "left != right")]
    fn or_else_the_first_test_sees_it() {
        loom::model(|| {
            let map = Map::new();
            let access = spawn(&map, |map| {
                if map.gate.lets_pass(OTHER) {
                    if let Ok(memory) = map.state.try_read() {
                        map.entry.lock().unwrap().get_or_insert(*memory);
                    }
                }
            });

            map.redirect();
            assert_ne!(*map.entry.lock().unwrap(), Some(Memory::Old));
            access.join().unwrap();
            assert_ne!(*map.entry.lock().unwrap(), Some(Memory::Old));
        });
    }
}
