// SPDX-License-Identifier: GPL-2.0

//! The calls on a client that make descriptors of memory of others.

use super::{
    argument::{self, Argument},
    check_flags, check_padding, direction,
    handle::DescriptorFile,
    task::TaskFile,
};
use crate::{
    abi::{
        iomd_address_range, iomd_address_ranges_create, iomd_memfd_import, iomd_physical_create,
        IOMD_ADDRESS_RANGES_MAX,
    },
    descriptor::{
        address_ranges::Ranges,
        memfd::FileRange,
        Descriptor, //
    },
    os::{
        file::{self, Access},
        memory_file::MemoryFile,
        physical::check_lockdown,
        user,
    },
    pure::range::AddressRange,
};
use kernel::{prelude::*, sync::Arc, uaccess::UserPtr};

pub(super) fn address_ranges_create(argument: UserPtr) -> Result<isize> {
    let mut argument = Argument::<iomd_address_ranges_create>::read_to_answer(argument)?;
    let create = &mut argument.value;

    check_flags(create.flags, 0)?;
    let direction = direction(create.direction)?;
    if create.count == 0 || create.count > IOMD_ADDRESS_RANGES_MAX {
        return Err(EINVAL);
    }
    let task = file::Descriptor::<TaskFile>::get(create.task)?;
    let task = task.object().task();
    let mut ranges = KVVec::with_capacity(create.count as usize, GFP_KERNEL_ACCOUNT)?;
    argument::for_each::<iomd_address_range>(create.ranges, create.count, |range| {
        let range = AddressRange::new(range.address, range.length)?;
        Ok(ranges.push(range, GFP_KERNEL_ACCOUNT)?)
    })?;
    if task.process().is_none() {
        return Err(ESRCH);
    }
    let source = Ranges {
        address_space: task.address_space().clone(),
        ranges,
        direction,
    };
    let descriptor = Descriptor::new_address_ranges(Arc::new(source, GFP_KERNEL_ACCOUNT)?)?;

    create.id = descriptor.id();
    argument.answer_with_file(
        DescriptorFile::open(descriptor, Access::ReadWrite)?,
        |create, fd| create.fd = fd,
    )
}

pub(super) fn physical_create(argument: UserPtr) -> Result<isize> {
    let mut argument = Argument::<iomd_physical_create>::read_to_answer(argument)?;
    let create = &mut argument.value;

    check_flags(create.flags, 0)?;
    let direction = direction(create.direction)?;
    if !user::may_reach_raw_memory() {
        return Err(EPERM);
    }
    check_lockdown()?;
    let range = AddressRange::new(create.address, create.length)?;
    let descriptor = Descriptor::new_physical(range, direction)?;

    create.id = descriptor.id();
    argument.answer_with_file(
        DescriptorFile::open(descriptor, Access::ReadWrite)?,
        |create, fd| create.fd = fd,
    )
}

pub(super) fn memfd_import(argument: UserPtr) -> Result<isize> {
    let mut argument = Argument::<iomd_memfd_import>::read_to_answer(argument)?;
    let import = &mut argument.value;

    check_flags(import.flags, 0)?;
    check_padding(import.padding)?;
    let direction = direction(import.direction)?;
    let file = MemoryFile::get(import.memfd, direction.writes())?;
    let length = match import.length {
        0 => file
            .length()
            .checked_sub(import.offset)
            .filter(|&rest| rest != 0)
            .ok_or(ERANGE)?,
        length => length,
    };
    let range = AddressRange::new(import.offset, length)?;
    let source = FileRange {
        file,
        range,
        direction,
    };
    let descriptor = Descriptor::new_memfd(Arc::new(source, GFP_KERNEL_ACCOUNT)?)?;

    import.id = descriptor.id();
    argument.answer_with_file(
        DescriptorFile::open(descriptor, Access::ReadWrite)?,
        |import, fd| import.fd = fd,
    )
}
