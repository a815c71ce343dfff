// SPDX-License-Identifier: GPL-2.0

//! Mach's vm_remap: what is asked for, which pages that are, where they go, and with which rights.
//!
//! The order in which a call is refused is part of it: first what is wrong with the call, then what
//! is wrong with its source, then with its target.

use super::range::PAGE_SIZE;
use core::ops::{BitAnd, BitOr, Range};

/// Nothing is put lower unless it is asked for there: the kernel's own default of what it keeps free
/// below all mappings.
pub const LOWEST: u64 = 64 << 10;

/// Why a call is refused, each as a `kern_return_t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemapError {
    /// KERN_INVALID_ARGUMENT
    Argument,
    /// KERN_INVALID_ADDRESS
    Address,
    /// KERN_NO_SPACE
    NoSpace,
    /// KERN_PROTECTION_FAILURE
    Protection,
    /// KERN_NOT_SUPPORTED
    Unsupported,
}

/// What a forked child gets of the new mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inheritance {
    /// The same memory.
    Share,
    /// A copy of it, as it was at the fork.
    Copy,
    /// Nothing.
    None,
}

impl Inheritance {
    /// From Mach's number (vm_inherit.h).
    ///
    /// Shared memory cannot be copied at a fork. The kernel's `dup_mmap()` asks a mapping's `->open`,
    /// which cannot fail, and then puts the child's mapping beside the parent's in the list of the same
    /// file: so there is no place where the child could be given another memory.
    pub fn new(number: u32, copy: bool) -> Result<Self, RemapError> {
        match number {
            0 => Ok(Self::Share),
            1 if copy => Ok(Self::Copy),
            1 => Err(RemapError::Unsupported),
            2 => Ok(Self::None),
            _ => Err(RemapError::Argument),
        }
    }
}

/// What may be done with memory: Mach's bits (vm_prot.h), which are mmap(2)'s too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protection(u32);

impl Protection {
    pub const NONE: Self = Self(0);
    pub const READ: Self = Self(1);
    pub const WRITE: Self = Self(2);
    pub const EXECUTE: Self = Self(4);
    pub const ALL: Self = Self(7);

    /// `None` for bits that mean nothing.
    pub fn new(bits: u32) -> Option<Self> {
        (bits & !Self::ALL.0 == 0).then_some(Self(bits))
    }

    pub const fn bits(self) -> u32 {
        self.0
    }

    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitAnd for Protection {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOr for Protection {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What may be done with a mapping now, and what mprotect(2) may make of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protections {
    pub cur: Protection,
    pub max: Protection,
}

impl Protections {
    /// Nothing is taken away yet.
    pub const ALL: Self = Self {
        cur: Protection::ALL,
        max: Protection::ALL,
    };

    /// Those that a caller wants for the new mapping.
    pub fn wanted(cur: u32, max: u32) -> Result<Self, RemapError> {
        let (Some(cur), Some(max)) = (Protection::new(cur), Protection::new(max)) else {
            return Err(RemapError::Argument);
        };

        if !max.has(cur) {
            return Err(RemapError::Argument);
        }
        if max.has(Protection::WRITE | Protection::EXECUTE) {
            return Err(RemapError::Protection);
        }
        Ok(Self { cur, max })
    }

    /// What holds for two mappings together.
    pub fn and(self, other: Self) -> Self {
        Self {
            cur: self.cur & other.cur,
            max: self.max & other.max,
        }
    }

    /// What a new mapping gets of one with `self`: that, as far as `possible`, or all that is `wanted`.
    ///
    /// A copy has rights of its own: its source is only read.
    pub fn granted(
        self,
        wanted: Option<Self>,
        copy: bool,
        possible: Protection,
    ) -> Result<Self, RemapError> {
        if copy && !self.max.has(Protection::READ) {
            return Err(RemapError::Protection);
        }
        let Some(wanted) = wanted else {
            return Ok(Self {
                cur: self.cur & possible,
                max: self.max & possible,
            });
        };
        let is_offered = copy || self.cur.has(wanted.cur) && self.max.has(wanted.max);

        if is_offered && possible.has(wanted.max) {
            Ok(wanted)
        } else {
            Err(RemapError::Protection)
        }
    }
}

/// The pages of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// Where they begin.
    pub start: u64,
    /// Bytes, whole pages, at least one.
    pub length: u64,
    /// What is added to the new address, so that it is that of the memory asked for.
    pub misalignment: u64,
}

impl Source {
    /// The pages of `size` bytes from `address` on. `whole`, they are all pages in which one of the
    /// bytes is; otherwise as many as the size needs, from that on which has the first byte.
    pub fn new(address: u64, size: u64, whole: bool) -> Result<Self, RemapError> {
        let end = address.checked_add(size).ok_or(RemapError::Argument)?;
        let start = round_down(address);
        let length = if whole {
            round_up(end).map(|end| end - start)
        } else {
            round_up(size)
        };
        let length = length.filter(|&length| size != 0 && start.checked_add(length).is_some());

        Ok(Self {
            start,
            length: length.ok_or(RemapError::Argument)?,
            misalignment: if whole { address - start } else { 0 },
        })
    }

    pub fn end(&self) -> u64 {
        self.start + self.length
    }
}

/// A place of one's choice: where `length` bytes begin in an address space that ends at `limit`.
pub fn fixed(address: u64, length: u64, mask: u64, limit: u64) -> Result<u64, RemapError> {
    let start = round_down(address);

    if start & mask != 0 {
        return Err(RemapError::NoSpace);
    }
    let end = start.checked_add(length).ok_or(RemapError::Address)?;
    if end > limit {
        return Err(RemapError::Address);
    }
    Ok(start)
}

/// The first place from `hint` upward for `length` bytes that has none of the bits of `mask`.
/// `occupied` says what ends first above an address: where it begins and ends.
pub fn first_fit(
    hint: u64,
    length: u64,
    mask: u64,
    limits: Range<u64>,
    mut occupied: impl FnMut(u64) -> Option<(u64, u64)>,
) -> Result<u64, RemapError> {
    let mut from = round_down(hint).max(limits.start);

    loop {
        let start = aligned(from, mask).ok_or(RemapError::NoSpace)?;
        let end = start
            .checked_add(length)
            .filter(|&end| end <= limits.end)
            .ok_or(RemapError::NoSpace)?;
        match occupied(start) {
            Some((begin, after)) if begin < end => from = after,
            _ => return Ok(start),
        }
    }
}

/// XNU's rule. No byte of a page can be in the way: where a page begins, those bits are zero.
fn aligned(address: u64, mask: u64) -> Option<u64> {
    Some(address.checked_add(mask)? & !mask)
}

fn round_down(address: u64) -> u64 {
    address & !(PAGE_SIZE - 1)
}

fn round_up(address: u64) -> Option<u64> {
    address.checked_add(PAGE_SIZE - 1).map(round_down)
}

#[cfg(test)]
mod tests;
