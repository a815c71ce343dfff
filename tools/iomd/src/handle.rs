// SPDX-License-Identifier: MIT OR Apache-2.0

//! What all objects share: each is one file descriptor.

/// Makes `$object`, a wrapper of one `OwnedFd`, interchangeable with it.
macro_rules! handle {
    ($object:ident) => {
        impl std::os::fd::AsFd for $object {
            fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
                self.0.as_fd()
            }
        }

        /// Nothing is checked: the calls of a file that is no such object are refused.
        impl From<std::os::fd::OwnedFd> for $object {
            fn from(fd: std::os::fd::OwnedFd) -> Self {
                Self(fd)
            }
        }

        impl From<$object> for std::os::fd::OwnedFd {
            fn from(object: $object) -> Self {
                object.0
            }
        }
    };
}

pub(crate) use handle;
