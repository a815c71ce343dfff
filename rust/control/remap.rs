// SPDX-License-Identifier: GPL-2.0

//! The call that maps memory of a task in another place as well.

use super::{argument::Argument, check_flags, patience, task::TaskFile};
use crate::{
    abi::{
        iomd_remap, IOMD_INHERIT_COPY, IOMD_INHERIT_NONE, IOMD_INHERIT_SHARE, IOMD_REMAP_COPY,
        IOMD_REMAP_PROTECTIONS, IOMD_VM_FLAGS_ANYWHERE, IOMD_VM_FLAGS_OVERWRITE,
        IOMD_VM_FLAGS_RETURN_DATA_ADDR, IOMD_VM_PROT_EXECUTE, IOMD_VM_PROT_READ,
        IOMD_VM_PROT_WRITE,
    },
    os::{file, placing::Spot},
    pure::remap::{Inheritance, Protection, Protections, RemapError, Source},
    remap::Remap,
};
use kernel::{prelude::*, uaccess::UserPtr};

/// The IOMD_REMAP_* bits that are known.
pub(super) const FLAGS: u32 = IOMD_REMAP_COPY | IOMD_REMAP_PROTECTIONS;
/// The IOMD_VM_FLAGS_* bits that are known.
pub(super) const VM_FLAGS: u32 =
    IOMD_VM_FLAGS_ANYWHERE | IOMD_VM_FLAGS_OVERWRITE | IOMD_VM_FLAGS_RETURN_DATA_ADDR;

// The rules know the same numbers.
const _: () = {
    assert!(IOMD_INHERIT_SHARE == 0 && IOMD_INHERIT_COPY == 1 && IOMD_INHERIT_NONE == 2);
    assert!(Protection::READ.bits() == IOMD_VM_PROT_READ);
    assert!(Protection::WRITE.bits() == IOMD_VM_PROT_WRITE);
    assert!(Protection::EXECUTE.bits() == IOMD_VM_PROT_EXECUTE);
};

impl From<RemapError> for Error {
    fn from(error: RemapError) -> Self {
        match error {
            RemapError::Argument => EINVAL,
            RemapError::Address => EFAULT,
            RemapError::NoSpace => ENOSPC,
            RemapError::Protection => EACCES,
            RemapError::Unsupported => EOPNOTSUPP,
        }
    }
}

pub(super) fn remap(argument: UserPtr) -> Result<isize> {
    let mut argument = Argument::<iomd_remap>::read_to_answer(argument)?;
    let remap = &mut argument.value;

    check_flags(remap.flags, FLAGS)?;
    check_flags(remap.vm_flags, VM_FLAGS)?;
    let deadline = patience(remap.deadline_ns)?;
    let target = file::Descriptor::<TaskFile>::get(remap.target_task)?;
    let source = file::Descriptor::<TaskFile>::get(remap.source_task)?;
    let copy = remap.flags & IOMD_REMAP_COPY != 0;
    let inheritance = Inheritance::new(remap.inheritance, copy)?;
    let wanted = if remap.flags & IOMD_REMAP_PROTECTIONS != 0 {
        Some(Protections::wanted(
            remap.cur_protection,
            remap.max_protection,
        )?)
    } else {
        None
    };
    let whole = remap.vm_flags & IOMD_VM_FLAGS_RETURN_DATA_ADDR != 0;
    let pages = Source::new(remap.source_address, remap.length, whole)?;
    let spot = if remap.vm_flags & IOMD_VM_FLAGS_ANYWHERE != 0 {
        Spot::FirstFit {
            hint: remap.target_address,
            mask: remap.mask,
        }
    } else {
        Spot::At {
            address: remap.target_address,
            mask: remap.mask,
            over: remap.vm_flags & IOMD_VM_FLAGS_OVERWRITE != 0,
        }
    };

    let own = target.file();
    let remapped = Remap {
        source_task: source.object().task(),
        source: pages,
        target_task: target.object().task(),
        spot,
        copy,
        inheritance,
        wanted,
        deadline,
    }
    .run(own)?;
    remap.target_address = remapped.address.saturating_add(pages.misalignment);
    remap.cur_protection = remapped.protections.cur.bits();
    remap.max_protection = remapped.protections.max.bits();
    argument.answer()
}
