// SPDX-License-Identifier: GPL-2.0

//! A view: the inner file behind each VMA that shows a map.

use super::{Inheritance, Map};
use crate::{
    os::{
        address_space::KeptAddressSpace,
        fault::{Fault, Outcome},
        file::{self, Access, FileObject, FileOperations},
        limited::Limits,
        mappings::{InnerFile, MappedObject, Mappings},
        vma::{self, Place, VmOperations, VmaObject},
    },
    registry::Strong,
};
use core::fmt::Write;
use kernel::{
    fs::File, mm::virt::VmaNew, prelude::*, str::NullTerminatedFormatter, sync::aref::ARef,
};

/// What is mapped.
#[derive(Clone)]
pub(crate) struct Subject {
    map: Strong<Map>,
    /// The dma-buf that it is a mapping of, which lives as long.
    _dma_buf: Option<ARef<File>>,
}

pub(crate) struct View {
    subject: Subject,
    /// A forked child does not get it.
    not_inherited: bool,
}

impl Subject {
    pub(crate) fn new(map: Strong<Map>) -> Self {
        Self {
            map,
            _dma_buf: None,
        }
    }

    pub(crate) fn map(&self) -> &Strong<Map> {
        &self.map
    }
}

impl View {
    pub(crate) fn subject(&self) -> &Subject {
        &self.subject
    }
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
        show_view(
            self.subject.clone(),
            file::access(file),
            self.not_inherited,
            vma,
        )
    }
}

impl MappedObject for View {
    fn mappings(&self) -> &Mappings {
        &self.subject.map.mappings
    }
}

impl VmaObject for View {
    fn vm_operations() -> &'static VmOperations<Self> {
        static OPERATIONS: VmOperations<View> = VmOperations::new();
        &OPERATIONS
    }

    fn opened(&self, place: Place) {
        self.subject.map.copied(place);
    }

    fn closed(&self, place: Place) {
        self.subject.map.unmapped(place);
    }

    fn moved(&self, place: Place) {
        self.subject.map.moved(place);
    }

    #[inline(always)]
    fn fault(&self, fault: Fault<'_>) -> Outcome {
        self.subject.map.fault(fault)
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
    let not_inherited = map.inheritance() == Inheritance::None;
    let subject = Subject {
        map: map.clone(),
        _dma_buf: dma_buf,
    };

    show_view(subject, access, not_inherited, vma)
}

fn show_view(subject: Subject, access: Access, not_inherited: bool, vma: &VmaNew) -> Result {
    let map = &subject.map;
    let place = Place::of(vma);

    if map.has_ended() || map.is_in_kernel() {
        return Err(ENODEV);
    }
    map.range()
        .slice(place.first_page, place.pages)
        .ok_or(EINVAL)?;
    let mut buffer = [0; NAME_MAX];
    let name = name(&mut buffer, map.id())?;
    let view = View {
        subject,
        not_inherited,
    };
    let file = InnerFile::open(name, view, access)?;
    if not_inherited {
        vma.set_dontcopy();
    }
    vma::show(vma, &file)?;
    // Last, for it is undone only by the VMA's close.
    file.object().subject.map.mapped(place);
    Ok(())
}

/// Room for the name of a view, whatever its map's id.
const NAME_MAX: usize = 32;

/// What /proc/PID/maps calls a view of the map with that id.
fn name(buffer: &mut [u8; NAME_MAX], id: u64) -> Result<&CStr> {
    let mut writer = NullTerminatedFormatter::new(buffer).ok_or(ENOMEM)?;

    write!(writer, "[iomd-map:{id}]").map_err(|_| ENOMEM)?;
    CStr::from_bytes_until_nul(buffer).map_err(|_| ENOMEM)
}

/// A map that is mapped once more, with rights and inheritance of that mapping's own.
struct Alias {
    subject: Subject,
    limits: Limits,
}

/// A file to map a map with limits. `ENFILE`, `ENOMEM`.
pub(crate) fn alias(subject: Subject, limits: Limits) -> Result<ARef<File>> {
    file::open(Alias { subject, limits }, limits.access())
}

impl FileObject for Alias {
    const NAME: &'static CStr = c"[iomd-alias]";

    fn operations() -> &'static FileOperations<Self> {
        static OPERATIONS: FileOperations<Alias> = FileOperations::new();
        &OPERATIONS
    }

    fn mmap(&self, file: &File, vma: &VmaNew) -> Result {
        self.limits.apply(vma)?;
        show_view(
            self.subject.clone(),
            file::access(file),
            self.limits.not_inherited,
            vma,
        )
    }
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
        map: view.subject.map.clone(),
        page,
        access,
    })
}
