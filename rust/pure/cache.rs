// SPDX-License-Identifier: GPL-2.0

//! Cache modes that memory can have.

/// How the processor treats accesses to memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheMode {
    /// Cached; writes reach the memory later. What all memory of the kernel is, unless changed.
    WriteBack,
    /// Not cached.
    Uncached,
    /// Not cached, but writes are collected and may overtake one another.
    WriteCombining,
}

impl CacheMode {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::WriteBack => "write-back",
            Self::Uncached => "uncached",
            Self::WriteCombining => "write-combining",
        }
    }
}
