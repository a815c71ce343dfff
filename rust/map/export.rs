// SPDX-License-Identifier: GPL-2.0

//! A map as a dma-buf: devices see what tasks see through it, and the two change together.
//!
//! Whoever has the map zapped tells importers ([`super::switch::Switch::zap`]). An importer that asks
//! for the memory while the gate is closed is told to ask again. To wait for the gate it must not: it
//! can hold the reservations of other maps, and who closed this gate can wait for those.

use super::{held::Held, view, Handle, Map};
use crate::{
    descriptor::memory::Place,
    os::{
        dma_buf::export::{export, Exporter, Exports, Operations, PageList},
        file::{self, Access},
        pages::Page,
        task,
    },
};
use kernel::{fs::File, mm::virt::VmaNew, prelude::*, sync::aref::ARef};

/// A device is in none that could be safe from a suspension.
const NO_ADDRESS_SPACE: usize = usize::MAX;

/// What a dma-buf stands for: a handle of the map, which keeps it from ending.
struct Exported(Handle);

impl Handle {
    /// The map as a new dma-buf, with the map's rights. `ENODEV` if the map has ended; `EOPNOTSUPP` if it
    /// is not pinnable; `ENFILE`, `ENOMEM`.
    pub(crate) fn export(&self) -> Result<ARef<File>> {
        if self.map.has_ended() {
            return Err(ENODEV);
        }
        // A device that has its pages holds them.
        if self.map.unpinnable {
            return Err(EOPNOTSUPP);
        }
        let access = if self.map.options.is_read_only() {
            Access::Read
        } else {
            Access::ReadWrite
        };
        let exported = Exported(Handle::new(self.map.clone())?);

        export(exported, self.map.range.pages(), access)
    }
}

impl Exporter for Exported {
    fn operations() -> &'static Operations<Self> {
        static OPERATIONS: Operations<Exported> = Operations::new();
        &OPERATIONS
    }

    fn exports(&self) -> &Exports {
        &self.0.map.exports
    }

    /// `EAGAIN` while accesses wait, `ENODEV` after the map's end, `EINTR` if the task is
    /// killed, and as of [`hold`].
    fn pages(&self) -> Result<PageList> {
        let map: &Map = &self.0.map;
        let (descriptor, range) = {
            if map.has_ended() {
                return Err(ENODEV);
            }
            let state = map
                .gate
                .enter(NO_ADDRESS_SPACE, || map.state.try_read())
                .filter(|state| matches!(state.held, Held::Nothing))
                .ok_or(EAGAIN)?;
            let part = state.part.as_ref().ok_or(ENODEV)?;

            (part.descriptor().clone(), part.range())
        };

        // Without the state. Who closes the gate now waits for us when he tells importers.
        let mut list = PageList::with_capacity(range.pages())?;
        for index in range.start()..=range.last() {
            if task::is_killed() {
                return Err(EINTR);
            }
            list.push(hold(&descriptor.place(index).ok_or(ENODEV)?)?)?;
            task::yield_if_needed();
        }
        Ok(list)
    }

    fn mmap(&self, dma_buf: ARef<File>, vma: &VmaNew) -> Result {
        let access = file::access(&dma_buf);

        // An importer's own file can have more rights.
        if !access.is_writable() {
            vma.try_clear_maywrite().map_err(|_| EACCES)?;
        }
        view::show(&self.0.map, access, Some(dma_buf), vma)
    }
}

/// A reference to a page, which gets memory if it has none yet. `EOPNOTSUPP` if it is not iomd's own,
/// or not write-back; `ENODATA` if it was taken away; `ENOMEM`.
fn hold(place: &Place<'_>) -> Result<Page> {
    loop {
        {
            let pages = place.leaf.store().pages();

            if pages.are_special() {
                return Err(EOPNOTSUPP);
            }
            if place.is_awaited(&pages) {
                drop(pages);
                place.copy_before_write();
                continue;
            }
            if let Some(page) = pages.get(place.page) {
                return Ok(page.share());
            }
        }
        place.leaf.populate(place.page)?;
    }
}
