// SPDX-License-Identifier: GPL-2.0

//! System calls on the files of iomd: what user space says is copied in and checked here, once,
//! into types that cannot be wrong; what comes out is copied back. No memory work.
//!
//! One file per kind of file: [`client`] is an open /dev/iomd, [`descriptor`] and [`map`] are
//! handles of those objects, [`static_map`] is a map of a mapping that was there already, [`task`] is
//! the right to an address space, [`debugfs`] is for root to look at. Calls that take more than a few lines
//! have files of their own.

mod argument;
mod buffer;
mod by_id;
mod bytes;
pub(crate) mod client;
mod composite;
pub(crate) mod debugfs;
mod descriptor;
mod dma_buf;
mod existing;
mod features;
mod foreign;
mod handle;
mod into_task;
mod map;
mod map_info;
mod mapped;
mod prepare;
mod processor_cache;
mod properties;
mod purge;
mod redirect;
mod remap;
mod static_map;
mod task;
mod wire;

use crate::{
    os::{cache, wait::Deadline},
    pure::{
        direction::Direction,
        options::{OptionsError, HONOURED_CACHES, WRITE_BACK_CACHES},
        range::{RangeError, PAGE_SIZE},
    },
    suspension::Abandoned,
};
use kernel::prelude::*;

impl From<RangeError> for Error {
    fn from(error: RangeError) -> Self {
        match error {
            RangeError::Empty | RangeError::Misaligned => EINVAL,
            RangeError::Overflow => EOVERFLOW,
            RangeError::OutOfRange => ERANGE,
        }
    }
}

impl From<OptionsError> for Error {
    fn from(error: OptionsError) -> Self {
        match error {
            OptionsError::Unknown | OptionsError::Guards => EINVAL,
            OptionsError::Unsupported => EOPNOTSUPP,
        }
    }
}

/// The cache modes that this machine has, as a bit each.
fn cache_modes() -> u32 {
    if cache::has_modes() {
        HONOURED_CACHES
    } else {
        WRITE_BACK_CACHES
    }
}

/// Refuses unknown flags.
fn check_flags(flags: u32, known: u32) -> Result {
    if flags & !known == 0 {
        Ok(())
    } else {
        Err(EINVAL)
    }
}

/// A direction, from its number.
fn direction(number: u32) -> Result<Direction> {
    Direction::from_number(number).ok_or(EINVAL)
}

/// Refuses padding that may mean something one day.
fn check_padding(padding: u32) -> Result {
    if padding == 0 {
        Ok(())
    } else {
        Err(EINVAL)
    }
}

/// The end of a suspension's patience; 0 is none.
fn deadline(nanoseconds: u64) -> Result<Deadline> {
    match nanoseconds {
        0 => Ok(Deadline::NEVER),
        nanoseconds => Deadline::new(nanoseconds),
    }
}

/// How long a task may take to do what it is asked to, unless the caller says: far longer than it takes
/// one that can be reached at all.
const PATIENCE_S: u64 = 10;

/// Until when that is.
fn patience(nanoseconds: u64) -> Result<Deadline> {
    Ok(match deadline(nanoseconds)? {
        Deadline::NEVER => Deadline::in_seconds(PATIENCE_S),
        deadline => deadline,
    })
}

/// What becomes of an abandoned suspension, from its two flags.
fn abandoned(refuse: bool, resume: bool) -> Result<Abandoned> {
    match (refuse, resume) {
        (false, false) => Ok(Abandoned::Stay),
        (true, false) => Ok(Abandoned::Refuse),
        (false, true) => Ok(Abandoned::Resume),
        (true, true) => Err(EINVAL),
    }
}

// The rules are compiled without the kernel too.
const _: () = assert!(PAGE_SIZE == kernel::page::PAGE_SIZE as u64);

/// Bytes in so many pages.
fn bytes(pages: usize) -> u64 {
    (pages as u64).saturating_mul(PAGE_SIZE)
}
