// SPDX-License-Identifier: GPL-2.0

//! A file of others that is mapped through one of ours, which takes away rights: as an overlay does.

use super::{
    bindings,
    file::{self, Access, FileObject, FileOperations},
    mapped::MappableFile,
};
use crate::pure::remap::Protection;
use kernel::{error::to_result, fs::File, mm::virt::VmaNew, prelude::*, sync::aref::ARef};

/// What a new VMA is not to get.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// What mprotect(2) may make of its rights.
    pub(crate) max: Protection,
    /// A forked child does not get it.
    pub(crate) not_inherited: bool,
}

impl Limits {
    /// Takes the rest away. Of its present rights none is beyond them: `EINVAL`.
    pub(crate) fn apply(self, vma: &VmaNew) -> Result {
        if !self.max.has(Protection::READ) {
            vma.try_clear_mayread()?;
        }
        if !self.max.has(Protection::WRITE) {
            vma.try_clear_maywrite()?;
        }
        if !self.max.has(Protection::EXECUTE) {
            vma.try_clear_mayexec()?;
        }
        if self.not_inherited {
            vma.set_dontcopy();
        }
        Ok(())
    }

    /// With what access a file has to be open that is mapped with them.
    pub(crate) fn access(self) -> Access {
        if self.max.has(Protection::WRITE) {
            Access::ReadWrite
        } else {
            Access::Read
        }
    }
}

/// A file of others, with limits.
struct Limited {
    file: MappableFile,
    limits: Limits,
    /// Kept from being sealed against writing until it is mapped, as mmap(2) does it.
    _writing: Option<Writing>,
}

/// A file as one of ours, to be mapped with limits; `shared`, what is written goes to the file.
///
/// `EPERM` for one that is sealed against writing and would be written; `ENFILE`, `ENOMEM`.
pub(crate) fn limit(file: MappableFile, shared: bool, limits: Limits) -> Result<ARef<File>> {
    let writing = if shared && limits.max.has(Protection::WRITE) {
        Some(Writing::begin(file.clone())?)
    } else {
        None
    };
    let limited = Limited {
        file,
        limits,
        _writing: writing,
    };

    file::open(limited, limits.access())
}

impl FileObject for Limited {
    const NAME: &'static CStr = c"[iomd-limited]";

    fn operations() -> &'static FileOperations<Self> {
        static OPERATIONS: FileOperations<Limited> = FileOperations::new();
        &OPERATIONS
    }

    fn mmap(&self, _file: &File, vma: &VmaNew) -> Result {
        self.limits.apply(vma)?;
        // SAFETY: Both are valid, and the VMA is being set up. It takes a reference to the file, whose
        // own mmap then makes it one of its own, as those of overlay file systems expect.
        to_result(unsafe {
            bindings::vma_set_file(vma.as_ptr(), self.file.as_raw());
            bindings::iomd_vfs_mmap(self.file.as_raw(), vma.as_ptr())
        })
    }
}

/// A claim that a file is mapped to be written.
struct Writing(MappableFile);

impl Writing {
    fn begin(file: MappableFile) -> Result<Self> {
        // SAFETY: The file is valid.
        to_result(unsafe { bindings::iomd_begin_writing(file.as_raw()) })?;
        Ok(Self(file))
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        // SAFETY: It began.
        unsafe { bindings::iomd_end_writing(self.0.as_raw()) };
    }
}
