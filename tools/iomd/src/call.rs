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
    iomd_remap is taken by IOMD_REMAP;
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
    iomd_map_wire is taken by IOMD_MAP_WIRE;
    iomd_task_open is taken by IOMD_TASK_OPEN;
    iomd_task_info is taken by IOMD_TASK_INFO;
    iomd_map_seal is taken by IOMD_MAP_SEAL;
    iomd_dma_buf_import is taken by IOMD_DMA_BUF_IMPORT;
    iomd_dma_buf_export is taken by IOMD_DMA_BUF_EXPORT;
    iomd_map_dma_buf_export is taken by IOMD_MAP_DMA_BUF_EXPORT;
    iomd_write_bytes is taken by IOMD_WRITE_BYTES;
    iomd_set_length is taken by IOMD_SET_LENGTH;
    iomd_set_tag is taken by IOMD_SET_TAG;
    iomd_perform_operation is taken by IOMD_PERFORM_OPERATION;
    iomd_page_counts is taken by IOMD_PAGE_COUNTS;
    iomd_mapped_read is taken by IOMD_MAPPED_READ;
    iomd_mapped_write is taken by IOMD_MAPPED_WRITE;
    iomd_flush_processor_cache is taken by IOMD_FLUSH_PROCESSOR_CACHE;
}

/// Makes the call that takes `argument`, which comes back with what the kernel wrote into it.
pub(crate) fn call<A: Argument>(object: impl AsFd, mut argument: A) -> Result<A, Errno> {
    // SAFETY: by `Argument`'s contract the kernel writes to nothing but the structure, which lives
    // until the call has returned. A file that is not iomd's refuses the number.
    unsafe { ioctl(object, Update(A::NUMBER, &mut argument)) }?;
    Ok(argument)
}

/// Makes the one call that writes to other memory: copies bytes of a descriptor to `buffer`. How
/// many.
pub(crate) fn read_bytes(object: impl AsFd, offset: u64, buffer: &mut [u8]) -> Result<u64, Errno> {
    let mut argument = sys::iomd_read_bytes {
        size: size_of::<sys::iomd_read_bytes>() as u32,
        offset,
        length: buffer.len() as u64,
        address: buffer.as_mut_ptr().expose_provenance() as u64,
        ..Default::default()
    };
    // SAFETY: besides the structure the kernel writes to the buffer, and both are there until the call
    // has returned.
    unsafe { ioctl(object, Update(sys::IOMD_READ_BYTES, &mut argument)) }?;
    Ok(argument.done)
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

/// A call, by its number, and the structure that it takes.
struct Update<'a, A>(Opcode, &'a mut A);

// SAFETY: the pointer is to a whole structure; that it is the call's is seen to where it is made.
unsafe impl<A> Ioctl for Update<'_, A> {
    type Output = ();

    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        self.0
    }

    fn as_ptr(&mut self) -> *mut c_void {
        (&raw mut *self.1).cast()
    }

    unsafe fn output_from_ptr(_: IoctlOutput, _: *mut c_void) -> Result<(), Errno> {
        Ok(())
    }
}
