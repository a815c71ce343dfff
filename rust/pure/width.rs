// SPDX-License-Identifier: GPL-2.0

//! Widths of single accesses: those of IOMappedRead8 to IOMappedWrite64.

/// How much one access reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// One byte.
    W8,
    /// Two bytes.
    W16,
    /// Four bytes.
    W32,
    /// Eight bytes.
    W64,
}

impl Width {
    /// From a number of bits.
    pub fn new(bits: u32) -> Option<Self> {
        match bits {
            8 => Some(Self::W8),
            16 => Some(Self::W16),
            32 => Some(Self::W32),
            64 => Some(Self::W64),
            _ => None,
        }
    }

    /// How many bytes.
    pub fn bytes(self) -> usize {
        match self {
            Self::W8 => 1,
            Self::W16 => 2,
            Self::W32 => 4,
            Self::W64 => 8,
        }
    }

    /// Whether a value is no longer than that.
    pub fn holds(self, value: u64) -> bool {
        match self {
            Self::W8 => value <= u8::MAX.into(),
            Self::W16 => value <= u16::MAX.into(),
            Self::W32 => value <= u32::MAX.into(),
            Self::W64 => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_four() {
        let known: Vec<_> = (0..=128)
            .filter(|&bits| Width::new(bits).is_some())
            .collect();
        assert_eq!(known, [8, 16, 32, 64]);
        for bits in known {
            assert_eq!(Width::new(bits).map(Width::bytes), Some(bits as usize / 8));
        }
    }

    #[test]
    fn a_width_holds_what_has_so_many_bits() {
        for bits in [8, 16, 32] {
            let width = Width::new(bits).unwrap();
            assert!(width.holds((1 << bits) - 1));
            assert!(!width.holds(1 << bits));
        }
        assert!(Width::W64.holds(u64::MAX));
    }
}
