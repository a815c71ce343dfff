// SPDX-License-Identifier: GPL-2.0

//! Single accesses to a map in the kernel: IOMappedRead8 and its like.

use super::{argument::Argument, check_flags, check_padding, handle::MapFile};
use crate::{
    abi::{iomd_mapped_read, iomd_mapped_write},
    pure::width::Width,
};
use kernel::{prelude::*, uaccess::UserPtr};

impl MapFile {
    pub(super) fn mapped_read(&self, argument: UserPtr) -> Result<isize> {
        let mut argument = Argument::<iomd_mapped_read>::read_to_answer(argument)?;
        let read = &mut argument.value;

        check_flags(read.flags, 0)?;
        check_padding(read.padding)?;
        let width = Width::new(read.width).ok_or(EINVAL)?;
        read.value = self.map().read(read.offset, width)?;
        argument.answer()
    }

    pub(super) fn mapped_write(&self, argument: UserPtr) -> Result<isize> {
        let argument = Argument::<iomd_mapped_write>::read(argument)?;
        let write = &argument.value;

        check_flags(write.flags, 0)?;
        check_padding(write.padding)?;
        let width = Width::new(write.width)
            .filter(|width| width.holds(write.value))
            .ok_or(EINVAL)?;
        self.map().write(write.offset, width, write.value)?;
        Ok(0)
    }
}
