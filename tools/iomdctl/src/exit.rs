// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the exit status says.

use iomd::{Errno, Error, Request};

/// It is done.
pub const DONE: u8 = 0;
/// Refused, or failed.
pub const FAILED: u8 = 1;
/// The arguments are wrong.
pub const USAGE: u8 = 2;
/// The device is not there, or not open to the caller.
pub const NO_DEVICE: u8 = 3;
/// There is no such object, or it is of another kind.
pub const NO_OBJECT: u8 = 4;

/// The exit status that says `error`.
pub fn status(error: &anyhow::Error) -> u8 {
    if error.is::<clap::Error>() {
        return USAGE;
    }
    match error.downcast_ref::<Error>() {
        Some(Error::Refused { request: Request::OpenDevice { .. }, .. }) => NO_DEVICE,
        Some(Error::Refused { request: Request::OpenObject { .. }, errno: Errno::NOENT })
        | Some(Error::OtherKind { .. }) => NO_OBJECT,
        _ => FAILED,
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn each_failure_has_its_status() {
        let refused = |request, errno| anyhow::Error::from(Error::Refused { request, errno });
        let open = || Request::OpenObject { id: 7 };
        assert_eq!(status(&refused(open(), Errno::NOENT)), NO_OBJECT);
        assert_eq!(status(&refused(open(), Errno::PERM)), FAILED);
        assert_eq!(status(&refused(Request::Suspend, Errno::PERM)), FAILED);
        let missing = refused(Request::OpenDevice { path: "/dev/iomd".into() }, Errno::NOENT);
        assert_eq!(status(&missing), NO_DEVICE);
        let explained = Err::<(), _>(missing).context("here").unwrap_err();
        assert_eq!(status(&explained), NO_DEVICE);
        let usage = clap::Error::new(clap::error::ErrorKind::InvalidValue);
        assert_eq!(status(&usage.into()), USAGE);
    }
}
