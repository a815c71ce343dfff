// SPDX-License-Identifier: GPL-2.0

//! The calls that prepare and complete a descriptor. What an open file prepared it completes itself
//! when it is closed: so memory of others is not held for who is gone.

use super::{argument::Argument, check_flags, check_padding, direction, handle::DescriptorFile};
use crate::{
    abi::{iomd_complete, iomd_prepare},
    descriptor::{
        prepared::{Prepared, Purpose},
        Descriptor,
    },
};
use kernel::{prelude::*, uaccess::UserPtr};

/// What an open file prepared, and did not complete: one for all, and how many they are. They are as
/// good as each other, all being of the whole descriptor.
pub(super) struct Preparations {
    prepared: Option<Prepared>,
    count: usize,
}

impl Preparations {
    pub(super) const fn none() -> Self {
        Self {
            prepared: None,
            count: 0,
        }
    }

    /// One more; what is to be dropped, as there is one already that holds the same. `ENOMEM` if they
    /// cannot be counted.
    fn add(&mut self, prepared: Prepared) -> Result<Option<Prepared>> {
        self.count = self.count.checked_add(1).ok_or(ENOMEM)?;
        if self.prepared.is_some() {
            return Ok(Some(prepared));
        }
        self.prepared = Some(prepared);
        Ok(None)
    }

    /// One less; what is to be dropped, if it was the last. `EINVAL` if there is none.
    fn remove(&mut self) -> Result<Option<Prepared>> {
        self.count = self.count.checked_sub(1).ok_or(EINVAL)?;
        if self.count == 0 {
            return Ok(self.prepared.take());
        }
        Ok(None)
    }
}

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
        let spare = self.preparations().lock().add(prepared)?;
        drop(spare);
        Ok(0)
    }

    pub(super) fn complete(&self, argument: UserPtr) -> Result<isize> {
        let argument = Argument::<iomd_complete>::read(argument)?;

        check_flags(argument.value.flags, 0)?;
        let last = self.preparations().lock().remove()?;
        // Without the lock, for there can be many pages.
        drop(last);
        Ok(0)
    }
}
