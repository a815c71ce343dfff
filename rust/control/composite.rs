// SPDX-License-Identifier: GPL-2.0

//! The calls that make descriptors of descriptors, and the guard that goes between them.

use super::{
    argument::{self, Argument},
    check_flags, check_padding,
    handle::DescriptorFile,
};
use crate::{
    abi::{
        iomd_guard_create, iomd_interleaved_create, iomd_multi_create, iomd_sub_create,
        IOMD_PARTS_MAX, IOMD_SUB_READ_ONLY,
    },
    descriptor::{composite::Given, Descriptor},
    os::file::{self, Access},
};
use kernel::{fs::File, prelude::*, uaccess::UserPtr};

/// The parts that an array of file descriptors names.
fn parts(address: u64, count: u32) -> Result<KVec<Given>> {
    if count == 0 || count > IOMD_PARTS_MAX {
        return Err(EINVAL);
    }
    let mut parts = KVec::new();

    argument::for_each::<i32>(address, count, |fd| {
        let part = file::Descriptor::<DescriptorFile>::get(fd)?;
        let given = Given {
            descriptor: part.object().descriptor().clone(),
            writable: part.object().may_write(part.access()),
        };
        Ok(parts.push(given, GFP_KERNEL)?)
    })?;
    Ok(parts)
}

pub(super) fn multi_create(argument: UserPtr) -> Result<isize> {
    let mut argument = Argument::<iomd_multi_create>::read_to_answer(argument)?;
    let create = &mut argument.value;

    check_flags(create.flags, 0)?;
    let descriptor = Descriptor::new_multi(parts(create.descriptors, create.count)?)?;
    create.id = descriptor.id();
    argument.answer_with_file(
        DescriptorFile::open(descriptor, Access::ReadWrite)?,
        |create, fd| create.fd = fd,
    )
}

pub(super) fn interleaved_create(argument: UserPtr) -> Result<isize> {
    let mut argument = Argument::<iomd_interleaved_create>::read_to_answer(argument)?;
    let create = &mut argument.value;

    check_flags(create.flags, 0)?;
    let parts = parts(create.descriptors, create.count)?;
    let descriptor = Descriptor::new_interleaved(parts, create.granularity)?;
    create.id = descriptor.id();
    argument.answer_with_file(
        DescriptorFile::open(descriptor, Access::ReadWrite)?,
        |create, fd| create.fd = fd,
    )
}

pub(super) fn guard_create(argument: UserPtr) -> Result<isize> {
    let mut argument = Argument::<iomd_guard_create>::read_to_answer(argument)?;
    let create = &mut argument.value;

    check_flags(create.flags, 0)?;
    check_padding(create.padding)?;
    let descriptor = Descriptor::new_guard(create.length)?;
    create.id = descriptor.id();
    argument.answer_with_file(
        DescriptorFile::open(descriptor, Access::ReadWrite)?,
        |create, fd| create.fd = fd,
    )
}

impl DescriptorFile {
    pub(super) fn sub_create(&self, file: &File, argument: UserPtr) -> Result<isize> {
        let mut argument = Argument::<iomd_sub_create>::read_to_answer(argument)?;
        let create = &mut argument.value;

        check_flags(create.flags, IOMD_SUB_READ_ONLY)?;
        check_padding(create.padding)?;
        let writable = create.flags & IOMD_SUB_READ_ONLY == 0;
        if writable && !self.may_write(file::access(file)) {
            return Err(EACCES);
        }
        let parent = Given {
            descriptor: self.descriptor().clone(),
            writable,
        };
        let descriptor = Descriptor::new_sub(parent, create.offset, create.length)?;
        create.id = descriptor.id();
        argument.answer_with_file(Self::open(descriptor, Access::ReadWrite)?, |create, fd| {
            create.fd = fd
        })
    }
}
