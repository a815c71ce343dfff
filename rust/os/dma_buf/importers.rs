// SPDX-License-Identifier: GPL-2.0

//! What importers have of a dma-buf of ours.

use super::super::{bindings, pages::Page};
use core::ptr::{null_mut, NonNull};
use kernel::{error::to_result, ffi::c_void, prelude::*, sync::Arc};

/// Pages in their order, each with a reference.
pub(crate) struct PageList(KVVec<Page>);

impl PageList {
    /// An empty list that has room. `ENOMEM`.
    pub(crate) fn with_capacity(pages: usize) -> Result<Self> {
        Ok(Self(KVVec::with_capacity(pages, GFP_KERNEL)?))
    }

    /// Adds a page; `ENOMEM` beyond the capacity.
    pub(crate) fn push(&mut self, page: Page) -> Result {
        Ok(self.0.push(page, GFP_KERNEL)?)
    }

    /// As C has it; nobody writes there.
    fn as_raw(&self) -> *mut *mut bindings::page {
        // A `Page` is a pointer.
        self.0.as_ptr().cast_mut().cast()
    }

    /// `EOVERFLOW` for more than lists of the kernel's can have.
    fn count(&self) -> Result<u32> {
        u32::try_from(self.0.len()).map_err(|_| EOVERFLOW)
    }
}

/// What one importer's map_dma_buf gave it. It has the table only, and gives it back.
#[repr(C)]
struct Mapping {
    table: bindings::sg_table,
    device: NonNull<bindings::device>,
    direction: bindings::dma_data_direction,
    _pages: Arc<PageList>,
}

/// All importers of a dma-buf. Only who has the reservation has this.
pub(super) struct Importers {
    /// As long as one of them has the memory pinned, all get these pages.
    pinned: Option<Arc<PageList>>,
    /// By how many it is.
    pins: usize,
    /// There is other memory since.
    outdated: bool,
    /// Where the kernel has the pages at one address.
    address: *mut c_void,
    mappings: KVec<NonNull<Mapping>>,
}

impl Importers {
    pub(super) const fn new() -> Self {
        Self {
            pinned: None,
            pins: 0,
            outdated: false,
            address: null_mut(),
            mappings: KVec::new(),
        }
    }

    /// The pages that an importer gets: the pinned ones, or those that `now` finds.
    fn pages(&self, now: impl FnOnce() -> Result<PageList>) -> Result<Arc<PageList>> {
        match &self.pinned {
            Some(pages) => Ok(pages.clone()),
            None => Ok(Arc::new(now()?, GFP_KERNEL)?),
        }
    }

    /// Keeps the memory where it is, until as many [`Importers::unpin`].
    pub(super) fn pin(&mut self, now: impl FnOnce() -> Result<PageList>) -> Result {
        let pins = self.pins.checked_add(1).ok_or(EOVERFLOW)?;

        self.pinned = Some(self.pages(now)?);
        self.pins = pins;
        Ok(())
    }

    /// Says whether importers are to be told now that there is other memory.
    #[must_use]
    pub(super) fn unpin(&mut self) -> bool {
        self.pins = self.pins.saturating_sub(1);
        if self.pins != 0 {
            return false;
        }
        self.pinned = None;
        core::mem::take(&mut self.outdated)
    }

    /// There will be other memory. Says whether importers are to be told now.
    #[must_use]
    pub(super) fn outdate(&mut self) -> bool {
        self.outdated = self.pinned.is_some();
        !self.outdated
    }

    /// The pages, mapped for a device.
    ///
    /// # Safety
    ///
    /// The device is valid until [`Importers::unmap`].
    pub(super) unsafe fn map(
        &mut self,
        device: NonNull<bindings::device>,
        direction: bindings::dma_data_direction,
        now: impl FnOnce() -> Result<PageList>,
    ) -> Result<*mut bindings::sg_table> {
        self.mappings.reserve(1, GFP_KERNEL)?;
        let pages = self.pages(now)?;
        let mut mapping = KBox::new(
            Mapping {
                table: pin_init::zeroed(),
                device,
                direction,
                _pages: pages.clone(),
            },
            GFP_KERNEL,
        )?;
        let (table, count) = (&raw mut mapping.table, pages.count()?);
        let bytes = (count as usize)
            .checked_mul(kernel::page::PAGE_SIZE)
            .ok_or(EOVERFLOW)?;

        // SAFETY: The table is ours, and empty; the list has so many pages. The device is valid.
        unsafe {
            let segment = bindings::iomd_dma_segment(device.as_ptr());

            to_result(bindings::sg_alloc_table_from_pages_segment(
                table,
                pages.as_raw(),
                count,
                0,
                bytes,
                segment,
                bindings::GFP_KERNEL,
            ))?;
            to_result(bindings::dma_map_sgtable(
                device.as_ptr(),
                table,
                direction,
                0,
            ))
            .inspect_err(|_| bindings::sg_free_table(table))?;
        }
        // SAFETY: A box is not null.
        let mapping = unsafe { NonNull::new_unchecked(KBox::into_raw(mapping)) };
        // There is room.
        self.mappings.push(mapping, GFP_KERNEL)?;
        Ok(mapping.as_ptr().cast())
    }

    /// Takes a mapping back, whose device does not use it any more.
    ///
    /// # Safety
    ///
    /// [`Importers::map`] gave the table, which is not used any more.
    pub(super) unsafe fn unmap(&mut self, table: *mut bindings::sg_table) {
        self.mappings
            .retain(|mapping| mapping.as_ptr().cast() != table);
        // SAFETY: The table is the first member of a mapping that `map` has made, and nobody else has
        // it any more.
        unsafe {
            let mut mapping = KBox::from_raw(table.cast::<Mapping>());
            let (device, direction) = (mapping.device.as_ptr(), mapping.direction);
            bindings::dma_unmap_sgtable(device, &mut mapping.table, direction, 0);
            bindings::sg_free_table(&mut mapping.table);
        }
    }

    /// What devices have written is there for processors to see.
    pub(super) fn sync_for_processor(&self) {
        for mapping in &self.mappings {
            // SAFETY: What is in the list is mapped, and its device is valid.
            unsafe {
                let mapping = mapping.as_ptr();
                bindings::iomd_dma_sync_for_processor(
                    (*mapping).device.as_ptr(),
                    &raw mut (*mapping).table,
                    (*mapping).direction,
                );
            }
        }
    }

    /// What processors have written is there for devices to see.
    pub(super) fn sync_for_devices(&self) {
        for mapping in &self.mappings {
            // SAFETY: As above.
            unsafe {
                let mapping = mapping.as_ptr();
                bindings::iomd_dma_sync_for_device(
                    (*mapping).device.as_ptr(),
                    &raw mut (*mapping).table,
                    (*mapping).direction,
                );
            }
        }
    }

    /// The pages at one address of the kernel's, pinned. To be called once.
    pub(super) fn vmap(&mut self, now: impl FnOnce() -> Result<PageList>) -> Result<*mut c_void> {
        let pages = self.pages(now)?;
        let count = pages.count()?;
        // SAFETY: The list has so many pages, each with a reference that lasts as long as the pin.
        let address = unsafe { bindings::iomd_vmap(pages.as_raw(), count) };
        if address.is_null() {
            return Err(ENOMEM);
        }
        self.pinned = Some(pages);
        self.pins = self.pins.saturating_add(1);
        self.address = address;
        Ok(address)
    }

    /// The end of that. As [`Importers::unpin`].
    #[must_use]
    pub(super) fn vunmap(&mut self) -> bool {
        let address = core::mem::replace(&mut self.address, null_mut());

        // SAFETY: `vmap` mapped it, and nobody uses it any more.
        unsafe { bindings::vunmap(address) };
        self.unpin()
    }
}
