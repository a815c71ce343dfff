// SPDX-License-Identifier: GPL-2.0

//! The argument of a call: a structure in user space that begins with its size and may be longer
//! than ours (`copy_struct_from_user()`).

use crate::os::user_words;
use core::mem::size_of;
use kernel::{
    fs::{file::FileDescriptorReservation, File},
    page::PAGE_SIZE,
    prelude::*,
    sync::aref::ARef,
    uaccess::{UserPtr, UserSlice},
};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// Structures of the ABI: integers without implicit padding.
pub(super) trait Structure: FromBytes + IntoBytes + Immutable {}

impl<T: FromBytes + IntoBytes + Immutable> Structure for T {}

/// A structure in user space, of which `value` is our copy.
pub(super) struct Argument<T: Structure> {
    pointer: UserPtr,
    pub(super) value: T,
}

impl<T: Structure> Argument<T> {
    /// Copies it in. `EFAULT`; `EINVAL` if it is shorter than ours; `E2BIG` if what goes beyond
    /// ours is not zero.
    pub(super) fn read(pointer: UserPtr) -> Result<Self> {
        // At once: mostly it is as long as ours.
        let mut value = T::new_zeroed();
        let all = user_words::read(pointer, &mut value);
        let mut size = 0_u32;
        match (all, value.as_bytes().first_chunk()) {
            (Ok(()), Some(begin)) => size = u32::from_ne_bytes(*begin),
            // A shorter one can end where no memory follows.
            _ => UserSlice::new(pointer, size_of::<u32>())
                .reader()
                .read_slice(size.as_mut_bytes())?,
        }
        let size = usize::try_from(size).map_err(|_| E2BIG)?;

        if size < size_of::<T>() {
            return Err(EINVAL);
        }
        all?;
        if size > size_of::<T>() {
            check_zeros(pointer, size_of::<T>(), size)?;
        }

        Ok(Self { pointer, value })
    }

    /// As [`Argument::read`], for a call that answers: sees that the structure is writable, so that
    /// no call does its work and then cannot say so.
    pub(super) fn read_to_answer(pointer: UserPtr) -> Result<Self> {
        let argument = Self::read(pointer)?;

        argument.write_back()?;
        Ok(argument)
    }

    /// Copies it out.
    fn write_back(&self) -> Result {
        user_words::write(self.pointer, &self.value)
    }

    /// Copies the results out.
    pub(super) fn answer(&self) -> Result<isize> {
        self.write_back()?;
        Ok(0)
    }

    /// Makes `file` a file descriptor of the caller, which `place` writes into the structure, and
    /// copies the results out. `EMFILE`.
    ///
    /// The number is out before the descriptor is there: to install it cannot fail, or be undone.
    pub(super) fn answer_with_file(
        mut self,
        file: ARef<File>,
        place: impl FnOnce(&mut T, i32),
    ) -> Result<isize> {
        let reservation =
            FileDescriptorReservation::get_unused_fd_flags(kernel::fs::file::flags::O_CLOEXEC)?;
        let fd = i32::try_from(reservation.reserved_fd()).map_err(|_| EMFILE)?;

        place(&mut self.value, fd);
        self.write_back()?;
        reservation.fd_install(file);
        Ok(0)
    }
}

/// `E2BIG` unless what begins at `pointer`, and is so long, is zeros from `start` on; or `EFAULT`.
fn check_zeros(pointer: UserPtr, start: usize, length: usize) -> Result {
    if length > PAGE_SIZE {
        return Err(E2BIG);
    }
    let mut reader = UserSlice::new(pointer, length).reader();

    reader.skip(start)?;
    while !reader.is_empty() {
        if reader.read::<u8>()? != 0 {
            return Err(E2BIG);
        }
    }
    Ok(())
}

/// Calls `take` with each of `count` structures that begin at `address`. `EFAULT`.
pub(super) fn for_each<T: Structure>(
    address: u64,
    count: u32,
    mut take: impl FnMut(T) -> Result,
) -> Result {
    let address = usize::try_from(address).map_err(|_| EFAULT)?;
    let length = size_of::<T>()
        .checked_mul(count as usize)
        .ok_or(EOVERFLOW)?;
    let mut reader = UserSlice::new(UserPtr::from_addr(address), length).reader();

    for _ in 0..count {
        let mut value = T::new_zeroed();
        reader.read_slice(value.as_mut_bytes())?;
        take(value)?;
    }
    Ok(())
}
