// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the kernel's iomd can do.

use bitflags::bitflags;
use iomd_sys as sys;

use crate::{CacheMode, MapOptions};

/// What the kernel's iomd can do, from [`Client::features`](crate::Client::features).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Features {
    /// Bytes.
    pub page_size: u32,
    /// The calls on a client; bit n stands for number 0x00 + n.
    pub client_calls: u64,
    /// The calls on a descriptor; bit n stands for number 0x20 + n.
    pub descriptor_calls: u64,
    /// The calls on a map; bit n stands for number 0x40 + n.
    pub map_calls: u64,
    /// The flags of buffers.
    pub buffer_flags: BufferFlags,
    /// The flags of maps.
    pub map_flags: MapFlags,
    /// The options of maps that are honoured.
    pub map_options: MapOptions,
    /// The cache modes of maps that are honoured.
    pub cache_modes: Vec<CacheMode>,
    /// The flags of redirecting and suspending.
    pub redirect_flags: RedirectFlags,
    /// The flags of copying.
    pub copy_flags: CopyFlags,
    /// The calls on a task; bit n stands for number 0x60 + n.
    pub task_calls: u64,
    /// The flags of mapping into a task.
    pub into_task_flags: IntoTaskFlags,
    /// The flags of a range of a descriptor.
    pub sub_flags: SubFlags,
    /// The flags of remapping.
    pub remap_flags: RemapFlags,
    /// Those that say where what is remapped goes.
    pub vm_flags: VmFlags,
}

bitflags! {
    /// The flags of a new buffer.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct BufferFlags: u64 {
        /// Pages come on first touch instead of at creation.
        const SPARSE = sys::IOMD_BUFFER_SPARSE as u64;
        /// The memory is in pieces of 2 MiB, where they can be had.
        const LARGE = sys::IOMD_BUFFER_LARGE as u64;
        /// All of it is together in physical memory.
        const CONTIGUOUS = sys::IOMD_BUFFER_CONTIGUOUS as u64;
        /// Its mappings are between guards.
        const GUARDED = sys::IOMD_BUFFER_GUARDED as u64;
        /// Copies that are remapped take each page when one side touches it.
        const LAZY_COPY = sys::IOMD_BUFFER_LAZY_COPY as u64;
        const _ = !0;
    }

    /// The flags of a new map.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct MapFlags: u64 {
        /// The mapping lives on when the map's last file descriptor is closed.
        const KEEP = sys::IOMD_MAP_CREATE_KEEP as u64;
        /// The map is in the kernel's own address space.
        const KERNEL = sys::IOMD_MAP_CREATE_KERNEL as u64;
        /// Nobody can hold its pages, as for I/O.
        const UNPINNABLE = sys::IOMD_MAP_CREATE_UNPINNABLE as u64;
        const _ = !0;
    }

    /// The flags of redirecting and suspending.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct RedirectFlags: u64 {
        /// Pages held for I/O make it fail.
        const REFUSE_PINNED = sys::IOMD_REDIRECT_REFUSE_PINNED as u64;
        /// Accesses get `SIGBUS` when the suspension is abandoned.
        const ABANDONED_SIGBUS = sys::IOMD_REDIRECT_ABANDONED_SIGBUS as u64;
        /// The suspension ends when it is abandoned.
        const ABANDONED_RESUME = sys::IOMD_REDIRECT_ABANDONED_RESUME as u64;
        const _ = !0;
    }

    /// The flags of mapping into a task.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct IntoTaskFlags: u64 {
        /// At an address, where nothing may be unless the map overwrites.
        const FIXED = sys::IOMD_INTO_TASK_FIXED as u64;
        /// For reading only.
        const READ_ONLY = sys::IOMD_INTO_TASK_READ_ONLY as u64;
        const _ = !0;
    }

    /// The flags of a range of a descriptor.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct SubFlags: u64 {
        /// There are read-only maps of it only.
        const READ_ONLY = sys::IOMD_SUB_READ_ONLY as u64;
        const _ = !0;
    }

    /// The flags of remapping.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct RemapFlags: u64 {
        /// It is a copy.
        const COPY = sys::IOMD_REMAP_COPY as u64;
        /// The caller says with which protections.
        const PROTECTIONS = sys::IOMD_REMAP_PROTECTIONS as u64;
        const _ = !0;
    }

    /// Where what is remapped goes: `VM_FLAGS_…` of Mach.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct VmFlags: u64 {
        /// The first place where it fits.
        const ANYWHERE = sys::IOMD_VM_FLAGS_ANYWHERE as u64;
        /// In place of what is there.
        const OVERWRITE = sys::IOMD_VM_FLAGS_OVERWRITE as u64;
        /// All pages of the bytes, and the first byte's address.
        const RETURN_DATA_ADDR = sys::IOMD_VM_FLAGS_RETURN_DATA_ADDR as u64;
        const _ = !0;
    }

    /// The flags of copying.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct CopyFlags: u64 {
        /// Pages held for I/O make it fail.
        const REFUSE_PINNED = sys::IOMD_COPY_REFUSE_PINNED as u64;
        /// The suspended maps go on on the copy.
        const RESUME_ON_TARGET = sys::IOMD_COPY_RESUME_ON_TARGET as u64;
        const _ = !0;
    }
}

impl From<sys::iomd_features> for Features {
    fn from(features: sys::iomd_features) -> Self {
        Self {
            page_size: features.page_size,
            client_calls: features.client_calls,
            descriptor_calls: features.descriptor_calls,
            map_calls: features.map_calls,
            buffer_flags: BufferFlags::from_bits_retain(features.buffer_flags),
            map_flags: MapFlags::from_bits_retain(features.map_flags),
            // The options have 32 bits; the field is wider, as all masks of this query are.
            map_options: MapOptions::from_bits_retain(features.map_options as u32),
            cache_modes: CacheMode::ALL
                .into_iter()
                .filter(|mode| (features.cache_modes >> mode.number()) & 1 == 1)
                .collect(),
            redirect_flags: RedirectFlags::from_bits_retain(features.redirect_flags),
            copy_flags: CopyFlags::from_bits_retain(features.copy_flags),
            task_calls: features.task_calls,
            into_task_flags: IntoTaskFlags::from_bits_retain(features.into_task_flags),
            sub_flags: SubFlags::from_bits_retain(features.sub_flags),
            remap_flags: RemapFlags::from_bits_retain(features.remap_flags),
            vm_flags: VmFlags::from_bits_retain(features.vm_flags),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_modes_come_from_their_bits() {
        let features = sys::iomd_features { cache_modes: 0b1001, ..Default::default() };
        let features = Features::from(features);
        assert_eq!(features.cache_modes, [CacheMode::Default, CacheMode::Copyback]);
    }
}
