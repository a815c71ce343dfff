// SPDX-License-Identifier: GPL-2.0

//! Calls on a descriptor's file.

use super::{
    abandoned,
    argument::Argument,
    bytes, cache_modes, check_flags, check_padding, deadline,
    handle::{DescriptorFile, MapFile},
    purge,
};
use crate::{
    abi::{
        iomd_copy, iomd_descriptor_info, iomd_descriptor_reopen, iomd_descriptor_resume,
        iomd_descriptor_suspend, iomd_map_create, IOMD_COMPLETE, IOMD_COPY,
        IOMD_COPY_REFUSE_PINNED, IOMD_COPY_RESUME_ON_TARGET, IOMD_DESCRIPTOR_INFO,
        IOMD_DESCRIPTOR_READ_ONLY, IOMD_DESCRIPTOR_REOPEN, IOMD_DESCRIPTOR_RESUME,
        IOMD_DESCRIPTOR_SUSPEND, IOMD_DMA_BUF_EXPORT, IOMD_INHERIT_COPY, IOMD_INHERIT_NONE,
        IOMD_INHERIT_SHARE, IOMD_MAP_CREATE, IOMD_MAP_CREATE_KEEP, IOMD_MAP_CREATE_KERNEL,
        IOMD_MAP_CREATE_UNPINNABLE, IOMD_MAP_EXISTING, IOMD_OPEN_READ_ONLY, IOMD_PAGE_COUNTS,
        IOMD_PERFORM_OPERATION, IOMD_PREPARE, IOMD_READ_BYTES, IOMD_REOPEN_PERSISTENT,
        IOMD_SET_LENGTH, IOMD_SET_PURGEABLE, IOMD_SET_TAG, IOMD_SUB_CREATE,
        IOMD_SUSPEND_ABANDONED_RESUME, IOMD_SUSPEND_ABANDONED_SIGBUS, IOMD_SUSPEND_SPARE_CALLER,
        IOMD_WRITE_BYTES,
    },
    descriptor::{
        copy::Copy, preparation::Preparation, prepared::Purpose, suspend::DescriptorSuspension,
        Descriptor,
    },
    map::{Inheritance, Map, Request},
    os::{
        address_space::KeptAddressSpace,
        file::{self, Access, FileObject, FileOperations},
        user,
    },
    pure::{cache::CacheMode, options::Options},
    suspension::{Suspension, Terms},
};
use kernel::{fs::File, prelude::*, seq_file::SeqFile, seq_print, uaccess::UserPtr};

/// The flags of a new map.
pub(super) const MAP_FLAGS: u32 =
    IOMD_MAP_CREATE_KEEP | IOMD_MAP_CREATE_KERNEL | IOMD_MAP_CREATE_UNPINNABLE;

impl DescriptorFile {
    fn info(&self, file: &File, argument: UserPtr) -> Result<isize> {
        let mut argument = Argument::<iomd_descriptor_info>::read_to_answer(argument)?;
        let info = &mut argument.value;

        check_flags(info.flags, 0)?;
        check_padding(info.purgeable)?;
        *info = iomd_descriptor_info {
            size: info.size,
            flags: if self.may_write(file::access(file)) {
                0
            } else {
                IOMD_DESCRIPTOR_READ_ONLY
            },
            id: self.descriptor().id(),
            length: self.descriptor().length(),
            resident: bytes(self.descriptor().resident()),
            maps: self.descriptor().observer_count() as u64,
            kind: self.descriptor().kind().number,
            purgeable: purge::number(self.descriptor().purgeable()),
            parts: self.descriptor().parts().len() as u64,
            direction: self.descriptor().direction().number(),
            tag: self.descriptor().tag(),
            capacity: self.descriptor().capacity(),
            preparation_id: self
                .descriptor()
                .preparation()
                .map_or(0, Preparation::number),
        };
        argument.answer()
    }

    /// The options of a map of it, from those that were asked for.
    pub(super) fn guarded(&self, options: Options) -> Result<Options> {
        if self.descriptor().is_guarded() {
            Ok(options.guarded()?)
        } else {
            Ok(options)
        }
    }

    fn reopen(&self, file: &File, argument: UserPtr) -> Result<isize> {
        let argument = Argument::<iomd_descriptor_reopen>::read_to_answer(argument)?;
        let reopen = &argument.value;

        check_flags(reopen.flags, IOMD_OPEN_READ_ONLY | IOMD_REOPEN_PERSISTENT)?;
        check_padding(reopen.padding)?;
        let read_only =
            reopen.flags & IOMD_OPEN_READ_ONLY != 0 || !file::access(file).is_writable();
        let access = if read_only {
            Access::Read
        } else {
            Access::ReadWrite
        };
        let descriptor = if reopen.flags & IOMD_REOPEN_PERSISTENT != 0 {
            Descriptor::persistent(self.descriptor())?
        } else {
            self.descriptor().clone()
        };
        argument.answer_with_file(Self::open(descriptor, access)?, |reopen, fd| reopen.fd = fd)
    }

    fn map_create(&self, file: &File, argument: UserPtr) -> Result<isize> {
        let mut argument = Argument::<iomd_map_create>::read_to_answer(argument)?;
        let create = &mut argument.value;

        check_flags(create.flags, MAP_FLAGS)?;
        let options = self.guarded(Options::new(create.options)?)?;
        if cache_modes() & (1 << options.cache_number()) == 0 {
            return Err(EOPNOTSUPP);
        }
        let inheritance = match create.inheritance {
            IOMD_INHERIT_SHARE => Inheritance::Share,
            IOMD_INHERIT_NONE => Inheritance::None,
            IOMD_INHERIT_COPY => return Err(EOPNOTSUPP),
            _ => return Err(EINVAL),
        };
        let cover = self.descriptor().cover(create.offset, create.length)?;
        if options.needs_write() && !self.may_write(file::access(file)) {
            return Err(EACCES);
        }
        let purpose = Purpose::showing(options.needs_write());
        let map = Map::new(Request {
            memory: Descriptor::prepare(self.descriptor(), cover.pages, purpose)?,
            cover,
            options,
            inheritance,
            keep: create.flags & IOMD_MAP_CREATE_KEEP != 0,
            in_kernel: create.flags & IOMD_MAP_CREATE_KERNEL != 0,
            unpinnable: create.flags & IOMD_MAP_CREATE_UNPINNABLE != 0,
        })?;

        create.id = map.id();
        create.options = map.options().bits();
        create.length = map.length();
        create.page_offset = u32::try_from(map.page_offset()).map_err(|_| EOVERFLOW)?;
        argument.answer_with_file(MapFile::open(map)?, |create, fd| create.fd = fd)
    }

    fn suspend(&self, file: &File, argument: UserPtr) -> Result<isize> {
        let argument = Argument::<iomd_descriptor_suspend>::read(argument)?;
        let suspend = &argument.value;

        check_flags(
            suspend.flags,
            IOMD_SUSPEND_SPARE_CALLER
                | IOMD_SUSPEND_ABANDONED_SIGBUS
                | IOMD_SUSPEND_ABANDONED_RESUME,
        )?;
        let abandoned = abandoned(
            suspend.flags & IOMD_SUSPEND_ABANDONED_SIGBUS != 0,
            suspend.flags & IOMD_SUSPEND_ABANDONED_RESUME != 0,
        )?;
        let deadline = deadline(suspend.deadline_ns)?;
        if !file::access(file).is_writable() {
            return Err(EACCES);
        }
        let spare_caller = suspend.flags & IOMD_SUSPEND_SPARE_CALLER != 0;
        self.descriptor().suspend(DescriptorSuspension {
            suspension: Suspension {
                owner: self.id(),
                abandoned,
                terms: Terms {
                    kernel_may_wait: user::may_suspend_the_kernel(),
                    deadline,
                },
            },
            safe: spare_caller.then(KeptAddressSpace::current).transpose()?,
        })?;
        Ok(0)
    }

    fn resume(&self, file: &File, argument: UserPtr) -> Result<isize> {
        let argument = Argument::<iomd_descriptor_resume>::read(argument)?;

        check_flags(argument.value.flags, 0)?;
        if !file::access(file).is_writable() {
            return Err(EACCES);
        }
        self.descriptor().resume();
        Ok(0)
    }

    fn copy(&self, file: &File, argument: UserPtr) -> Result<isize> {
        let mut argument = Argument::<iomd_copy>::read_to_answer(argument)?;
        let copy = &mut argument.value;

        check_flags(
            copy.flags,
            IOMD_COPY_REFUSE_PINNED | IOMD_COPY_RESUME_ON_TARGET,
        )?;
        check_padding(copy.padding)?;
        let resume_on_target = copy.flags & IOMD_COPY_RESUME_ON_TARGET != 0;
        let target = file::Descriptor::<Self>::get(copy.target)?;
        let target_descriptor = target.object().descriptor();
        let from = self.descriptor().span(copy.offset, copy.length)?;
        let to = target_descriptor.span(copy.target_offset, from.length)?;
        // To move the maps of the memory elsewhere takes the right to write it.
        let may_write = target.object().may_write(target.access());
        if !may_write || resume_on_target && !file::access(file).is_writable() {
            return Err(EACCES);
        }
        let copied = Copy {
            source: &Descriptor::prepare(self.descriptor(), from.pages, Purpose::Look)?,
            from,
            target: &Descriptor::prepare(target_descriptor, to.pages, Purpose::Write)?,
            to,
            refuse_pinned: copy.flags & IOMD_COPY_REFUSE_PINNED != 0,
            resume_on_target,
        }
        .run()?;

        copy.pinned = copied.pinned as u64;
        copy.maps = copied.suspended as u64;
        copy.pause_ns = u64::try_from(copied.pause_ns).unwrap_or(0);
        argument.answer()
    }
}

impl FileObject for DescriptorFile {
    const NAME: &'static CStr = c"[iomd-descriptor]";

    fn operations() -> &'static FileOperations<Self> {
        static OPERATIONS: FileOperations<DescriptorFile> = FileOperations::new();
        &OPERATIONS
    }

    fn show_fdinfo(&self, lines: &SeqFile) {
        let descriptor = self.descriptor();

        seq_print!(lines, "iomd-descriptor:\t{}\n", descriptor.id());
        seq_print!(lines, "iomd-kind:\t{}\n", descriptor.kind().name);
        seq_print!(lines, "iomd-length:\t{}\n", descriptor.length());
        seq_print!(lines, "iomd-resident:\t{}\n", bytes(descriptor.resident()));
        seq_print!(lines, "iomd-maps:\t{}\n", descriptor.observer_count());
        seq_print!(
            lines,
            "iomd-purgeable:\t{}\n",
            purge::name(descriptor.purgeable())
        );
        for part in descriptor.parts() {
            seq_print!(lines, "iomd-part:\t{}\n", part.id());
        }
        seq_print!(
            lines,
            "iomd-cache:\t{}\n",
            descriptor.cache_mode().map_or("mixed", CacheMode::name)
        );
    }

    fn ioctl(&self, file: &File, command: u32, argument: UserPtr) -> Result<isize> {
        match command {
            IOMD_DESCRIPTOR_INFO => self.info(file, argument),
            IOMD_DESCRIPTOR_REOPEN => self.reopen(file, argument),
            IOMD_MAP_CREATE => self.map_create(file, argument),
            IOMD_COPY => self.copy(file, argument),
            IOMD_DESCRIPTOR_SUSPEND => self.suspend(file, argument),
            IOMD_DESCRIPTOR_RESUME => self.resume(file, argument),
            IOMD_SET_PURGEABLE => self.set_purgeable(file, argument),
            IOMD_MAP_EXISTING => self.map_existing(file, argument),
            IOMD_SUB_CREATE => self.sub_create(file, argument),
            IOMD_PREPARE => self.prepare(argument),
            IOMD_COMPLETE => self.complete(argument),
            IOMD_DMA_BUF_EXPORT => self.export(file, argument),
            IOMD_READ_BYTES => self.read_bytes(argument),
            IOMD_WRITE_BYTES => self.write_bytes(file, argument),
            IOMD_SET_LENGTH => self.set_length(file, argument),
            IOMD_SET_TAG => self.set_tag(file, argument),
            IOMD_PERFORM_OPERATION => self.perform_operation(argument),
            IOMD_PAGE_COUNTS => self.page_counts(argument),
            _ => Err(ENOTTY),
        }
    }
}
