// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory that the kernel may take away.

use std::fmt;

use iomd_sys as sys;

use crate::call::{Argument, call};
use crate::error::Asked;
use crate::{Descriptor, Request, Result};

/// Whether a descriptor's memory may be taken away (`IOMemoryDescriptor::setPurgeable`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purgeable {
    /// It stays.
    NonVolatile,
    /// It may be taken, all of it at once, when the system or its memory cgroup is short of memory.
    Volatile,
    /// It was taken: whoever touches it gets `SIGBUS`.
    Empty,
    /// A number that this library has no name for.
    Other(u32),
}

impl From<u32> for Purgeable {
    fn from(number: u32) -> Self {
        match number {
            sys::IOMD_PURGEABLE_NON_VOLATILE => Self::NonVolatile,
            sys::IOMD_PURGEABLE_VOLATILE => Self::Volatile,
            sys::IOMD_PURGEABLE_EMPTY => Self::Empty,
            other => Self::Other(other),
        }
    }
}

impl Purgeable {
    fn number(self) -> u32 {
        match self {
            Self::NonVolatile => sys::IOMD_PURGEABLE_NON_VOLATILE,
            Self::Volatile => sys::IOMD_PURGEABLE_VOLATILE,
            Self::Empty => sys::IOMD_PURGEABLE_EMPTY,
            Self::Other(number) => number,
        }
    }
}

impl fmt::Display for Purgeable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NonVolatile => f.write_str("non-volatile"),
            Self::Volatile => f.write_str("volatile"),
            Self::Empty => f.write_str("empty"),
            Self::Other(number) => write!(f, "of state {number}"),
        }
    }
}

impl Descriptor {
    /// Lets the kernel take the memory, or no more, or takes it now (`setPurgeable`); returns what
    /// it was before.
    ///
    /// * [`Volatile`](Purgeable::Volatile): the memory is used as ever, until the kernel needs it.
    ///   Then all of it goes at once, without a word, and the state is `Empty`. Pages that are held
    ///   for I/O keep it from that.
    /// * [`Empty`](Purgeable::Empty): it goes now.
    /// * [`NonVolatile`](Purgeable::NonVolatile): it stays. If the answer is `Empty`, it was gone,
    ///   and is zeros now: what was in it has to be made again. That is the only way out of `Empty`.
    ///
    /// ```no_run
    /// # fn make(_: &iomd::Mapping) {}
    /// # fn main() -> iomd::Result<()> {
    /// use iomd::Purgeable;
    ///
    /// let cache = iomd::Client::open()?.buffer(1 << 20)?;
    /// let memory = cache.map().create()?.mmap()?;
    /// make(&memory);
    /// cache.set_purgeable(Purgeable::Volatile)?;
    /// // Later, when it is needed again:
    /// if cache.set_purgeable(Purgeable::NonVolatile)? == Purgeable::Empty {
    ///     make(&memory);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `EACCES` if this file descriptor is read-only; `EPERM` if a map of the memory is sealed;
    /// `EBUSY` for `Empty` while a page is held for I/O or the memory is being copied; `ENOMEM` if
    /// there is none to give back. Nothing is changed then.
    pub fn set_purgeable(&self, state: Purgeable) -> Result<Purgeable> {
        let argument = sys::iomd_set_purgeable { state: state.number(), ..Argument::sized() };
        let answer = call(self, argument).asked(|| Request::SetPurgeable { state })?;
        Ok(answer.old_state.into())
    }
}
