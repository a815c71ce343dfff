// SPDX-License-Identifier: GPL-2.0

//! The calls that prepare and complete a descriptor. What an open file prepared it completes itself
//! when it is closed: so memory of others is not held for who is gone.

use super::{argument::Argument, check_flags, check_padding, direction, handle::DescriptorFile};
use crate::{
    abi::{iomd_complete, iomd_prepare},
    descriptor::{prepared::Purpose, Descriptor},
};
use kernel::{prelude::*, uaccess::UserPtr};

impl DescriptorFile {
    pub(super) fn prepare(&self, argument: UserPtr) -> Result<isize> {
        let argument = Argument::<iomd_prepare>::read(argument)?;
        let prepare = &argument.value;

        check_flags(prepare.flags, 0)?;
        check_padding(prepare.padding)?;
        let direction = match prepare.direction {
            0 => self.descriptor().direction(),
            number => direction(number)?,
        };
        let purpose = if direction.writes() {
            Purpose::Write
        } else {
            Purpose::Read
        };
        let descriptor = self.descriptor();
        let prepared = Descriptor::prepare(descriptor, descriptor.range(), purpose)?;
        prepared.bring()?;
        self.preparations()
            .lock()
            .push(prepared, GFP_KERNEL_ACCOUNT)?;
        Ok(0)
    }

    pub(super) fn complete(&self, argument: UserPtr) -> Result<isize> {
        let argument = Argument::<iomd_complete>::read(argument)?;

        check_flags(argument.value.flags, 0)?;
        let prepared = self.preparations().lock().pop();
        // Without the lock: it can be the last, and then there can be many pages.
        prepared.map(drop).ok_or(EINVAL)?;
        Ok(0)
    }
}
