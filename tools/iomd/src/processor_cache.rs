// SPDX-License-Identifier: MIT OR Apache-2.0

//! The processors' caches, for devices that do not see them.

use std::fmt;

use iomd_sys as sys;

use crate::call::{Argument, call};
use crate::error::Asked;
use crate::{Descriptor, Request, Result, Task};

/// What is done to the processors' caches (`kIOMemoryIncoherentIO…`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// What they have is written to memory, and dropped.
    Flush,
    /// What they have is written to memory.
    Store,
    /// A number that this library has no name for.
    Other(u32),
}

impl Operation {
    fn number(self) -> u32 {
        match self {
            Self::Flush => sys::IOMD_OPERATION_FLUSH,
            Self::Store => sys::IOMD_OPERATION_STORE,
            Self::Other(number) => number,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flush => f.write_str("flush"),
            Self::Store => f.write_str("store"),
            Self::Other(number) => write!(f, "operation {number}"),
        }
    }
}

impl Descriptor {
    /// Does this to what the processors' caches have of `length` bytes from `offset` on; 0 = of all
    /// that follows (`performOperation`). Memory that is not there yet is in no cache.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP` for an operation that the kernel does not know; `EOVERFLOW`, `ERANGE` if the range
    /// reaches beyond the descriptor; `ENODATA` if the memory was taken away; `EINTR` if killed.
    pub fn perform_operation(&self, operation: Operation, offset: u64, length: u64) -> Result<()> {
        let number = operation.number();
        let argument =
            sys::iomd_perform_operation { operation: number, offset, length, ..Argument::sized() };
        call(self, argument).map(drop).asked(|| Request::PerformOperation {
            operation,
            offset,
            length,
        })
    }
}

impl Task {
    /// Writes what the processors' caches have of `length` bytes at `address` in the task to memory,
    /// and drops it from them (`IOFlushProcessorCache`).
    ///
    /// # Errors
    ///
    /// `ESRCH` if the task is dead; `EOVERFLOW` if the end is no address; `EFAULT` if nothing is mapped
    /// at some of them; `EINTR` if killed.
    pub fn flush_processor_cache(&self, address: u64, length: u64) -> Result<()> {
        let argument = sys::iomd_flush_processor_cache { address, length, ..Argument::sized() };
        call(self, argument).map(drop).asked(|| Request::FlushProcessorCache { address, length })
    }
}
