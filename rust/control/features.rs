// SPDX-License-Identifier: GPL-2.0

//! What this module can do, of all that programs may ask of one.

use super::{argument::Argument, buffer, cache_modes, check_flags, descriptor::MAP_FLAGS, remap};
use crate::{
    abi::*,
    pure::{options::HONOURED, range::PAGE_SIZE},
};
use kernel::{prelude::*, uaccess::UserPtr};

/// A call, as one bit among those of its kind of file.
const fn bit(command: u32) -> u64 {
    1 << (command & 0x1f)
}

/// Answers `IOMD_FEATURES`.
pub(super) fn features(argument: UserPtr) -> Result<isize> {
    let mut argument = Argument::<iomd_features>::read_to_answer(argument)?;
    let features = &mut argument.value;

    check_flags(features.flags, 0)?;
    *features = iomd_features {
        size: features.size,
        flags: 0,
        page_size: PAGE_SIZE as u32,
        reserved: 0,
        client_calls: bit(IOMD_FEATURES)
            | bit(IOMD_BUFFER_CREATE)
            | bit(IOMD_OBJECT_NEXT)
            | bit(IOMD_OBJECT_OPEN)
            | bit(IOMD_REDIRECT_BATCH)
            | bit(IOMD_TASK_OPEN)
            | bit(IOMD_MULTI_CREATE)
            | bit(IOMD_INTERLEAVED_CREATE)
            | bit(IOMD_GUARD_CREATE)
            | bit(IOMD_ADDRESS_RANGES_CREATE)
            | bit(IOMD_MEMFD_IMPORT)
            | bit(IOMD_PHYSICAL_CREATE)
            | bit(IOMD_DMA_BUF_IMPORT)
            | bit(IOMD_REMAP),
        descriptor_calls: bit(IOMD_DESCRIPTOR_INFO)
            | bit(IOMD_DESCRIPTOR_REOPEN)
            | bit(IOMD_MAP_CREATE)
            | bit(IOMD_COPY)
            | bit(IOMD_DESCRIPTOR_SUSPEND)
            | bit(IOMD_DESCRIPTOR_RESUME)
            | bit(IOMD_SET_PURGEABLE)
            | bit(IOMD_MAP_EXISTING)
            | bit(IOMD_SUB_CREATE)
            | bit(IOMD_PREPARE)
            | bit(IOMD_COMPLETE)
            | bit(IOMD_DMA_BUF_EXPORT)
            | bit(IOMD_READ_BYTES)
            | bit(IOMD_WRITE_BYTES)
            | bit(IOMD_SET_LENGTH)
            | bit(IOMD_SET_TAG)
            | bit(IOMD_PERFORM_OPERATION)
            | bit(IOMD_PAGE_COUNTS),
        map_calls: bit(IOMD_MAP_INFO)
            | bit(IOMD_REDIRECT)
            | bit(IOMD_RESUME)
            | bit(IOMD_UNMAP)
            | bit(IOMD_MAP_REOPEN)
            | bit(IOMD_MAP_SEAL)
            | bit(IOMD_SUSPEND)
            | bit(IOMD_MAP_INTO_TASK)
            | bit(IOMD_MAP_SEGMENT)
            | bit(IOMD_MAP_DMA_BUF_EXPORT)
            | bit(IOMD_MAPPED_READ)
            | bit(IOMD_MAPPED_WRITE)
            | bit(IOMD_MAP_WIRE),
        buffer_flags: buffer::FLAGS.into(),
        map_flags: MAP_FLAGS.into(),
        map_options: HONOURED.into(),
        cache_modes: cache_modes().into(),
        redirect_flags: (IOMD_REDIRECT_REFUSE_PINNED
            | IOMD_REDIRECT_ABANDONED_SIGBUS
            | IOMD_REDIRECT_ABANDONED_RESUME)
            .into(),
        copy_flags: (IOMD_COPY_REFUSE_PINNED | IOMD_COPY_RESUME_ON_TARGET).into(),
        task_calls: bit(IOMD_TASK_INFO) | bit(IOMD_FLUSH_PROCESSOR_CACHE),
        into_task_flags: (IOMD_INTO_TASK_FIXED | IOMD_INTO_TASK_READ_ONLY).into(),
        sub_flags: IOMD_SUB_READ_ONLY.into(),
        remap_flags: remap::FLAGS.into(),
        vm_flags: remap::VM_FLAGS.into(),
    };
    argument.answer()
}
