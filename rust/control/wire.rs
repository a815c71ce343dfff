// SPDX-License-Identifier: GPL-2.0

//! The call that wires pages of a map.

use super::{argument::Argument, check_flags, check_padding, handle::MapFile};
use crate::{
    abi::{iomd_map_wire, IOMD_DIRECTION_IN, IOMD_DIRECTION_OUT},
    pure::range::PageRange,
};
use kernel::{prelude::*, uaccess::UserPtr};

impl MapFile {
    pub(super) fn wire(&self, argument: UserPtr) -> Result<isize> {
        let argument = Argument::<iomd_map_wire>::read(argument)?;
        let wire = &argument.value;

        check_flags(wire.flags, 0)?;
        check_padding(wire.padding)?;
        check_flags(wire.direction, IOMD_DIRECTION_IN | IOMD_DIRECTION_OUT)?;
        let position = wire
            .offset
            .checked_add(self.map().page_offset())
            .ok_or(EOVERFLOW)?;
        let range = PageRange::covering(self.map().range(), position, wire.length)?;
        if wire.direction == 0 {
            self.handle().unwire(range)?;
        } else {
            self.handle().wire(range)?;
        }
        Ok(0)
    }
}
