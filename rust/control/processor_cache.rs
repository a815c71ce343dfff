// SPDX-License-Identifier: GPL-2.0

//! Calls about the processors' caches: IOMemoryDescriptor::performOperation, IOFlushProcessorCache.

use super::{
    argument::Argument, check_flags, check_padding, handle::DescriptorFile, task::TaskFile,
};
use crate::{
    abi::{
        iomd_flush_processor_cache, iomd_perform_operation, IOMD_OPERATION_FLUSH,
        IOMD_OPERATION_STORE,
    },
    descriptor::{prepared::Purpose, processor_cache::Operation},
    map::flush,
};
use kernel::{prelude::*, uaccess::UserPtr};

impl DescriptorFile {
    pub(super) fn perform_operation(&self, argument: UserPtr) -> Result<isize> {
        let argument = Argument::<iomd_perform_operation>::read(argument)?;
        let perform = &argument.value;

        check_flags(perform.flags, 0)?;
        check_padding(perform.padding)?;
        let operation = match perform.operation {
            IOMD_OPERATION_FLUSH => Operation::Flush,
            IOMD_OPERATION_STORE => Operation::Store,
            _ => return Err(EOPNOTSUPP),
        };
        let length = self.descriptor().within(perform.offset, perform.length)?;
        let _memory = self.prepare_bytes(perform.offset, length, Purpose::Look)?;
        self.descriptor()
            .perform(operation, perform.offset, length)?;
        Ok(0)
    }
}

impl TaskFile {
    pub(super) fn flush_processor_cache(&self, argument: UserPtr) -> Result<isize> {
        let argument = Argument::<iomd_flush_processor_cache>::read(argument)?;
        let range = &argument.value;

        check_flags(range.flags, 0)?;
        let address = usize::try_from(range.address).map_err(|_| EFAULT)?;
        let length = usize::try_from(range.length).map_err(|_| EOVERFLOW)?;
        self.task().process().ok_or(ESRCH)?;
        flush::flush(self.task().address_space(), address, length)?;
        Ok(0)
    }
}
