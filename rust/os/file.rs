// SPDX-License-Identifier: GPL-2.0

//! Anonymous files that own a Rust object, and their operation tables.
//!
//! C header: [`include/linux/anon_inodes.h`](srctree/include/linux/anon_inodes.h)

use super::{bindings, wait::WaitQueue};
use core::{marker::PhantomData, ptr};
use kernel::{
    error::from_err_ptr,
    ffi::c_int,
    fs::{File, LocalFile},
    mm::virt::VmaNew,
    prelude::*,
    seq_file::SeqFile,
    sync::aref::ARef,
    types::ForeignOwnable,
    uaccess::{UserPtr, UserSlice},
};

pub(crate) use super::file_operations::FileOperations;

/// What an open file may do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    ReadWrite,
}

impl Access {
    pub(crate) fn is_writable(self) -> bool {
        self == Access::ReadWrite
    }

    pub(super) const fn open_flags(self) -> c_int {
        (match self {
            Access::Read => bindings::O_RDONLY,
            Access::ReadWrite => bindings::O_RDWR,
        }) as c_int
    }
}

/// Readiness, as poll(2) reports it.
#[derive(Clone, Copy)]
pub(crate) struct Readiness {
    /// `EPOLLIN`
    pub(crate) readable: bool,
    /// `EPOLLHUP`
    pub(crate) hung_up: bool,
}

/// An object that lives in an open file: made with it, dropped at its last close.
pub(crate) trait FileObject: Send + Sync + Sized + 'static {
    /// Shown as `anon_inode:NAME`.
    const NAME: &'static CStr;

    /// The operation table: one `static` of each type, whose address tells the type of a file.
    fn operations() -> &'static FileOperations<Self>;

    /// ioctl(2), of 32-bit programs too (the structures are the same for both).
    fn ioctl(&self, _file: &File, _command: u32, _argument: UserPtr) -> Result<isize> {
        Err(ENOTTY)
    }

    /// mmap(2).
    fn mmap(&self, _file: &File, _vma: &VmaNew) -> Result {
        Err(ENODEV)
    }

    /// Which page of memory its page `page` shows: where that begins a piece, it is mapped where one
    /// can begin.
    fn page_of_memory(&self, page: usize) -> usize {
        page
    }

    /// The queue that is woken when [`FileObject::readiness`] changes.
    fn poll_queue(&self) -> Option<&WaitQueue> {
        None
    }

    /// read(2) into `buffer`; how many bytes.
    fn read(&self, _buffer: UserSlice, _without_wait: bool) -> Result<usize> {
        Err(EINVAL)
    }

    /// What /proc/PID/fdinfo says of a file: lines of a name, a colon, a tab and a value.
    fn show_fdinfo(&self, _lines: &SeqFile) {}

    /// poll(2).
    fn readiness(&self) -> Readiness {
        Readiness {
            readable: false,
            hung_up: false,
        }
    }
}

/// Makes an anonymous file that owns `object`.
///
/// `ENFILE`, `ENOMEM`, and what keeps the object from being made.
pub(crate) fn open<T: FileObject, E>(
    object: impl PinInit<T, E>,
    access: Access,
) -> Result<ARef<File>>
where
    Error: From<E>,
{
    open_as(T::NAME, object, access)
}

/// As [`open`], with a name of the file's own.
pub(super) fn open_as<T: FileObject, E>(
    name: &CStr,
    object: impl PinInit<T, E>,
    access: Access,
) -> Result<ARef<File>>
where
    Error: From<E>,
{
    let object = KBox::pin_init(object, GFP_KERNEL)?.into_foreign();
    // SAFETY: The name is copied. The table is static, and takes a `Pin<KBox<T>>`.
    let file = from_err_ptr(unsafe {
        bindings::anon_inode_getfile(
            name.as_char_ptr(),
            T::operations().as_raw(),
            object,
            access.open_flags(),
        )
    })
    .inspect_err(|_| {
        // SAFETY: No file was made, so nobody else has the object.
        drop(unsafe { <Pin<KBox<T>> as ForeignOwnable>::from_foreign(object) });
    })?;

    // SAFETY: The one reference to a new file is ours.
    Ok(unsafe { own(file) })
}

/// Takes over a reference to a new file.
///
/// # Safety
///
/// `file` is a valid file that no file descriptor table has, and the caller gives its reference
/// away.
pub(super) unsafe fn own(file: *mut bindings::file) -> ARef<File> {
    // SAFETY: Valid and ours by the requirements; without a descriptor there is no fdget_pos.
    unsafe { ARef::from_raw(ptr::NonNull::new_unchecked(file).cast()) }
}

/// As C has it.
pub(super) fn as_raw(file: &File) -> *mut bindings::file {
    let file: &LocalFile = file;
    file.as_ptr()
}

/// What the file may do.
pub(crate) fn access(file: &LocalFile) -> Access {
    // SAFETY: The file is valid.
    if unsafe { bindings::iomd_file_writable(file.as_ptr()) } {
        Access::ReadWrite
    } else {
        Access::Read
    }
}

/// The object of one of the caller's file descriptors, if it is a `T`.
pub(crate) struct Descriptor<T> {
    file: ARef<LocalFile>,
    _type: PhantomData<T>,
}

impl<T: FileObject> Descriptor<T> {
    /// `EBADF` if `fd` is not open, `EINVAL` if it is something else than a `T`.
    pub(crate) fn get(fd: i32) -> Result<Self> {
        let file = LocalFile::fget(u32::try_from(fd).map_err(|_| EBADF)?)?;

        // SAFETY: The file is valid, its table never changes.
        if unsafe { (*file.as_ptr()).f_op } != T::operations().as_raw() {
            return Err(EINVAL);
        }
        Ok(Self {
            file,
            _type: PhantomData,
        })
    }

    pub(crate) fn object(&self) -> &T {
        // SAFETY: `get` saw that the file has this table.
        unsafe { FileOperations::object(self.file.as_ptr()) }
    }

    /// The open file behind it.
    pub(crate) fn file(&self) -> ARef<File> {
        // SAFETY: iomd's files have no position, and so no `fdget_pos` users who rely on being alone.
        unsafe { LocalFile::assume_no_fdget_pos(self.file.clone()) }
    }

    /// What the descriptor may do.
    pub(crate) fn access(&self) -> Access {
        access(&self.file)
    }
}
