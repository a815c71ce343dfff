// SPDX-License-Identifier: GPL-2.0

//! The call on a descriptor that makes an object for a mapping that a task has already.

use super::{
    argument::Argument,
    check_flags, check_padding,
    handle::{DescriptorFile, MapFile, StaticMapFile},
    task::TaskFile,
};
use crate::{
    abi::iomd_map_existing,
    map::sharing::{AnyMap, Wanted},
    os::file,
    pure::{compatible::Mapping, options::Options, range::PAGE_SIZE},
};
use kernel::{fs::File, prelude::*, uaccess::UserPtr};

impl DescriptorFile {
    pub(super) fn map_existing(&self, file: &File, argument: UserPtr) -> Result<isize> {
        let mut argument = Argument::<iomd_map_existing>::read_to_answer(argument)?;
        let existing = &mut argument.value;

        check_flags(existing.flags, 0)?;
        check_padding(existing.padding)?;
        let options = Options::of_existing(existing.options)?;
        let options = if options.is_anywhere() {
            self.guarded(options)?
        } else {
            options
        };
        let is_misplaced = existing.address % PAGE_SIZE != 0 && !options.is_anywhere();
        if is_misplaced || options.is_static() && options.is_anywhere() {
            return Err(EINVAL);
        }
        let descriptor = self.descriptor();
        let cover = descriptor.cover(existing.offset, existing.length)?;
        if !options.is_read_only() && !self.may_write(file::access(file)) {
            return Err(EACCES);
        }
        let task = file::Descriptor::<TaskFile>::get(existing.task)?;
        let wanted = Wanted {
            descriptor,
            range: cover.pages,
            mapping: Mapping {
                options,
                offset: existing.offset,
                length: cover.length,
                address: existing.address.saturating_add(cover.head),
            },
            task: task.object().task(),
        };
        let found = if options.is_static() {
            wanted.record()
        } else {
            wanted.share()
        }?;

        existing.address = found.address - found.address % PAGE_SIZE;
        let file = match found.object {
            AnyMap::Map(handle) => {
                existing.id = handle.id();
                MapFile::of(handle)
            }
            AnyMap::Static(map) => {
                existing.id = map.id();
                StaticMapFile::open(map)
            }
        }?;
        argument.answer_with_file(file, |existing, fd| existing.fd = fd)
    }
}
