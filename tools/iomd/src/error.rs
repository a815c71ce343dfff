// SPDX-License-Identifier: MIT OR Apache-2.0

//! Errors.

use rustix::io::Errno;
use thiserror::Error;

use crate::{Kind, Request};

/// The result of a call.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call did nothing: a refused call changes neither the object nor any memory.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel refused.
    #[error("cannot {request}: {}", .request.reason(*.errno))]
    Refused {
        /// What was asked for.
        request: Request,
        /// The kernel's answer.
        errno: Errno,
    },

    /// The object with this id is of another kind.
    #[error("object {id} is a {found}, not a {expected}")]
    OtherKind {
        /// The object's id.
        id: u64,
        /// What was asked for.
        expected: &'static str,
        /// What it is.
        found: Kind,
    },
}

impl Error {
    /// The error as the number that the kernel has for it; `EINVAL` where the kernel was not asked.
    pub fn errno(&self) -> Errno {
        match self {
            Self::Refused { errno, .. } => *errno,
            Self::OtherKind { .. } => Errno::INVAL,
        }
    }
}

/// Says what was asked for, where only the kernel's answer is known.
pub(crate) trait Asked<T> {
    fn asked(self, request: impl FnOnce() -> Request) -> Result<T>;
}

impl<T> Asked<T> for std::result::Result<T, Errno> {
    fn asked(self, request: impl FnOnce() -> Request) -> Result<T> {
        self.map_err(|errno| Error::Refused { request: request(), errno })
    }
}
