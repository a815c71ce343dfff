// SPDX-License-Identifier: GPL-2.0

//! A view: the inner file behind each VMA that shows a map.

use super::{Inheritance, Map};
use crate::{
    os::{
        address_space::KeptAddressSpace,
        fault::{Fault, Outcome},
        file::{self, Access, FileObject, FileOperations},
        vma::{self, Place, VmOperations, VmaObject},
    },
    registry::Strong,
};
use kernel::{fs::File, mm::virt::VmaNew, prelude::*, str::CString, sync::aref::ARef};

pub(super) struct View {
    map: Strong<Map>,
    /// The dma-buf that it is a mapping of, which lives as long.
    dma_buf: Option<ARef<File>>,
}

impl FileObject for View {
    // Not used: each view's name has its map's id.
    const NAME: &'static CStr = c"[iomd-map]";

    fn operations() -> &'static FileOperations<Self> {
        static OPERATIONS: FileOperations<View> = FileOperations::new();
        &OPERATIONS
    }

    /// Only remap_file_pages comes here: a part of the same map again, with this file's rights.
    fn mmap(&self, file: &File, vma: &VmaNew) -> Result {
        show(&self.map, file::access(file), self.dma_buf.clone(), vma)
    }
}

impl VmaObject for View {
    fn vm_operations() -> &'static VmOperations<Self> {
        static OPERATIONS: VmOperations<View> = VmOperations::new();
        &OPERATIONS
    }

    fn opened(&self, place: Place) {
        self.map.copied(place);
    }

    fn closed(&self, place: Place) {
        self.map.unmapped(place);
    }

    fn moved(&self, place: Place) {
        self.map.moved(place);
    }

    fn fault(&self, fault: Fault<'_>) -> Outcome {
        self.map.fault(fault)
    }
}

/// Makes a new VMA show a map, with `access` to it, and keep the dma-buf that it is a mapping of.
///
/// `EINVAL` for a private mapping or one beyond the map, `EPERM` for an executable one, `ENODEV` if
/// the map has ended or is in the kernel; `ENFILE`, `ENOMEM`.
pub(crate) fn show(
    map: &Strong<Map>,
    access: Access,
    dma_buf: Option<ARef<File>>,
    vma: &VmaNew,
) -> Result {
    let place = Place::of(vma);

    if map.has_ended() || map.is_in_kernel() {
        return Err(ENODEV);
    }
    map.range()
        .slice(place.first_page, place.pages)
        .ok_or(EINVAL)?;
    let name = CString::try_from_fmt(fmt!("[iomd-map:{}]", map.id()))?;
    let view = View {
        map: map.clone(),
        dma_buf,
    };
    let file = map.inode.open(&name, view, access)?;
    if map.inheritance() == Inheritance::None {
        vma.set_dontcopy();
    }
    vma::show(vma, file)?;
    // Last, for it is undone only by the VMA's close.
    map.mapped(place);
    Ok(())
}

/// What is mapped somewhere.
pub(super) struct Sight {
    pub(super) map: Strong<Map>,
    /// The first of the map's pages that are there.
    pub(super) page: usize,
    pub(super) access: Access,
}

/// The map of which so many pages are mapped at an address, if one is. To be called without locks.
pub(super) fn at(address_space: &KeptAddressSpace, address: usize, pages: usize) -> Option<Sight> {
    address_space.shown_at(address, pages, |view: &View, page, access| Sight {
        map: view.map.clone(),
        page,
        access,
    })
}
