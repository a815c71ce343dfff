// SPDX-License-Identifier: MIT OR Apache-2.0

//! The options of maps, with XNU's values.

use std::fmt;

use bitflags::bitflags;
use iomd_sys as sys;

bitflags! {
    /// The options of a map: `kIOMap…` of XNU's `IOTypes.h`. What this kernel honours is told by
    /// [`Features::map_options`](crate::Features::map_options); the others are refused with
    /// `EOPNOTSUPP`.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct MapOptions: u32 {
        /// The kernel chooses the address (`kIOMapAnywhere`). It is recorded: mmap(2) places.
        const ANYWHERE = sys::IOMD_MAP_ANYWHERE;
        /// Never writable (`kIOMapReadOnly`).
        const READ_ONLY = sys::IOMD_MAP_READ_ONLY;
        /// A mapping that exists already is recorded (`kIOMapStatic`).
        const STATIC = sys::IOMD_MAP_STATIC;
        /// Only an existing compatible map is wanted (`kIOMapReference`).
        const REFERENCE = sys::IOMD_MAP_REFERENCE;
        /// Never shared with another request, so it may be redirected (`kIOMapUnique`).
        const UNIQUE = sys::IOMD_MAP_UNIQUE;
        /// All pages are touched when it is mapped (`kIOMapPrefault`).
        const PREFAULT = sys::IOMD_MAP_PREFAULT;
        /// Replaces what is mapped at the address, where one is given (`kIOMapOverwrite`).
        const OVERWRITE = sys::IOMD_MAP_OVERWRITE;
        /// One inaccessible page on each side (`kIOMapGuardedSmall`).
        const GUARDED_SMALL = sys::IOMD_MAP_GUARDED_SMALL;
        /// 64 KiB of inaccessible memory on each side (`kIOMapGuardedLarge`).
        const GUARDED_LARGE = sys::IOMD_MAP_GUARDED_LARGE;

        // The bits of the cache mode; and a newer kernel may know more.
        const _ = !0;
    }
}

impl MapOptions {
    /// These options with another cache mode.
    pub fn with_cache_mode(self, mode: CacheMode) -> Self {
        Self::from_bits_retain(self.bits() & !sys::IOMD_MAP_CACHE_MASK | mode.bits())
    }

    /// These options with other guards.
    pub fn with_guards(self, guards: Guards) -> Self {
        self.difference(Self::GUARDED_SMALL | Self::GUARDED_LARGE) | guards.option()
    }

    /// The guards among these options.
    pub fn guards(self) -> Guards {
        match () {
            () if self.contains(Self::GUARDED_LARGE) => Guards::Large,
            () if self.contains(Self::GUARDED_SMALL) => Guards::Small,
            () => Guards::None,
        }
    }

    /// The cache mode among these options; `None` if it has no name.
    pub fn cache_mode(self) -> Option<CacheMode> {
        let bits = self.bits() & sys::IOMD_MAP_CACHE_MASK;
        CacheMode::ALL.into_iter().find(|mode| mode.bits() == bits)
    }
}

/// The names of the options, for people.
impl fmt::Display for MapOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (name, _) in self.iter_names() {
            write!(f, "{separator}{}", name.to_lowercase().replace('_', "-"))?;
            separator = ", ";
        }
        match self.cache_mode() {
            Some(CacheMode::Default) => {}
            Some(mode) => {
                write!(f, "{separator}{mode}")?;
                separator = ", ";
            }
            None => {
                let mode = self.bits() & sys::IOMD_MAP_CACHE_MASK;
                write!(f, "{separator}cache mode {mode:#x}")?;
                separator = ", ";
            }
        }
        if separator.is_empty() { write!(f, "no options") } else { Ok(()) }
    }
}

macro_rules! cache_modes {
    ($($(#[$doc:meta])* $mode:ident = $constant:ident, $name:literal;)*) => {
        /// How memory is cached when reached through a map: `kIOMap…Cache` of XNU. What this kernel
        /// honours is told by [`Features::cache_modes`](crate::Features::cache_modes).
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u32)]
        pub enum CacheMode {
            $($(#[$doc])* $mode = sys::$constant,)*
        }

        impl CacheMode {
            /// All of them, in the order of their numbers.
            pub const ALL: [Self; [$(sys::$constant),*].len()] = [$(Self::$mode),*];
        }

        impl fmt::Display for CacheMode {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$mode => $name,)* })
            }
        }
    };
}

cache_modes! {
    /// The one that the memory has: write-back, unless another map chose another.
    Default = IOMD_MAP_DEFAULT_CACHE, "default-cache";
    /// Not cached.
    Inhibit = IOMD_MAP_INHIBIT_CACHE, "inhibit-cache";
    /// Write-through.
    WriteThru = IOMD_MAP_WRITE_THRU_CACHE, "write-thru-cache";
    /// Write-back.
    Copyback = IOMD_MAP_COPYBACK_CACHE, "copyback-cache";
    /// Not cached, writes combined.
    WriteCombine = IOMD_MAP_WRITE_COMBINE_CACHE, "write-combine-cache";
    /// Write-back in the inner caches only.
    CopybackInner = IOMD_MAP_COPYBACK_INNER_CACHE, "copyback-inner-cache";
    /// Not cached, a write does not wait until it has arrived.
    PostedWrite = IOMD_MAP_POSTED_WRITE, "posted-write";
    /// For data with deadlines.
    RealTime = IOMD_MAP_REAL_TIME, "real-time";
    /// As posted write, writes may overtake one another.
    PostedReordered = IOMD_MAP_POSTED_REORDERED, "posted-reordered";
    /// As posted reordered, writes may be combined.
    PostedCombinedReordered = IOMD_MAP_POSTED_COMBINED_REORDERED, "posted-combined-reordered";
}

impl CacheMode {
    /// The mode's bits among the options.
    pub fn bits(self) -> u32 {
        self as u32
    }

    /// The mode's number: the bit that stands for it in the features.
    pub(crate) fn number(self) -> u32 {
        self.bits() >> sys::IOMD_MAP_CACHE_MASK.trailing_zeros()
    }
}

/// What is kept inaccessible on each side of a mapping.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Guards {
    /// Nothing.
    #[default]
    None,
    /// A page (`kIOMapGuardedSmall`).
    Small,
    /// 64 KiB (`kIOMapGuardedLarge`).
    Large,
}

impl Guards {
    /// How many bytes on each side.
    pub fn bytes(self) -> usize {
        match self {
            Self::None => 0,
            Self::Small => 4 << 10,
            Self::Large => 64 << 10,
        }
    }

    fn option(self) -> MapOptions {
        match self {
            Self::None => MapOptions::empty(),
            Self::Small => MapOptions::GUARDED_SMALL,
            Self::Large => MapOptions::GUARDED_LARGE,
        }
    }
}

/// What a forked child gets of a mapping: `VM_INHERIT_…` of Mach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Inheritance {
    /// The same mapping.
    Share,
    /// A copy; of memory that was copied itself (`RemapBuilder::copy`), and refused with `EOPNOTSUPP`
    /// elsewhere.
    Copy,
    /// Nothing.
    #[default]
    None,
    /// A number that this library has no name for.
    Other(u32),
}

impl Inheritance {
    pub(crate) fn number(self) -> u32 {
        match self {
            Self::Share => sys::IOMD_INHERIT_SHARE,
            Self::Copy => sys::IOMD_INHERIT_COPY,
            Self::None => sys::IOMD_INHERIT_NONE,
            Self::Other(number) => number,
        }
    }
}

impl From<u32> for Inheritance {
    fn from(number: u32) -> Self {
        match number {
            sys::IOMD_INHERIT_SHARE => Self::Share,
            sys::IOMD_INHERIT_COPY => Self::Copy,
            sys::IOMD_INHERIT_NONE => Self::None,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for Inheritance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share => f.write_str("share"),
            Self::Copy => f.write_str("copy"),
            Self::None => f.write_str("none"),
            Self::Other(number) => write!(f, "{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_xnu_s_values() {
        let options = [
            (MapOptions::ANYWHERE, 0x0000_0001),
            (MapOptions::READ_ONLY, 0x0000_1000),
            (MapOptions::STATIC, 0x0100_0000),
            (MapOptions::REFERENCE, 0x0200_0000),
            (MapOptions::UNIQUE, 0x0400_0000),
            (MapOptions::PREFAULT, 0x1000_0000),
            (MapOptions::OVERWRITE, 0x2000_0000),
            (MapOptions::GUARDED_SMALL, 0x4000_0000),
            (MapOptions::GUARDED_LARGE, 0x8000_0000),
        ];
        for (option, bits) in options {
            assert_eq!(option.bits(), bits);
        }
        for (number, mode) in CacheMode::ALL.into_iter().enumerate() {
            assert_eq!(mode.bits(), (number as u32) << 8);
            assert_eq!(mode.number(), number as u32);
        }
        for (number, inheritance) in
            [Inheritance::Share, Inheritance::Copy, Inheritance::None].into_iter().enumerate()
        {
            assert_eq!(inheritance.number(), number as u32);
            assert_eq!(Inheritance::from(number as u32), inheritance);
        }
    }

    #[test]
    fn cache_mode_replaces_only_itself() {
        let options = MapOptions::UNIQUE | MapOptions::READ_ONLY;
        let combined = options.with_cache_mode(CacheMode::RealTime);
        assert_eq!(combined.cache_mode(), Some(CacheMode::RealTime));
        assert_eq!(combined.with_cache_mode(CacheMode::Default), options);
        assert_eq!(MapOptions::from_bits_retain(0xf00).cache_mode(), None);
    }

    #[test]
    fn guards_replace_only_themselves() {
        let options = MapOptions::UNIQUE | MapOptions::ANYWHERE;
        for guards in [Guards::None, Guards::Small, Guards::Large] {
            let combined = options.with_guards(Guards::Small).with_guards(guards);
            assert_eq!(combined.guards(), guards);
            assert_eq!(combined.with_guards(Guards::None), options);
        }
    }

    #[test]
    fn options_are_named() {
        assert_eq!(MapOptions::empty().to_string(), "no options");
        let options = MapOptions::GUARDED_SMALL.with_cache_mode(CacheMode::WriteCombine);
        assert_eq!(options.to_string(), "guarded-small, write-combine-cache");
        assert_eq!(MapOptions::from_bits_retain(0xf00).to_string(), "cache mode 0xf00");
    }
}
