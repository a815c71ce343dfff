// SPDX-License-Identifier: GPL-2.0

//! Calls on the file of a Static map: a map that only says where something is.

use super::{
    argument::Argument,
    check_flags,
    handle::{reopen, StaticMapFile},
    map_info,
};
use crate::{
    abi::{
        iomd_unmap, IOMD_MAPPED_READ, IOMD_MAPPED_WRITE, IOMD_MAP_DMA_BUF_EXPORT, IOMD_MAP_INFO,
        IOMD_MAP_INTO_TASK, IOMD_MAP_REOPEN, IOMD_MAP_SEAL, IOMD_MAP_SEGMENT, IOMD_MAP_WIRE,
        IOMD_REDIRECT, IOMD_RESUME, IOMD_SUSPEND, IOMD_UNMAP,
    },
    os::file::{FileObject, FileOperations},
};
use kernel::{fs::File, prelude::*, seq_file::SeqFile, uaccess::UserPtr};

impl StaticMapFile {
    fn unmap(&self, argument: UserPtr) -> Result<isize> {
        let argument = Argument::<iomd_unmap>::read(argument)?;

        check_flags(argument.value.flags, 0)?;
        self.map().end();
        Ok(0)
    }
}

impl FileObject for StaticMapFile {
    const NAME: &'static CStr = c"[iomd-static-map]";

    fn operations() -> &'static FileOperations<Self> {
        static OPERATIONS: FileOperations<StaticMapFile> = FileOperations::new();
        &OPERATIONS
    }

    fn ioctl(&self, _file: &File, command: u32, argument: UserPtr) -> Result<isize> {
        match command {
            IOMD_MAP_INFO => map_info::answer(argument, || self.map().info()),
            IOMD_UNMAP => self.unmap(argument),
            IOMD_MAP_REOPEN => reopen(argument, || Self::open(self.map().clone())),
            // Of a map that is not Unique the first three are refused too. The others need a mapping
            // of one's own.
            IOMD_REDIRECT
            | IOMD_SUSPEND
            | IOMD_RESUME
            | IOMD_MAP_SEAL
            | IOMD_MAP_INTO_TASK
            | IOMD_MAP_SEGMENT
            | IOMD_MAPPED_READ
            | IOMD_MAPPED_WRITE
            | IOMD_MAP_WIRE
            | IOMD_MAP_DMA_BUF_EXPORT => Err(EPERM),
            _ => Err(ENOTTY),
        }
    }

    fn show_fdinfo(&self, lines: &SeqFile) {
        // Where it is would take the mmap lock of its task.
        map_info::show(lines, &self.map().facts());
    }
}
