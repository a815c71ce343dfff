// SPDX-License-Identifier: MIT OR Apache-2.0

//! Who waits on a map, and where.

use iomd_sys as sys;
use rustix::io;

use crate::error::Asked;
use crate::{Map, Request, Result};

/// How many waits one call asks for.
const MOST: usize = 64;

/// An access that waits, from [`Map::waits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wait {
    /// The page that it waits for: bytes from the map's start.
    pub offset: u64,
    /// Where that is in its process, to the byte.
    pub address: u64,
    /// Whether it is to write.
    pub write: bool,
    /// The thread that waits, in the caller's pid namespace; `None` if it is not there.
    pub thread: Option<i32>,
}

impl From<sys::iomd_wait> for Wait {
    fn from(wait: sys::iomd_wait) -> Self {
        Self {
            offset: wait.page,
            address: wait.address,
            write: wait.flags & sys::IOMD_WAIT_WRITE != 0,
            thread: (wait.thread != 0).then_some(wait.thread),
        }
    }
}

/// See [`Map::waits`].
pub(crate) fn read(map: &Map) -> Result<Vec<Wait>> {
    let mut bytes = [0; MOST * size_of::<sys::iomd_wait>()];
    let length = io::read(map, &mut bytes).asked(|| Request::Waits)?;

    let waits = bytes[..length].chunks_exact(size_of::<sys::iomd_wait>());
    Ok(waits.map(|bytes| Wait::from(decoded(bytes))).collect())
}

/// The structure that these bytes are.
fn decoded(bytes: &[u8]) -> sys::iomd_wait {
    assert_eq!(bytes.len(), size_of::<sys::iomd_wait>());
    // SAFETY: there are as many bytes as it takes, and any are valid: it has integers only.
    unsafe { bytes.as_ptr().cast::<sys::iomd_wait>().read_unaligned() }
}
