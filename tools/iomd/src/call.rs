// SPDX-License-Identifier: MIT OR Apache-2.0

//! The calls of the ABI. Only this file talks ioctl(2).

use std::ffi::c_void;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};

use iomd_sys as sys;
use rustix::io::Errno;
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, ioctl};

/// A structure of the ABI that one call takes.
///
/// # Safety
///
/// The call `NUMBER` takes this structure, and writes to no other memory of the caller.
pub(crate) unsafe trait Argument: Default {
    const NUMBER: Opcode;

    /// The structure with nothing but its size set.
    fn sized() -> Self;
}

macro_rules! argument {
    ($($structure:ident is taken by $number:ident;)*) => {$(
        // SAFETY: the header pairs the structure with the call; what pointers it has are read only.
        unsafe impl Argument for sys::$structure {
            const NUMBER: Opcode = sys::$number;

            fn sized() -> Self {
                Self { size: size_of::<Self>() as u32, ..Self::default() }
            }
        }
    )*};
}

argument! {
    iomd_features is taken by IOMD_FEATURES;
    iomd_buffer_create is taken by IOMD_BUFFER_CREATE;
    iomd_address_ranges_create is taken by IOMD_ADDRESS_RANGES_CREATE;
    iomd_memfd_import is taken by IOMD_MEMFD_IMPORT;
    iomd_physical_create is taken by IOMD_PHYSICAL_CREATE;
    iomd_prepare is taken by IOMD_PREPARE;
    iomd_complete is taken by IOMD_COMPLETE;
    iomd_object_next is taken by IOMD_OBJECT_NEXT;
    iomd_object_open is taken by IOMD_OBJECT_OPEN;
    iomd_redirect_batch is taken by IOMD_REDIRECT_BATCH;
    iomd_multi_create is taken by IOMD_MULTI_CREATE;
    iomd_interleaved_create is taken by IOMD_INTERLEAVED_CREATE;
    iomd_guard_create is taken by IOMD_GUARD_CREATE;
    iomd_sub_create is taken by IOMD_SUB_CREATE;
    iomd_descriptor_info is taken by IOMD_DESCRIPTOR_INFO;
    iomd_descriptor_reopen is taken by IOMD_DESCRIPTOR_REOPEN;
    iomd_map_create is taken by IOMD_MAP_CREATE;
    iomd_map_existing is taken by IOMD_MAP_EXISTING;
    iomd_copy is taken by IOMD_COPY;
    iomd_descriptor_suspend is taken by IOMD_DESCRIPTOR_SUSPEND;
    iomd_descriptor_resume is taken by IOMD_DESCRIPTOR_RESUME;
    iomd_set_purgeable is taken by IOMD_SET_PURGEABLE;
    iomd_map_info is taken by IOMD_MAP_INFO;
    iomd_redirect is taken by IOMD_REDIRECT;
    iomd_resume is taken by IOMD_RESUME;
    iomd_unmap is taken by IOMD_UNMAP;
    iomd_map_reopen is taken by IOMD_MAP_REOPEN;
    iomd_suspend is taken by IOMD_SUSPEND;
    iomd_map_into_task is taken by IOMD_MAP_INTO_TASK;
    iomd_map_segment is taken by IOMD_MAP_SEGMENT;
    iomd_task_open is taken by IOMD_TASK_OPEN;
    iomd_task_info is taken by IOMD_TASK_INFO;
    iomd_map_seal is taken by IOMD_MAP_SEAL;
    iomd_dma_buf_import is taken by IOMD_DMA_BUF_IMPORT;
    iomd_dma_buf_export is taken by IOMD_DMA_BUF_EXPORT;
    iomd_map_dma_buf_export is taken by IOMD_MAP_DMA_BUF_EXPORT;
}

/// Makes the call that takes `argument`, which comes back with what the kernel wrote into it.
pub(crate) fn call<A: Argument>(object: impl AsFd, mut argument: A) -> Result<A, Errno> {
    // SAFETY: by `Argument`'s contract the kernel writes to nothing but the structure, which lives
    // until the call has returned. A file that is not iomd's refuses the number.
    unsafe { ioctl(object, Update(&mut argument)) }?;
    Ok(argument)
}

/// The file descriptor that a call has just made.
///
/// # Safety
///
/// `number` was written by a call that succeeded, and no one has taken it yet.
pub(crate) unsafe fn received(number: i32) -> OwnedFd {
    // SAFETY: the kernel has opened it for the caller alone.
    unsafe { OwnedFd::from_raw_fd(number) }
}

struct Update<'a, A>(&'a mut A);

// SAFETY: the pointer is to a whole structure of the call's, by `Argument`'s contract.
unsafe impl<A: Argument> Ioctl for Update<'_, A> {
    type Output = ();

    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        A::NUMBER
    }

    fn as_ptr(&mut self) -> *mut c_void {
        (&raw mut *self.0).cast()
    }

    unsafe fn output_from_ptr(_: IoctlOutput, _: *mut c_void) -> Result<(), Errno> {
        Ok(())
    }
}
