// SPDX-License-Identifier: GPL-2.0

//! Atomics: the kernel's in the module; in the crate's tests those of loom, which tries every order that
//! the memory model allows.

#[cfg(MODULE)]
pub use kernel::sync::atomic::{Acquire, Atomic, Full, Relaxed, Release};

#[cfg(not(MODULE))]
pub use host::*;

#[cfg(not(MODULE))]
#[allow(non_upper_case_globals)]
mod host {
    use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

    pub const Acquire: Ordering = Ordering::Acquire;
    pub const Relaxed: Ordering = Ordering::Relaxed;
    pub const Release: Ordering = Ordering::Release;
    /// The kernel's is stronger.
    pub const Full: Ordering = Ordering::AcqRel;

    /// What there are atomics of.
    pub trait AtomicType: Sized {
        type Atomic;

        fn new(value: Self) -> Self::Atomic;
        fn load(atomic: &Self::Atomic, order: Ordering) -> Self;
        fn store(atomic: &Self::Atomic, value: Self, order: Ordering);
        fn cmpxchg(
            atomic: &Self::Atomic,
            old: Self,
            new: Self,
            order: Ordering,
        ) -> Result<Self, Self>;
    }

    macro_rules! atomic_type {
        ($($type:ty: $atomic:ty),*) => {
            $(
                impl AtomicType for $type {
                    type Atomic = $atomic;

                    fn new(value: Self) -> Self::Atomic {
                        <$atomic>::new(value)
                    }

                    fn load(atomic: &Self::Atomic, order: Ordering) -> Self {
                        atomic.load(order)
                    }

                    fn store(atomic: &Self::Atomic, value: Self, order: Ordering) {
                        atomic.store(value, order);
                    }

                    fn cmpxchg(
                        atomic: &Self::Atomic,
                        old: Self,
                        new: Self,
                        order: Ordering,
                    ) -> Result<Self, Self> {
                        atomic.compare_exchange(old, new, order, Ordering::Relaxed)
                    }
                }
            )*
        };
    }

    atomic_type!(bool: AtomicBool, usize: AtomicUsize, u64: AtomicU64);

    /// As the kernel's type of that name.
    pub struct Atomic<T: AtomicType>(T::Atomic);

    impl<T: AtomicType> Atomic<T> {
        pub fn new(value: T) -> Self {
            Self(T::new(value))
        }

        pub fn load(&self, order: Ordering) -> T {
            T::load(&self.0, order)
        }

        pub fn store(&self, value: T, order: Ordering) {
            T::store(&self.0, value, order);
        }

        pub fn cmpxchg(&self, old: T, new: T, order: Ordering) -> Result<T, T> {
            T::cmpxchg(&self.0, old, new, order)
        }
    }

    impl Atomic<usize> {
        pub fn fetch_add(&self, more: usize, order: Ordering) -> usize {
            self.0.fetch_add(more, order)
        }

        pub fn fetch_sub(&self, less: usize, order: Ordering) -> usize {
            self.0.fetch_sub(less, order)
        }
    }
}
