// SPDX-License-Identifier: MIT OR Apache-2.0

//! The calls of the ABI with any argument, right or wrong.

use std::fmt::Debug;
use std::os::fd::{AsFd, AsRawFd};

use iomd::Errno;

use super::region::last_errno;

/// Makes a call with the structure at that address.
pub fn call_at(file: impl AsFd, number: u32, address: usize) -> Result<(), Errno> {
    let file = file.as_fd().as_raw_fd();
    // SAFETY: what the kernel writes to is a structure that the caller gave for it, or a region.
    let result = unsafe { libc::ioctl(file, number.into(), address) };
    if result < 0 {
        return Err(last_errno());
    }
    assert_eq!(result, 0, "iomd's calls return nothing");
    Ok(())
}

/// Makes a call with that structure.
pub fn call<T>(file: impl AsFd, number: u32, argument: &mut T) -> Result<(), Errno> {
    call_at(file, number, (&raw mut *argument).expose_provenance())
}

/// Makes a call that is refused; asserts that it writes nothing back.
#[track_caller]
pub fn refused<T>(file: impl AsFd, number: u32, argument: T) -> Errno
where
    T: Copy + Debug + PartialEq,
{
    let mut after = argument;
    match call(file, number, &mut after) {
        Ok(()) => panic!("call {number:#x} is not refused: {argument:?}"),
        Err(errno) => {
            assert_eq!(after, argument, "call {number:#x} is refused ({errno}) and writes back");
            errno
        }
    }
}

/// The size of a structure, as its first member has it.
pub const fn size<T>() -> u32 {
    size_of::<T>() as u32
}
