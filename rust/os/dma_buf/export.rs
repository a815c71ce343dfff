// SPDX-License-Identifier: GPL-2.0

//! dma-bufs of ours.
//!
//! An importer that can be told (a *dynamic* one) maps the memory without pinning it. When the
//! memory is to change, it is told, and unmaps; it maps again when it needs to, and gets the new
//! memory. Others have it pinned as long as they have it mapped. While one has, all stay on the
//! memory that is pinned, and the others are told when the last pin goes.
//!
//! Whatever an importer has mapped it has references to: who counts those sees it.
//!
//! Lock order: [`Exports`]; the reservation of a dma-buf, and what importers take under it. The core
//! takes mmap locks outside of reservations; memory is allocated under all of them.

use super::super::{
    bindings,
    file::{self, Access},
};
use core::ptr::NonNull;
use kernel::{
    error::from_err_ptr,
    fs::File,
    mm::virt::VmaNew,
    module::this_module,
    new_mutex,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{Acquire, Atomic, Release},
        Mutex,
    },
};

use super::operations::Export;
pub(crate) use super::{importers::PageList, operations::Operations};

/// What a dma-buf stands for; it is dropped after the dma-buf's last use.
pub(crate) trait Exporter: Send + Sync + Sized + 'static {
    /// The operation table: one `static` of each type.
    fn operations() -> &'static Operations<Self>;

    /// The list that the dma-buf is on.
    fn exports(&self) -> &Exports;

    /// All of its pages, as they are now. Runs under the reservation: it must not wait for who calls
    /// [`Exports::revoke`].
    fn pages(&self) -> Result<PageList>;

    /// mmap(2) of the dma-buf, directly or by an importer.
    fn mmap(&self, dma_buf: ARef<File>, vma: &VmaNew) -> Result;
}

/// The dma-bufs that share one memory.
///
/// # Invariants
///
/// Those on the list have not been released yet.
#[pin_data]
pub(crate) struct Exports {
    #[pin]
    list: Mutex<KVVec<Entry>>,
    /// Whether the list is empty.
    empty: Atomic<bool>,
}

struct Entry {
    dma_buf: NonNull<bindings::dma_buf>,
    /// # Safety
    ///
    /// To be called for the dma-buf, as long as it is there.
    revoke: unsafe fn(NonNull<bindings::dma_buf>),
}

// SAFETY: A dma-buf belongs to no thread.
unsafe impl Send for Entry {}

impl Exports {
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            list <- new_mutex!(KVVec::new(), "iomd_exports"),
            empty: Atomic::new(true),
        })
    }

    /// No importer that can be told maps the memory any more, and no device of theirs uses it.
    ///
    /// Pages that are still mapped are pinned, or their importer is told later. The caller has to see
    /// to it that [`Exporter::pages`] does not give out what is to be replaced.
    pub(crate) fn revoke(&self) {
        // A dma-buf is on the list before an importer can have it, who then asks for pages: by what
        // keeps those back we see it here, or he gets none.
        if self.empty.load(Acquire) {
            return;
        }
        for entry in &*self.list.lock() {
            // SAFETY: By the invariant; it stays on the list, and so is not released, while the list
            // is locked.
            unsafe { (entry.revoke)(entry.dma_buf) };
        }
    }

    fn add(&self, entry: Entry) -> Result {
        let mut list = self.list.lock();

        list.push(entry, GFP_KERNEL)?;
        self.empty.store(false, Release);
        Ok(())
    }

    pub(super) fn remove(&self, dma_buf: *mut bindings::dma_buf) {
        let mut list = self.list.lock();

        list.retain(|entry| entry.dma_buf.as_ptr() != dma_buf);
        self.empty.store(list.is_empty(), Release);
    }
}

/// Makes a dma-buf, which is as long as `pages`. `ENFILE`, `ENOMEM`.
///
/// Its size is that for good. With [`Access::Read`] no device and no program writes through it.
pub(crate) fn export<T: Exporter>(exporter: T, pages: usize, access: Access) -> Result<ARef<File>> {
    let operations = T::operations();
    let size = pages
        .checked_mul(kernel::page::PAGE_SIZE)
        .ok_or(EOVERFLOW)?;
    let export = KBox::into_raw(KBox::new(Export::new(exporter), GFP_KERNEL)?);
    let info = bindings::dma_buf_export_info {
        exp_name: c"iomd".as_char_ptr(),
        owner: this_module::<crate::IomdModule>().as_ptr(),
        ops: operations.as_raw(access),
        size,
        flags: access.open_flags(),
        resv: core::ptr::null_mut(),
        priv_: export.cast(),
    };

    // SAFETY: The name and the table are static, and the table takes an `Export<T>`.
    let dma_buf = from_err_ptr(unsafe { bindings::dma_buf_export(&info) }).inspect_err(|_| {
        // SAFETY: There is no dma-buf, so nobody else has it.
        drop(unsafe { KBox::from_raw(export) });
    })?;
    // SAFETY: The one reference to a new dma-buf, which is that to its file, is ours.
    let file = unsafe { file::own((*dma_buf).file) };
    // INVARIANT: It takes itself off the list when it is released.
    let entry = Entry {
        // SAFETY: It is not null.
        dma_buf: unsafe { NonNull::new_unchecked(dma_buf) },
        revoke: Operations::<T>::revoke,
    };
    // SAFETY: The export lives as long as the file.
    unsafe { (*export).exporter() }.exports().add(entry)?;
    Ok(file)
}
