// SPDX-License-Identifier: GPL-2.0

//! Lists that mostly have one entry, which then needs no memory of its own.

use core::{mem, ops::Deref, slice};
use kernel::{alloc::Flags, prelude::*};

/// Entries in a row.
pub(super) enum Few<T> {
    Nothing,
    One(T),
    Many(KVVec<T>),
}

impl<T> Few<T> {
    /// Appends an entry. `ENOMEM`, never for the first.
    pub(super) fn push(&mut self, entry: T, flags: Flags) -> Result {
        match self {
            Self::Nothing => *self = Self::One(entry),
            Self::One(_) => {
                let mut many = KVVec::with_capacity(2, flags)?;
                if let Self::One(first) = mem::replace(self, Self::Nothing) {
                    many.push(first, flags)?;
                }
                many.push(entry, flags)?;
                *self = Self::Many(many);
            }
            Self::Many(many) => many.push(entry, flags)?,
        }
        Ok(())
    }

    /// Takes the first entry out that is meant; the others keep their order.
    pub(super) fn take(&mut self, is_meant: impl Fn(&T) -> bool) -> Option<T> {
        let position = self.iter().position(is_meant)?;

        match self {
            Self::Many(many) => many.remove(position).ok(),
            Self::One(_) | Self::Nothing => match mem::replace(self, Self::Nothing) {
                Self::One(entry) => Some(entry),
                Self::Many(_) | Self::Nothing => None,
            },
        }
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Self::Nothing => &[],
            Self::One(entry) => slice::from_ref(entry),
            Self::Many(many) => many,
        }
    }
}
