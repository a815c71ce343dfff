// SPDX-License-Identifier: GPL-2.0

//! Calls on a task.

use super::{argument::Argument, check_flags, check_padding};
use crate::{
    abi::{iomd_task_info, IOMD_FLUSH_PROCESSOR_CACHE, IOMD_TASK_DEAD, IOMD_TASK_INFO},
    os::file::{self, Access, FileObject, FileOperations},
    registry::Strong,
    task::Task,
};
use kernel::{
    fs::File, prelude::*, seq_file::SeqFile, seq_print, sync::aref::ARef, uaccess::UserPtr,
};

/// A task; whoever has the file may map into it.
pub(super) struct TaskFile(Strong<Task>);

impl TaskFile {
    /// A file of a task. `ENFILE`, `ENOMEM`.
    pub(super) fn open(task: Strong<Task>) -> Result<ARef<File>> {
        file::open(Self(task), Access::ReadWrite)
    }

    pub(super) fn task(&self) -> &Strong<Task> {
        &self.0
    }

    fn info(&self, argument: UserPtr) -> Result<isize> {
        let mut argument = Argument::<iomd_task_info>::read_to_answer(argument)?;
        let info = &mut argument.value;

        check_flags(info.flags, 0)?;
        check_padding(info.padding)?;
        let process = self.task().process();
        info.flags = if process.is_none() { IOMD_TASK_DEAD } else { 0 };
        info.pid = process.unwrap_or(0);
        argument.answer()
    }
}

impl FileObject for TaskFile {
    const NAME: &'static CStr = c"[iomd-task]";

    fn operations() -> &'static FileOperations<Self> {
        static OPERATIONS: FileOperations<TaskFile> = FileOperations::new();
        &OPERATIONS
    }

    fn ioctl(&self, _file: &File, command: u32, argument: UserPtr) -> Result<isize> {
        match command {
            IOMD_TASK_INFO => self.info(argument),
            IOMD_FLUSH_PROCESSOR_CACHE => self.flush_processor_cache(argument),
            _ => Err(ENOTTY),
        }
    }

    fn show_fdinfo(&self, lines: &SeqFile) {
        match self.task().process() {
            Some(process) => seq_print!(lines, "task:\t{process}\n"),
            None => seq_print!(lines, "task:\tdead\n"),
        }
    }
}
