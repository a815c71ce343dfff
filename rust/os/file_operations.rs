// SPDX-License-Identifier: GPL-2.0

//! The operation tables of files that own a Rust object: what the core calls, and how that gets at the object.

use super::{bindings, file::FileObject, folio::PIECE};
use core::marker::PhantomData;
use kernel::{
    error::from_result,
    ffi::{c_char, c_int, c_uint, c_ulong},
    fs::File,
    mm::virt::VmaNew,
    module::this_module,
    prelude::*,
    seq_file::SeqFile,
    types::ForeignOwnable,
    uaccess::{UserPtr, UserSlice},
};

/// `struct file_operations` for files that own a `T`.
pub(crate) struct FileOperations<T>(bindings::file_operations, PhantomData<T>);

// SAFETY: The table is never written.
unsafe impl<T> Sync for FileOperations<T> {}

impl<T: FileObject> FileOperations<T> {
    pub(crate) const fn new() -> Self {
        Self(
            bindings::file_operations {
                owner: this_module::<crate::IomdModule>().as_ptr(),
                release: Some(Self::release),
                unlocked_ioctl: Some(Self::ioctl),
                #[cfg(CONFIG_COMPAT)]
                compat_ioctl: bindings::compat_ptr_ioctl,
                mmap: Some(Self::mmap),
                #[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
                get_unmapped_area: Some(Self::get_unmapped_area),
                read: Some(Self::read),
                poll: Some(Self::poll),
                show_fdinfo: Some(Self::show_fdinfo),
                llseek: Some(bindings::noop_llseek),
                ..pin_init::zeroed()
            },
            PhantomData,
        )
    }

    pub(super) fn as_raw(&'static self) -> *const bindings::file_operations {
        &self.0
    }

    /// The object of a file, which stays where it is.
    ///
    /// # Safety
    ///
    /// `file` is open and has this table.
    pub(super) unsafe fn object<'a>(file: *const bindings::file) -> &'a T {
        // SAFETY: Every file with this table got a `Pin<KBox<T>>` when it was made, which `release`
        // alone takes back.
        unsafe { <Pin<KBox<T>> as ForeignOwnable>::borrow((*file).private_data) }.get_ref()
    }

    /// # Safety
    ///
    /// As the core calls it: the file is open and has this table.
    unsafe extern "C" fn release(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: The file has this table, and this is its last use.
        drop(unsafe { <Pin<KBox<T>> as ForeignOwnable>::from_foreign((*file).private_data) });
        0
    }

    /// # Safety
    ///
    /// As the core calls it: the file is open and has this table.
    unsafe extern "C" fn ioctl(
        file: *mut bindings::file,
        command: c_uint,
        argument: c_ulong,
    ) -> isize {
        // SAFETY: The file is open for the call and has this table.
        let (object, file) = unsafe { (Self::object(file), File::from_raw_file(file)) };

        from_result(|| T::ioctl(object, file, command, UserPtr::from_addr(argument)))
    }

    /// # Safety
    ///
    /// As the core calls it: the file is open and has this table.
    unsafe extern "C" fn mmap(
        file: *mut bindings::file,
        vma: *mut bindings::vm_area_struct,
    ) -> c_int {
        // SAFETY: The file is open for the call and has this table; the VMA is being set up.
        let (object, file, vma) = unsafe {
            (
                Self::object(file),
                File::from_raw_file(file),
                VmaNew::from_raw(vma),
            )
        };

        from_result(|| T::mmap(object, file, vma).map(|()| 0))
    }

    /// # Safety
    ///
    /// As the core calls it: the file is open and has this table.
    #[cfg(CONFIG_TRANSPARENT_HUGEPAGE)]
    unsafe extern "C" fn get_unmapped_area(
        file: *mut bindings::file,
        address: c_ulong,
        length: c_ulong,
        page: c_ulong,
        flags: c_ulong,
    ) -> c_ulong {
        // SAFETY: The file is open for the call and has this table.
        let page = unsafe { Self::object(file) }.page_of_memory(page);
        // What comes before the piece does not matter.
        let page = page % PIECE;

        // SAFETY: The file is valid; the core calls as for itself.
        unsafe { bindings::thp_get_unmapped_area(file, address, length, page, flags) }
    }

    /// # Safety
    ///
    /// As the core calls it: the file is open and has this table.
    unsafe extern "C" fn read(
        file: *mut bindings::file,
        buffer: *mut c_char,
        length: usize,
        _position: *mut bindings::loff_t,
    ) -> isize {
        // SAFETY: The file is open for the call and has this table.
        let (object, flags) = unsafe { (Self::object(file), (*file).f_flags) };
        let buffer = UserSlice::new(UserPtr::from_ptr(buffer.cast()), length);

        from_result(|| {
            let length = T::read(object, buffer, flags & bindings::O_NONBLOCK != 0)?;

            isize::try_from(length).map_err(|_| EINVAL)
        })
    }

    /// # Safety
    ///
    /// As the core calls it: the file is open and has this table.
    unsafe extern "C" fn show_fdinfo(lines: *mut bindings::seq_file, file: *mut bindings::file) {
        // SAFETY: The file is open for the call and has this table, and `lines` is valid.
        let (object, lines) = unsafe { (Self::object(file), SeqFile::from_raw(lines)) };

        object.show_fdinfo(lines);
    }

    /// # Safety
    ///
    /// As the core calls it: the file is open and has this table.
    unsafe extern "C" fn poll(
        file: *mut bindings::file,
        table: *mut bindings::poll_table,
    ) -> bindings::__poll_t {
        // SAFETY: The file is open for the call and has this table.
        let object = unsafe { Self::object(file) };

        if let Some(queue) = object.poll_queue() {
            // SAFETY: `table` is null or valid. The queue lives as long as the object, and so as
            // the file, which whoever is put on the queue keeps open (select, poll, io_uring) or
            // is taken off it before its release (epoll).
            unsafe { bindings::poll_wait(file, queue.as_raw(), table) };
        }
        let readiness = object.readiness();
        let mut events = 0;
        if readiness.readable {
            events |= bindings::POLLIN | bindings::POLLRDNORM;
        }
        if readiness.hung_up {
            events |= bindings::POLLHUP;
        }
        events
    }
}
