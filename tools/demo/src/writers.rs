// SPDX-License-Identifier: MIT OR Apache-2.0

//! The threads that use the database all the time.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::{Result, anyhow, ensure};

use crate::bank::Bank;

/// Threads that commit one transaction after the other.
pub struct Writers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<Result<u64>>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    transactions: u64,
    ended: bool,
    stop: bool,
}

impl Writers {
    /// Starts so many.
    pub fn start(bank: &Arc<Bank>, count: u64) -> Self {
        let shared = Arc::<Shared>::default();
        let threads = (0..count)
            .map(|writer| {
                let (bank, ending) = (bank.clone(), Ending(shared.clone()));
                thread::spawn(move || ending.0.write(&bank, writer))
            })
            .collect();
        Self { shared, threads }
    }

    /// Waits until they have committed so many transactions together, and tells how many they have.
    pub fn wait_for(&self, transactions: u64) -> Result<u64> {
        let mut state = self.shared.lock();
        while state.transactions < transactions {
            ensure!(!state.ended, "a writer ended before its time");
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(state.transactions)
    }

    /// Stops them, and tells how many transactions each has committed.
    pub fn stop(self) -> Result<Vec<u64>> {
        self.shared.lock().stop = true;
        self.threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err(anyhow!("a writer panicked"))))
            .collect()
    }
}

impl Shared {
    /// One writer's life: how many transactions it committed until it was told to stop.
    fn write(&self, bank: &Bank, writer: u64) -> Result<u64> {
        let mut committed = 0;
        loop {
            bank.transfer(writer)?;
            committed += 1;
            let mut state = self.lock();
            state.transactions += 1;
            self.changed.notify_all();
            if state.stop {
                return Ok(committed);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells that a writer is gone, in whatever way it ends.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{MappedStorage, tests::memory};

    #[test]
    fn every_committed_transaction_is_in_the_ledger() {
        let bank = Arc::new(Bank::open(MappedStorage::new(memory(8 << 20))).unwrap());
        bank.fill("one symbol").unwrap();
        let writers = Writers::start(&bank, 3);
        let seen = writers.wait_for(10).unwrap();
        let committed = writers.stop().unwrap();
        assert!(committed.iter().sum::<u64>() >= seen);
        for (writer, count) in (0..).zip(committed) {
            assert_eq!(bank.committed(writer).unwrap(), count);
        }
    }

    #[test]
    fn a_writer_that_fails_is_noticed() {
        // Without accounts there is nothing to transfer.
        let bank = Arc::new(Bank::open(MappedStorage::new(memory(8 << 20))).unwrap());
        let writers = Writers::start(&bank, 1);
        assert!(writers.wait_for(1).is_err());
        assert!(writers.stop().is_err());
    }
}
