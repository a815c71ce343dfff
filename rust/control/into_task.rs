// SPDX-License-Identifier: GPL-2.0

//! The call that maps a map into a task.

use super::{
    argument::Argument, bytes, check_flags, check_padding, handle::MapFile, patience,
    task::TaskFile,
};
use crate::{
    abi::{iomd_map_into_task, IOMD_INTO_TASK_FIXED, IOMD_INTO_TASK_READ_ONLY},
    os::{
        address_space::{Mapping, Placing},
        file::{self, Access},
        trace,
    },
    pure::range::PageRange,
};
use kernel::{fs::File, prelude::*, uaccess::UserPtr};

impl MapFile {
    pub(super) fn map_into_task(&self, file: &File, argument: UserPtr) -> Result<isize> {
        let mut argument = Argument::<iomd_map_into_task>::read_to_answer(argument)?;
        let into = &mut argument.value;

        check_flags(into.flags, IOMD_INTO_TASK_FIXED | IOMD_INTO_TASK_READ_ONLY)?;
        check_padding(into.padding)?;
        let has = |flag| into.flags & flag != 0;
        let options = self.map().options();
        let address = usize::try_from(into.address).map_err(|_| ENOMEM)?;
        let placing = match (has(IOMD_INTO_TASK_FIXED), options.is_overwriting()) {
            (false, _) => Placing::Anywhere(address),
            (true, false) => Placing::Fixed(address),
            (true, true) => Placing::Over(address),
        };
        let guard = usize::try_from(options.guard()).map_err(|_| ENOMEM)?;
        // Room for guards is looked for together with that for the mapping.
        if guard != 0 && has(IOMD_INTO_TASK_FIXED) {
            return Err(EINVAL);
        }
        let range = PageRange::part(self.map().range(), into.offset, into.length)?;
        let deadline = patience(into.deadline_ns)?;
        let task = file::Descriptor::<TaskFile>::get(into.task)?;
        let read_only = has(IOMD_INTO_TASK_READ_ONLY) || options.is_read_only();
        let access = if read_only {
            Access::Read
        } else {
            Access::ReadWrite
        };
        // Touched by the kernel, a page that is suspended can make the task wait for as long as that
        // lasts, and the caller with it.
        let now = self.map().info();
        let populate = options.is_prefaulted() && !now.suspended && !now.descriptor_suspended;
        let mapping = Mapping {
            placing,
            access,
            length: usize::try_from(bytes(range.pages())).map_err(|_| ENOMEM)?,
            offset: usize::try_from(into.offset).map_err(|_| ERANGE)?,
            populate,
            guard,
        };

        let own = task.file();
        let address = task
            .object()
            .task()
            .map(own, file.into(), mapping, deadline)?;
        let process = task.object().task().process().unwrap_or(0);
        trace::map_into_task(self.map().id(), process, address, range.pages());
        argument.value.address = address as u64;
        argument.answer()
    }
}
