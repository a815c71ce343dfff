// SPDX-License-Identifier: GPL-2.0

//! The calls that make a descriptor of a dma-buf, and a dma-buf of a descriptor or a map.

use super::{
    argument::Argument,
    check_flags, check_padding,
    handle::{DescriptorFile, MapFile},
};
use crate::{
    abi::{iomd_dma_buf_export, iomd_dma_buf_import, iomd_map_dma_buf_export},
    descriptor::{prepared::Purpose, Descriptor},
    map::{Handle, Inheritance, Map, Request},
    os::{
        dma_buf::import::DmaBuf,
        file::{self, Access},
    },
    pure::options::Options,
};
use kernel::{fs::File, prelude::*, uaccess::UserPtr};

pub(super) fn import(argument: UserPtr) -> Result<isize> {
    let mut argument = Argument::<iomd_dma_buf_import>::read_to_answer(argument)?;
    let import = &mut argument.value;

    check_flags(import.flags, 0)?;
    let dma_buf = DmaBuf::get(import.dma_buf)?;
    let descriptor = Descriptor::new_dma_buf(dma_buf, import.offset, import.length)?;

    import.id = descriptor.id();
    argument.answer_with_file(
        DescriptorFile::open(descriptor, Access::ReadWrite)?,
        |import, fd| import.fd = fd,
    )
}

impl DescriptorFile {
    pub(super) fn export(&self, file: &File, argument: UserPtr) -> Result<isize> {
        let mut argument = Argument::<iomd_dma_buf_export>::read_to_answer(argument)?;

        check_flags(argument.value.flags, 0)?;
        check_padding(argument.value.padding)?;
        let descriptor = self.descriptor();
        let cover = descriptor.cover(0, 0)?;
        // So that a copy can move it.
        let options = Options::client_mapping(self.may_write(file::access(file)));
        let purpose = Purpose::showing(options.needs_write());
        let map = Map::new(Request {
            memory: Descriptor::prepare(descriptor, cover.pages, purpose)?,
            cover,
            options,
            inheritance: Inheritance::Share,
            keep: false,
            in_kernel: false,
            unpinnable: false,
        })?;

        argument.value.id = map.id();
        argument.answer_with_file(Handle::new(map)?.export()?, |export, fd| export.fd = fd)
    }
}

impl MapFile {
    pub(super) fn export(&self, argument: UserPtr) -> Result<isize> {
        let argument = Argument::<iomd_map_dma_buf_export>::read_to_answer(argument)?;

        check_flags(argument.value.flags, 0)?;
        check_padding(argument.value.padding)?;
        argument.answer_with_file(self.handle().export()?, |export, fd| export.fd = fd)
    }
}
