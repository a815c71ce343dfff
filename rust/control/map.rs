// SPDX-License-Identifier: GPL-2.0

//! Calls on a map's file.

use super::{
    argument::Argument,
    bytes, check_flags,
    handle::{DescriptorFile, MapFile},
};
use crate::{
    abi::{
        iomd_map_info, iomd_redirect, iomd_resume, iomd_unmap, IOMD_INHERIT_NONE,
        IOMD_INHERIT_SHARE, IOMD_MAP_ENDED, IOMD_MAP_INFO, IOMD_MAP_SUSPENDED, IOMD_NO_DESCRIPTOR,
        IOMD_REDIRECT, IOMD_REDIRECT_REFUSE_PINNED, IOMD_RESUME, IOMD_UNMAP,
    },
    map::{view, Inheritance, Map, Target},
    os::{
        file::{self, FileObject, FileOperations, Readiness},
        wait::WaitQueue,
    },
};
use kernel::{fs::File, mm::virt::VmaNew, prelude::*, uaccess::UserPtr};

impl MapFile {
    fn info(&self, argument: UserPtr) -> Result<isize> {
        let mut argument = Argument::<iomd_map_info>::read_to_answer(argument)?;
        let info = &mut argument.value;

        check_flags(info.flags, 0)?;
        let map = self.map();
        let now = map.info();
        let (task, address) = now.holder.unwrap_or((0, 0));
        let mut state = 0;
        if now.suspended {
            state |= IOMD_MAP_SUSPENDED;
        }
        if now.ended {
            state |= IOMD_MAP_ENDED;
        }
        *info = iomd_map_info {
            size: info.size,
            flags: 0,
            state,
            options: map.options().bits(),
            inheritance: match map.inheritance() {
                Inheritance::Share => IOMD_INHERIT_SHARE,
                Inheritance::None => IOMD_INHERIT_NONE,
            },
            task,
            id: map.id(),
            descriptor_id: now.descriptor_id,
            offset: bytes(now.first_page),
            length: map.length(),
            mapped_size: bytes(map.range().pages()),
            address: address as u64,
            generation: now.generation,
            redirects: now.redirects,
            faults: now.faults,
            waiters: now.waiters,
            waits: now.waits,
            longest_wait_ns: now.longest_wait_ns,
        };
        argument.answer()
    }

    fn redirect(&self, argument: UserPtr) -> Result<isize> {
        let mut argument = Argument::<iomd_redirect>::read_to_answer(argument)?;
        let redirect = &mut argument.value;
        let map = self.map();

        check_flags(redirect.flags, IOMD_REDIRECT_REFUSE_PINNED)?;
        if redirect.options != 0 && redirect.options != map.options().bits() {
            return Err(EINVAL);
        }
        let target = if redirect.descriptor == IOMD_NO_DESCRIPTOR {
            if redirect.offset != 0 {
                return Err(EINVAL);
            }
            None
        } else {
            let target = file::Descriptor::<DescriptorFile>::get(redirect.descriptor)?;
            let descriptor = target.object().descriptor().clone();
            let range = map.range().moved_to(descriptor.range(), redirect.offset)?;
            if !map.options().is_read_only() && !target.access().is_writable() {
                return Err(EACCES);
            }
            Some(Target { descriptor, range })
        };

        let refuse_pinned = redirect.flags & IOMD_REDIRECT_REFUSE_PINNED != 0;
        redirect.pinned = Map::redirect(map, target, refuse_pinned)? as u64;
        argument.answer()
    }

    fn resume(&self, argument: UserPtr) -> Result<isize> {
        let argument = Argument::<iomd_resume>::read(argument)?;

        check_flags(argument.value.flags, 0)?;
        self.map().resume()?;
        Ok(0)
    }

    fn unmap(&self, argument: UserPtr) -> Result<isize> {
        let argument = Argument::<iomd_unmap>::read(argument)?;

        check_flags(argument.value.flags, 0)?;
        self.map().end();
        Ok(0)
    }
}

impl FileObject for MapFile {
    const NAME: &'static CStr = c"[iomd-map]";

    fn operations() -> &'static FileOperations<Self> {
        static OPERATIONS: FileOperations<MapFile> = FileOperations::new();
        &OPERATIONS
    }

    fn ioctl(&self, _file: &File, command: u32, argument: UserPtr) -> Result<isize> {
        match command {
            IOMD_MAP_INFO => self.info(argument),
            IOMD_REDIRECT => self.redirect(argument),
            IOMD_RESUME => self.resume(argument),
            IOMD_UNMAP => self.unmap(argument),
            _ => Err(ENOTTY),
        }
    }

    fn mmap(&self, file: &File, vma: &VmaNew) -> Result {
        view::show(self.map(), file::access(file), vma)
    }

    fn poll_queue(&self) -> Option<&WaitQueue> {
        Some(self.map().pollers())
    }

    fn readiness(&self) -> Readiness {
        Readiness {
            readable: self.map().has_waiters(),
            hung_up: self.map().has_ended(),
        }
    }
}
