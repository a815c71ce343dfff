// SPDX-License-Identifier: GPL-2.0

//! The calls on a map that switch its memory or suspend it.

use super::{
    abandoned,
    argument::Argument,
    check_flags, deadline,
    handle::{DescriptorFile, MapFile},
};
use crate::{
    abi::{
        iomd_redirect, iomd_resume, iomd_suspend, IOMD_NO_DESCRIPTOR,
        IOMD_REDIRECT_ABANDONED_RESUME, IOMD_REDIRECT_ABANDONED_SIGBUS,
        IOMD_REDIRECT_REFUSE_PINNED,
    },
    descriptor::{prepared::Purpose, Descriptor},
    map::{Patience, Target},
    os::file,
    pure::range::PageRange,
};
use kernel::{prelude::*, uaccess::UserPtr};

const REDIRECT_FLAGS: u32 =
    IOMD_REDIRECT_REFUSE_PINNED | IOMD_REDIRECT_ABANDONED_SIGBUS | IOMD_REDIRECT_ABANDONED_RESUME;

/// How long a suspension lasts, from its flags and deadline.
fn patience(flags: u32, deadline_ns: u64) -> Result<Patience> {
    Ok(Patience {
        deadline: deadline(deadline_ns)?,
        abandoned: abandoned(
            flags & IOMD_REDIRECT_ABANDONED_SIGBUS != 0,
            flags & IOMD_REDIRECT_ABANDONED_RESUME != 0,
        )?,
    })
}

impl MapFile {
    pub(super) fn redirect(&self, argument: UserPtr) -> Result<isize> {
        let mut argument = Argument::<iomd_redirect>::read_to_answer(argument)?;
        let redirect = &mut argument.value;
        let map = self.map();

        check_flags(redirect.flags, REDIRECT_FLAGS)?;
        if redirect.options != 0 && redirect.options != map.options().bits() {
            return Err(EINVAL);
        }
        let refuse_pinned = redirect.flags & IOMD_REDIRECT_REFUSE_PINNED != 0;
        let pinned = if redirect.descriptor == IOMD_NO_DESCRIPTOR {
            if redirect.offset != 0 {
                return Err(EINVAL);
            }
            let patience = patience(redirect.flags, redirect.deadline_ns)?;
            self.handle()
                .suspend(self.map().range(), patience, refuse_pinned)?
        } else {
            // What only a suspension has.
            if redirect.flags & !IOMD_REDIRECT_REFUSE_PINNED != 0 || redirect.deadline_ns != 0 {
                return Err(EINVAL);
            }
            let target = self.target(redirect.descriptor, redirect.offset)?;
            self.handle().redirect(target, refuse_pinned)?
        };
        redirect.pinned = pinned as u64;
        argument.answer()
    }

    pub(super) fn suspend(&self, argument: UserPtr) -> Result<isize> {
        let mut argument = Argument::<iomd_suspend>::read_to_answer(argument)?;
        let suspend = &mut argument.value;

        check_flags(suspend.flags, REDIRECT_FLAGS)?;
        let patience = patience(suspend.flags, suspend.deadline_ns)?;
        let range = PageRange::part(self.map().range(), suspend.offset, suspend.length)?;
        let refuse_pinned = suspend.flags & IOMD_REDIRECT_REFUSE_PINNED != 0;
        suspend.pinned = self.handle().suspend(range, patience, refuse_pinned)? as u64;
        argument.answer()
    }

    /// New memory for the map: what `descriptor` has from `offset` on.
    pub(super) fn target(&self, descriptor: i32, offset: u64) -> Result<Target> {
        let map = self.map();
        let target = file::Descriptor::<DescriptorFile>::get(descriptor)?;
        let descriptor = target.object().descriptor();
        let (range, page_offset) = descriptor.pages_from(offset, map.range().pages())?;

        if map.options().needs_write() && !target.object().may_write(target.access()) {
            return Err(EACCES);
        }
        // Else its first byte would be another.
        if page_offset != map.page_offset() {
            return Err(EINVAL);
        }
        let purpose = Purpose::showing(map.options().needs_write());
        Descriptor::prepare(descriptor, range, purpose).map(Target)
    }

    pub(super) fn resume(&self, argument: UserPtr) -> Result<isize> {
        let argument = Argument::<iomd_resume>::read(argument)?;

        check_flags(argument.value.flags, 0)?;
        let range = PageRange::part(
            self.map().range(),
            argument.value.offset,
            argument.value.length,
        )?;
        self.handle().resume(range)?;
        Ok(0)
    }
}
