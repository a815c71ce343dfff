// SPDX-License-Identifier: GPL-2.0

//! Numbers that tell things apart. None is given twice, and none is 0.

use super::atomic::{Atomic, Relaxed};

/// Where numbers come from, in order.
pub struct Numbers {
    last: Atomic<u64>,
}

impl Numbers {
    /// Those after `last`.
    pub const fn after(last: Atomic<u64>) -> Self {
        Self { last }
    }

    /// The next; `None` when all have been given. They do not begin anew: who has one keeps it for himself.
    pub fn next(&self) -> Option<u64> {
        let mut last = self.last.load(Relaxed);

        loop {
            let next = last.checked_add(1)?;

            match self.last.cmpxchg(last, next, Relaxed) {
                Ok(_) => return Some(next),
                Err(now) => last = now,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use loom::{sync::Arc, thread};

    #[test]
    fn the_first_is_1() {
        loom::model(|| {
            let numbers = Numbers::after(Atomic::new(0));
            assert_eq!((numbers.next(), numbers.next()), (Some(1), Some(2)));
        });
    }

    #[test]
    fn after_the_last_there_is_none() {
        loom::model(|| {
            let numbers = Numbers::after(Atomic::new(u64::MAX - 1));
            assert_eq!(numbers.next(), Some(u64::MAX));
            assert_eq!((numbers.next(), numbers.next()), (None, None));
        });
    }

    #[test]
    fn who_asks_at_once_gets_another_or_none() {
        loom::model(|| {
            let numbers = Arc::new(Numbers::after(Atomic::new(u64::MAX - 3)));
            let other = {
                let numbers = numbers.clone();
                thread::spawn(move || [numbers.next(), numbers.next()])
            };
            let own = [numbers.next(), numbers.next()];
            let mut given: Vec<_> = own.into_iter().chain(other.join().unwrap()).collect();
            given.sort();
            let all = [None, Some(u64::MAX - 2), Some(u64::MAX - 1), Some(u64::MAX)];
            assert_eq!(given, all);
        });
    }
}
