// SPDX-License-Identifier: GPL-2.0

//! What the kernel calls for a dma-buf of ours: `struct dma_buf_ops`.

use super::{
    super::{
        bindings,
        file::{self, Access},
    },
    export::Exporter,
    importers::Importers,
    Reservation,
};
use core::{cell::UnsafeCell, marker::PhantomData, ptr::NonNull};
use kernel::{
    error::from_result,
    ffi::{c_int, c_long},
    mm::virt::VmaNew,
    prelude::*,
};

/// What a dma-buf has of its own.
pub(super) struct Export<T> {
    exporter: T,
    /// Belongs to who has the reservation.
    importers: UnsafeCell<Importers>,
}

impl<T> Export<T> {
    pub(super) fn new(exporter: T) -> Self {
        Self {
            exporter,
            importers: UnsafeCell::new(Importers::new()),
        }
    }

    pub(super) fn exporter(&self) -> &T {
        &self.exporter
    }
}

/// `struct dma_buf_ops` for dma-bufs that stand for a `T`.
pub(crate) struct Operations<T> {
    writable: bindings::dma_buf_ops,
    /// Without an address of the kernel's, through which an importer could write.
    read_only: bindings::dma_buf_ops,
    _type: PhantomData<T>,
}

impl<T: Exporter> Operations<T> {
    pub(crate) const fn new() -> Self {
        let mut table: bindings::dma_buf_ops = pin_init::zeroed();
        table.pin = Some(Self::pin);
        table.unpin = Some(Self::unpin);
        table.map_dma_buf = Some(Self::map);
        table.unmap_dma_buf = Some(Self::unmap);
        table.release = Some(Self::release);
        table.begin_cpu_access = Some(Self::begin_cpu_access);
        table.end_cpu_access = Some(Self::end_cpu_access);
        table.mmap = Some(Self::mmap);
        let read_only = table;
        table.vmap = Some(Self::vmap);
        table.vunmap = Some(Self::vunmap);

        Self {
            writable: table,
            read_only,
            _type: PhantomData,
        }
    }

    /// The table for dma-bufs with that access.
    pub(super) fn as_raw(&'static self, access: Access) -> *const bindings::dma_buf_ops {
        match access {
            Access::ReadWrite => &self.writable,
            Access::Read => &self.read_only,
        }
    }

    /// # Safety
    ///
    /// `dma_buf` has one of these tables, and is not released as long as the result is used.
    unsafe fn exporter<'a>(dma_buf: *mut bindings::dma_buf) -> &'a T {
        // SAFETY: Every dma-buf with these tables has an `Export<T>`, until it is released.
        unsafe { &(*(*dma_buf).priv_.cast::<Export<T>>()).exporter }
    }

    /// # Safety
    ///
    /// As [`Self::exporter`]; and the caller has the reservation, and no other result of this.
    unsafe fn importers<'a>(dma_buf: *mut bindings::dma_buf) -> &'a mut Importers {
        // SAFETY: As above. Only who has the reservation has a reference to it.
        unsafe { &mut *(*(*dma_buf).priv_.cast::<Export<T>>()).importers.get() }
    }

    /// Tells importers, as [`super::export::Exports::revoke`].
    ///
    /// # Safety
    ///
    /// The dma-buf has one of these tables, and is not released meanwhile.
    pub(super) unsafe fn revoke(dma_buf: NonNull<bindings::dma_buf>) {
        let dma_buf = dma_buf.as_ptr();

        // SAFETY: As required; the reservation is held.
        unsafe {
            let _reservation = Reservation::lock(dma_buf);
            if Self::importers(dma_buf).outdate() {
                bindings::dma_buf_invalidate_mappings(dma_buf);
            }
        }
    }

    /// # Safety
    ///
    /// As the core calls it: with the reservation held.
    unsafe extern "C" fn pin(attachment: *mut bindings::dma_buf_attachment) -> c_int {
        // SAFETY: The core calls with an attachment to a dma-buf that has this table.
        unsafe {
            let dma_buf = (*attachment).dmabuf;
            let exporter = Self::exporter(dma_buf);

            from_result(|| {
                Self::importers(dma_buf)
                    .pin(|| exporter.pages())
                    .map(|()| 0)
            })
        }
    }

    /// # Safety
    ///
    /// As the core calls it: with the reservation held.
    unsafe extern "C" fn unpin(attachment: *mut bindings::dma_buf_attachment) {
        // SAFETY: As above.
        unsafe {
            let dma_buf = (*attachment).dmabuf;
            if Self::importers(dma_buf).unpin() {
                bindings::dma_buf_invalidate_mappings(dma_buf);
            }
        }
    }

    /// # Safety
    ///
    /// As the core calls it: with the reservation held.
    unsafe extern "C" fn map(
        attachment: *mut bindings::dma_buf_attachment,
        direction: bindings::dma_data_direction,
    ) -> *mut bindings::sg_table {
        // SAFETY: As above. An attachment keeps its device.
        let table = unsafe {
            let (dma_buf, device) = ((*attachment).dmabuf, (*attachment).dev);
            let exporter = Self::exporter(dma_buf);
            let writes = direction != bindings::dma_data_direction::DMA_TO_DEVICE;

            if writes && !bindings::iomd_file_writable((*dma_buf).file) {
                Err(EACCES)
            } else {
                NonNull::new(device).ok_or(EINVAL).and_then(|device| {
                    Self::importers(dma_buf).map(device, direction, || exporter.pages())
                })
            }
        };

        table.unwrap_or_else(|error| error.to_ptr())
    }

    /// # Safety
    ///
    /// As the core calls it: with the reservation held.
    unsafe extern "C" fn unmap(
        attachment: *mut bindings::dma_buf_attachment,
        table: *mut bindings::sg_table,
        _direction: bindings::dma_data_direction,
    ) {
        // SAFETY: As above; the table is one that `map` gave, and not used any more, but by what
        // fences stand for.
        unsafe {
            let dma_buf = (*attachment).dmabuf;

            // Who was told may leave to a fence what he cannot stop. The memory can be somebody
            // else's at once.
            if !(*attachment).importer_ops.is_null() {
                bindings::dma_resv_wait_timeout(
                    (*dma_buf).resv,
                    bindings::dma_resv_usage_DMA_RESV_USAGE_BOOKKEEP,
                    false,
                    c_long::MAX as usize,
                );
            }
            Self::importers(dma_buf).unmap(table);
        }
    }

    /// # Safety
    ///
    /// As the core calls it, for the last time.
    unsafe extern "C" fn release(dma_buf: *mut bindings::dma_buf) {
        // SAFETY: The dma-buf has this table, and nobody uses it any more.
        let export = unsafe { KBox::from_raw((*dma_buf).priv_.cast::<Export<T>>()) };

        export.exporter.exports().remove(dma_buf);
    }

    /// # Safety
    ///
    /// As the core calls it: without the reservation.
    unsafe extern "C" fn begin_cpu_access(
        dma_buf: *mut bindings::dma_buf,
        _direction: bindings::dma_data_direction,
    ) -> c_int {
        from_result(|| {
            // SAFETY: The dma-buf has this table, and is in use during the call.
            unsafe {
                let _reservation = Reservation::lock_interruptible(dma_buf)?;
                Self::importers(dma_buf).sync_for_processor();
            }
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// As the core calls it: without the reservation.
    unsafe extern "C" fn end_cpu_access(
        dma_buf: *mut bindings::dma_buf,
        _direction: bindings::dma_data_direction,
    ) -> c_int {
        from_result(|| {
            // SAFETY: As above.
            unsafe {
                let _reservation = Reservation::lock_interruptible(dma_buf)?;
                Self::importers(dma_buf).sync_for_devices();
            }
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// As the core calls it: the VMA is being set up, and has the dma-buf's file.
    unsafe extern "C" fn mmap(
        dma_buf: *mut bindings::dma_buf,
        vma: *mut bindings::vm_area_struct,
    ) -> c_int {
        // SAFETY: As above; the reference to the file is a new one.
        let (exporter, file, vma) = unsafe {
            (
                Self::exporter(dma_buf),
                file::own(bindings::get_file((*dma_buf).file)),
                VmaNew::from_raw(vma),
            )
        };

        from_result(|| exporter.mmap(file, vma).map(|()| 0))
    }

    /// # Safety
    ///
    /// As the core calls it: with the reservation held, and nothing mapped so.
    unsafe extern "C" fn vmap(
        dma_buf: *mut bindings::dma_buf,
        map: *mut bindings::iosys_map,
    ) -> c_int {
        from_result(|| {
            // SAFETY: The dma-buf has this table; `map` is to be written.
            unsafe {
                let exporter = Self::exporter(dma_buf);
                let vaddr = Self::importers(dma_buf).vmap(|| exporter.pages())?;

                *map = bindings::iosys_map {
                    __bindgen_anon_1: bindings::iosys_map__bindgen_ty_1 { vaddr },
                    is_iomem: false,
                };
            }
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// As the core calls it: with the reservation held, and nobody using the address any more.
    unsafe extern "C" fn vunmap(dma_buf: *mut bindings::dma_buf, _map: *mut bindings::iosys_map) {
        // SAFETY: As above.
        unsafe {
            if Self::importers(dma_buf).vunmap() {
                bindings::dma_buf_invalidate_mappings(dma_buf);
            }
        }
    }
}
