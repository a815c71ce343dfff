// SPDX-License-Identifier: GPL-2.0

//! Work that a task of another process does for us, in its own name.
//!
//! C header: [`include/linux/task_work.h`](srctree/include/linux/task_work.h)

use super::{address_space::KeptAddressSpace, bindings, task::Pid};
use core::ptr;
use kernel::{error::to_result, fs::File, prelude::*, sync::aref::ARef, sync::Arc};

/// What is to be done.
pub(crate) trait TaskWork: Send + Sync + 'static {
    /// Runs in the other task, when it next returns to user space, or in its exit. It holds no lock.
    fn run(&self);
}

/// Work on a task's list.
#[repr(C)]
struct Queued<T> {
    /// First, so that its address is that of the whole.
    head: bindings::callback_head,
    work: Arc<T>,
    /// Given up as the last act: it keeps the code here that runs.
    file: ARef<File>,
}

/// Has some task of the process do the work, if one has that address space: preferably one that is
/// not stopped. It interrupts what the task does, as a signal would that nobody handles.
///
/// There is no way to take it back. `file` is one of iomd's own, which keeps the module loaded until
/// it is done. `ESRCH` if there is no such task, `ENOMEM`.
pub(crate) fn submit<T: TaskWork>(
    work: Arc<T>,
    file: ARef<File>,
    process: &Pid,
    address_space: &KeptAddressSpace,
) -> Result {
    let queued = KBox::new(
        Queued {
            head: bindings::callback_head {
                next: ptr::null_mut(),
                func: Some(run::<T>),
            },
            work,
            file,
        },
        GFP_KERNEL,
    )?;
    let queued = KBox::into_raw(queued);

    // SAFETY: Process and address space are valid. The head is that of a `Queued`, as `run` needs it,
    // and stays where it is until then.
    let error = unsafe {
        bindings::iomd_task_work_add(process.as_raw(), address_space.as_raw(), queued.cast())
    };
    to_result(error).inspect_err(|_| {
        // SAFETY: No task has it.
        drop(unsafe { KBox::from_raw(queued) });
    })
}

/// # Safety
///
/// `head` is that of a `Queued<T>` from `submit`, and called once.
unsafe extern "C" fn run<T: TaskWork>(head: *mut bindings::callback_head) {
    // SAFETY: The head is the first member of a box that is ours now.
    let queued = unsafe { KBox::<Queued<T>>::from_raw(head.cast()) };
    let Queued { work, file, .. } = KBox::into_inner(queued);

    work.run();
    drop(work);
    drop(file);
}
