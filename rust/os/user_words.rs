// SPDX-License-Identifier: GPL-2.0

//! Structures of whole words in user space, such as the arguments of calls.

use super::bindings;
use core::{mem::size_of, ptr};
use kernel::{prelude::*, uaccess::UserPtr};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// How many words a structure has.
const fn words<T>() -> usize {
    const { assert!(size_of::<T>() % size_of::<u64>() == 0) };
    size_of::<T>() / size_of::<u64>()
}

/// Copies a structure in. `EFAULT`: words of it can be in then.
pub(crate) fn read<T: FromBytes + IntoBytes>(from: UserPtr, value: &mut T) -> Result {
    let to = ptr::from_mut(value).cast();

    // SAFETY: There are so many words at `to`, any of which are a `T`; they need not be aligned.
    let error =
        unsafe { bindings::iomd_read_user_words(to, from.as_const_ptr().cast(), words::<T>()) };
    if error == 0 {
        Ok(())
    } else {
        Err(EFAULT)
    }
}

/// Copies a structure out. `EFAULT`: words of it can be out then.
pub(crate) fn write<T: IntoBytes + Immutable>(to: UserPtr, value: &T) -> Result {
    let from = ptr::from_ref(value).cast();

    // SAFETY: There are so many words at `from`, all of them initialised.
    let error =
        unsafe { bindings::iomd_write_user_words(to.as_mut_ptr().cast(), from, words::<T>()) };
    if error == 0 {
        Ok(())
    } else {
        Err(EFAULT)
    }
}
