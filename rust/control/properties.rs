// SPDX-License-Identifier: GPL-2.0

//! Small calls on a descriptor: IOBufferMemoryDescriptor::setLength, IOMemoryDescriptor::setTag,
//! getPageCounts.

use super::{argument::Argument, check_flags, check_padding, handle::DescriptorFile};
use crate::{
    abi::{iomd_page_counts, iomd_set_length, iomd_set_tag},
    os::file,
};
use kernel::{fs::File, prelude::*, uaccess::UserPtr};

impl DescriptorFile {
    pub(super) fn set_length(&self, file: &File, argument: UserPtr) -> Result<isize> {
        let argument = Argument::<iomd_set_length>::read(argument)?;

        check_flags(argument.value.flags, 0)?;
        if !file::access(file).is_writable() {
            return Err(EACCES);
        }
        self.descriptor().set_length(argument.value.length)?;
        Ok(0)
    }

    pub(super) fn set_tag(&self, file: &File, argument: UserPtr) -> Result<isize> {
        let argument = Argument::<iomd_set_tag>::read(argument)?;

        check_flags(argument.value.flags, 0)?;
        check_padding(argument.value.padding)?;
        if !file::access(file).is_writable() {
            return Err(EACCES);
        }
        self.descriptor().set_tag(argument.value.tag);
        Ok(0)
    }

    pub(super) fn page_counts(&self, argument: UserPtr) -> Result<isize> {
        let mut argument = Argument::<iomd_page_counts>::read_to_answer(argument)?;
        let counts = &mut argument.value;

        check_flags(counts.flags, 0)?;
        counts.resident = self.descriptor().resident() as u64;
        // What is in memory is written nowhere else, changed or not.
        counts.dirty = counts.resident;
        argument.answer()
    }
}
