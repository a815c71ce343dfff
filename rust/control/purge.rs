// SPDX-License-Identifier: GPL-2.0

//! IOMemoryDescriptor::setPurgeable: a call on a descriptor's file, and how its states are told.

use super::{argument::Argument, check_flags, handle::DescriptorFile};
use crate::{
    abi::{
        iomd_set_purgeable, IOMD_PURGEABLE_EMPTY, IOMD_PURGEABLE_KEEP_CURRENT,
        IOMD_PURGEABLE_MODIFIERS, IOMD_PURGEABLE_NON_VOLATILE, IOMD_PURGEABLE_VOLATILE,
    },
    descriptor::Descriptor,
    os::file,
    pure::purge::Purgeable,
};
use kernel::{fs::File, prelude::*, uaccess::UserPtr};

/// A state in the ABI.
pub(super) fn number(state: Purgeable) -> u32 {
    match state {
        Purgeable::NonVolatile => IOMD_PURGEABLE_NON_VOLATILE,
        Purgeable::Volatile => IOMD_PURGEABLE_VOLATILE,
        Purgeable::Empty => IOMD_PURGEABLE_EMPTY,
    }
}

/// A state in /proc.
pub(super) fn name(state: Purgeable) -> &'static CStr {
    match state {
        Purgeable::NonVolatile => c"non-volatile",
        Purgeable::Volatile => c"volatile",
        Purgeable::Empty => c"empty",
    }
}

impl DescriptorFile {
    pub(super) fn set_purgeable(&self, file: &File, argument: UserPtr) -> Result<isize> {
        let mut argument = Argument::<iomd_set_purgeable>::read_to_answer(argument)?;
        let set = &mut argument.value;

        check_flags(set.flags, 0)?;
        let wanted = match set.state & !IOMD_PURGEABLE_MODIFIERS {
            IOMD_PURGEABLE_KEEP_CURRENT => None,
            IOMD_PURGEABLE_NON_VOLATILE => Some(Purgeable::NonVolatile),
            IOMD_PURGEABLE_VOLATILE => Some(Purgeable::Volatile),
            IOMD_PURGEABLE_EMPTY => Some(Purgeable::Empty),
            _ => return Err(EINVAL),
        };
        if set.state & IOMD_PURGEABLE_MODIFIERS != 0 {
            return Err(EOPNOTSUPP);
        }
        let old = match wanted {
            None => self.descriptor().purgeable(),
            Some(_) if !self.may_write(file::access(file)) => return Err(EACCES),
            Some(wanted) => Descriptor::set_purgeable(self.descriptor(), wanted)?,
        };
        set.old_state = number(old);
        argument.answer()
    }
}
