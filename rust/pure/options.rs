// SPDX-License-Identifier: GPL-2.0

//! The map options of XNU's IOTypes.h, checked.
//!
//! The numbers are the ABI's; that they are the same as in the header is asserted where both are
//! known, in `control/`.

use super::{cache::CacheMode, range::PAGE_SIZE};

/// Why options are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionsError {
    /// A bit or a cache mode that XNU does not have either.
    Unknown,
    /// XNU has it; this version, or Linux, cannot honour it.
    Unsupported,
    /// Guards of two sizes, or of a mapping that is to be at a certain place.
    Guards,
}

/// kIOMapAnywhere
pub const ANYWHERE: u32 = 0x1;
/// The cache mode's bits.
pub const CACHE_MASK: u32 = 0xf00;
/// Where the cache mode's bits begin.
pub const CACHE_SHIFT: u32 = 8;
/// kIOMapDefaultCache, as a mode
pub const DEFAULT_CACHE: u32 = 0;
/// kIOMapInhibitCache, as a mode
pub const INHIBIT_CACHE: u32 = 1;
/// kIOMapCopybackCache, as a mode
pub const COPYBACK_CACHE: u32 = 3;
/// kIOMapWriteCombineCache, as a mode
pub const WRITE_COMBINE_CACHE: u32 = 4;
/// The highest mode that XNU has (kIOMapPostedCombinedReordered).
pub const LAST_CACHE: u32 = 9;
/// kIOMapReadOnly
pub const READ_ONLY: u32 = 0x1000;
/// kIOMapStatic
pub const STATIC: u32 = 0x0100_0000;
/// kIOMapReference
pub const REFERENCE: u32 = 0x0200_0000;
/// kIOMapUnique
pub const UNIQUE: u32 = 0x0400_0000;
/// kIOMapPrefault
pub const PREFAULT: u32 = 0x1000_0000;
/// kIOMapOverwrite
pub const OVERWRITE: u32 = 0x2000_0000;
/// kIOMapGuardedSmall
pub const GUARDED_SMALL: u32 = 0x4000_0000;
/// kIOMapGuardedLarge
pub const GUARDED_LARGE: u32 = 0x8000_0000;
/// Either.
pub const GUARDED: u32 = GUARDED_SMALL | GUARDED_LARGE;

/// The single bits that are honoured.
pub const HONOURED: u32 = ANYWHERE | READ_ONLY | UNIQUE | PREFAULT | OVERWRITE | GUARDED;
/// The cache modes that need nothing of the machine, as a bit each: memory is write-back.
pub const WRITE_BACK_CACHES: u32 = (1 << DEFAULT_CACHE) | (1 << COPYBACK_CACHE);
/// The cache modes that are honoured, as a bit each. For the others the kernel has no way to give
/// its own mapping of the memory the same attribute.
pub const HONOURED_CACHES: u32 =
    WRITE_BACK_CACHES | (1 << INHIBIT_CACHE) | (1 << WRITE_COMBINE_CACHE);
/// What a map cannot be made with.
pub const UNSUPPORTED: u32 = STATIC | REFERENCE;

/// Bytes of a large guard.
const LARGE_GUARD: u64 = 64 << 10;

/// Map options that can be honoured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options(u32);

impl Options {
    /// Checks options as a caller gave them.
    pub fn new(bits: u32) -> Result<Self, OptionsError> {
        let cache = (bits & CACHE_MASK) >> CACHE_SHIFT;

        if bits & !(CACHE_MASK | HONOURED | UNSUPPORTED) != 0 || cache > LAST_CACHE {
            Err(OptionsError::Unknown)
        } else if bits & UNSUPPORTED != 0 || HONOURED_CACHES & (1 << cache) == 0 {
            Err(OptionsError::Unsupported)
        } else if bits & GUARDED == GUARDED || bits & GUARDED != 0 && bits & ANYWHERE == 0 {
            Err(OptionsError::Guards)
        } else {
            Ok(Self(bits))
        }
    }

    /// Checks options as a caller gave them who asks for a mapping that exists already.
    pub fn of_existing(bits: u32) -> Result<Self, OptionsError> {
        Self::new(bits & !(STATIC | REFERENCE)).map(|_| Self(bits))
    }

    /// With guards of a page, or the larger ones that it has: of memory that is mapped so.
    pub fn guarded(self) -> Result<Self, OptionsError> {
        if self.guard() != 0 {
            return Ok(self);
        }
        Self::new(self.0 & !(STATIC | REFERENCE) | GUARDED_SMALL)
            .map(|_| Self(self.0 | GUARDED_SMALL))
    }

    /// With kIOMapStatic: those of an object that unmaps nothing.
    pub fn with_static(self) -> Self {
        Self(self.0 | STATIC)
    }

    /// Those of a mapping that was made by mmap on the device itself.
    pub const fn client_mapping(writable: bool) -> Self {
        Self(ANYWHERE | UNIQUE | if writable { 0 } else { READ_ONLY })
    }

    /// As given.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// XNU's number of the cache mode.
    pub fn cache_number(self) -> u32 {
        (self.0 & CACHE_MASK) >> CACHE_SHIFT
    }

    /// The cache mode that is asked for; `None` for that which the memory has.
    pub fn cache_mode(self) -> Option<CacheMode> {
        match self.cache_number() {
            COPYBACK_CACHE => Some(CacheMode::WriteBack),
            INHIBIT_CACHE => Some(CacheMode::Uncached),
            WRITE_COMBINE_CACHE => Some(CacheMode::WriteCombining),
            _ => None,
        }
    }

    /// Only such a map can be redirected.
    pub fn is_unique(self) -> bool {
        self.0 & UNIQUE != 0
    }

    /// Where it is does not matter.
    pub fn is_anywhere(self) -> bool {
        self.0 & ANYWHERE != 0
    }

    /// Where it is placed, it takes the place of what is there.
    pub fn is_overwriting(self) -> bool {
        self.0 & OVERWRITE != 0
    }

    /// Its pages are to be touched when it is mapped.
    pub fn is_prefaulted(self) -> bool {
        self.0 & PREFAULT != 0
    }

    /// Bytes that are kept inaccessible on each side of a mapping.
    pub fn guard(self) -> u64 {
        match self.0 & GUARDED {
            0 => 0,
            GUARDED_SMALL => PAGE_SIZE,
            _ => LARGE_GUARD,
        }
    }

    /// What is mapped at the address is to be recorded.
    pub fn is_static(self) -> bool {
        self.0 & STATIC != 0
    }

    /// Such a map needs the right to write the memory: it can do so, or change its cache mode.
    pub fn needs_write(self) -> bool {
        let changes_mode = !matches!(self.cache_mode(), None | Some(CacheMode::WriteBack));

        !self.is_read_only() || changes_mode
    }

    /// Such a map is never writable.
    pub fn is_read_only(self) -> bool {
        self.0 & READ_ONLY != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_bit_is_honoured_unsupported_or_unknown() {
        for bit in (0..32).map(|shift| 1_u32 << shift) {
            let is_mode =
                bit & CACHE_MASK != 0 && HONOURED_CACHES & (1 << (bit >> CACHE_SHIFT)) != 0;
            let expected = if bit & GUARDED != 0 {
                Err(OptionsError::Guards)
            } else if bit & HONOURED != 0 || is_mode {
                Ok(Options(bit))
            } else if bit & (UNSUPPORTED | CACHE_MASK) != 0 {
                Err(OptionsError::Unsupported)
            } else {
                Err(OptionsError::Unknown)
            };
            assert_eq!(Options::new(bit), expected, "{bit:#x}");
        }
    }

    #[test]
    fn cache_modes_are_what_xnu_means_by_them() {
        for mode in 0..16 {
            let cache_mode = Options::new(mode << CACHE_SHIFT).map(Options::cache_mode);
            let expected = match mode {
                0 => Ok(None),
                1 => Ok(Some(CacheMode::Uncached)),
                3 => Ok(Some(CacheMode::WriteBack)),
                4 => Ok(Some(CacheMode::WriteCombining)),
                2 | 5..=9 => Err(OptionsError::Unsupported),
                _ => Err(OptionsError::Unknown),
            };
            assert_eq!(cache_mode, expected, "{mode}");
        }
    }

    #[test]
    fn guards_are_of_one_size_and_of_what_may_be_anywhere() {
        let guard = |bits| Options::new(bits).map(Options::guard);
        assert_eq!(guard(ANYWHERE), Ok(0));
        assert_eq!(guard(ANYWHERE | GUARDED_SMALL), Ok(4096));
        assert_eq!(guard(ANYWHERE | GUARDED_LARGE), Ok(65536));
        for bits in [GUARDED_SMALL, GUARDED_LARGE, ANYWHERE | GUARDED] {
            assert_eq!(guard(bits), Err(OptionsError::Guards), "{bits:#x}");
        }
    }

    proptest! {
        #[test]
        fn accepted_options_are_kept_as_given(bits: u32) {
            if let Ok(options) = Options::new(bits) {
                prop_assert_eq!(options.bits(), bits);
                prop_assert_eq!(bits & !(HONOURED | CACHE_MASK), 0);
            }
        }

        #[test]
        fn of_an_existing_mapping_two_more_are_accepted(bits: u32) {
            let extra = bits & (STATIC | REFERENCE);
            let expected = Options::new(bits & !extra).map(|options| Options(options.0 | extra));
            prop_assert_eq!(Options::of_existing(bits), expected);
        }
    }
}
