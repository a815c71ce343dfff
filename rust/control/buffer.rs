// SPDX-License-Identifier: GPL-2.0

//! Buffers: memory that is made.

use super::{argument::Argument, check_flags, check_padding, handle::DescriptorFile};
use crate::{
    abi::{
        iomd_buffer_create, IOMD_BUFFER_CONTIGUOUS, IOMD_BUFFER_GUARDED, IOMD_BUFFER_LARGE,
        IOMD_BUFFER_LAZY_COPY, IOMD_BUFFER_SPARSE,
    },
    descriptor::{
        buffer::{Layout, Supply},
        Descriptor,
    },
    os::file::Access,
};
use kernel::{prelude::*, uaccess::UserPtr};

/// The flags of a buffer.
pub(super) const FLAGS: u32 = IOMD_BUFFER_SPARSE
    | IOMD_BUFFER_LARGE
    | IOMD_BUFFER_CONTIGUOUS
    | IOMD_BUFFER_GUARDED
    | IOMD_BUFFER_LAZY_COPY;

/// Serves `IOMD_BUFFER_CREATE`.
pub(super) fn create(argument: UserPtr) -> Result<isize> {
    let mut argument = Argument::<iomd_buffer_create>::read_to_answer(argument)?;
    let create = &mut argument.value;

    check_padding(create.padding)?;
    let descriptor = Descriptor::new_buffer(create.length, supply(create.flags)?)?;

    create.id = descriptor.id();
    argument.answer_with_file(
        DescriptorFile::open(descriptor, Access::ReadWrite)?,
        |create, fd| create.fd = fd,
    )
}

/// What flags say of a buffer's memory.
fn supply(flags: u32) -> Result<Supply> {
    check_flags(flags, FLAGS)?;
    let has = |flag| flags & flag != 0;
    let sparse = has(IOMD_BUFFER_SPARSE);
    let lazy_copy = has(IOMD_BUFFER_LAZY_COPY);
    let layout = match (has(IOMD_BUFFER_LARGE), has(IOMD_BUFFER_CONTIGUOUS)) {
        (false, false) => Layout::Pages,
        // A copy takes single pages, when they fault.
        _ if lazy_copy => return Err(EINVAL),
        (true, false) => Layout::Pieces,
        // Memory that is together comes at once, and in pages.
        (false, true) if !sparse => Layout::Contiguous,
        _ => return Err(EINVAL),
    };

    Ok(Supply {
        sparse,
        layout,
        guarded: has(IOMD_BUFFER_GUARDED),
        lazy_copy,
    })
}
