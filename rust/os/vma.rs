// SPDX-License-Identifier: GPL-2.0

//! Virtual memory areas that show an object: `struct vm_operations_struct`.
//!
//! C header: [`include/linux/mm.h`](srctree/include/linux/mm.h)

use super::{
    bindings,
    fault::{Entry, Fault, Outcome},
    file::{Access, FileOperations},
    mappings::{InnerFile, MappedObject},
};
use core::{marker::PhantomData, ptr};
use kernel::{
    mm::{
        virt::{flags, VmaNew, VmaRef},
        MmapReadGuard,
    },
    page::PAGE_SIZE,
    prelude::*,
};

/// Tells one address space from all others that exist at the same time. It holds nothing and may
/// be compared only with that of a VMA that exists.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct AddressSpace(usize);

impl AddressSpace {
    /// For [`Atomic`](kernel::sync::atomic::Atomic)s; never 0.
    pub(crate) fn number(self) -> usize {
        self.0
    }

    /// That of a VMA.
    pub(super) fn of(vma: &VmaRef) -> Self {
        // SAFETY: Whoever has a `VmaRef` may read it, and it never changes.
        Self::of_mm(unsafe { (*vma.as_ptr()).vm_mm })
    }

    /// That of a process.
    pub(super) fn of_mm(mm: *mut bindings::mm_struct) -> Self {
        Self(mm as usize)
    }
}

/// Where a VMA is, and what of the object it shows.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) address_space: AddressSpace,
    /// The first address.
    pub(crate) start: usize,
    /// The object's page that is seen there.
    pub(crate) first_page: usize,
    /// Pages.
    pub(crate) pages: usize,
}

impl Place {
    /// The place of a VMA.
    pub(crate) fn of(vma: &VmaRef) -> Self {
        Self {
            address_space: AddressSpace::of(vma),
            start: vma.start(),
            // SAFETY: Whoever has a `VmaRef` may read it; it does not change under the lock.
            first_page: unsafe { (*vma.as_ptr()).vm_pgoff },
            pages: (vma.end() - vma.start()) / PAGE_SIZE,
        }
    }
}

/// What an inner file's object is told of the VMAs that show it.
///
/// `opened` and `closed` run under the mmap lock of the VMA's task, also at fork and exit: they
/// take no sleeping lock.
pub(crate) trait VmaObject: MappedObject {
    /// The operation table: one `static` of each type.
    fn vm_operations() -> &'static VmOperations<Self>;

    /// A VMA was copied: fork, a split, the first half of mremap. Not called for the first one.
    fn opened(&self, place: Place);

    /// A VMA goes away.
    fn closed(&self, place: Place);

    /// mremap moved a VMA here.
    fn moved(&self, place: Place);

    /// An access found no page-table entry, for a piece or for a page.
    fn fault(&self, fault: Fault<'_>) -> Outcome;
}

/// `struct vm_operations_struct` for VMAs whose file owns a `T`.
pub(crate) struct VmOperations<T>(bindings::vm_operations_struct, PhantomData<T>);

// SAFETY: The table is never written.
unsafe impl<T> Sync for VmOperations<T> {}

impl<T: VmaObject> VmOperations<T> {
    pub(crate) const fn new() -> Self {
        Self(
            bindings::vm_operations_struct {
                open: Some(Self::open),
                close: Some(Self::close),
                mremap: Some(Self::mremap),
                fault: Some(Self::fault),
                huge_fault: Some(Self::huge_fault),
                // Without it the core takes the mmap lock for every fault.
                map_pages: Some(Self::map_pages),
                ..pin_init::zeroed()
            },
            PhantomData,
        )
    }

    /// Whether a VMA with these operations is one of a `T`.
    pub(super) fn are(operations: *const bindings::vm_operations_struct) -> bool {
        ptr::eq(operations, &T::vm_operations().0)
    }

    /// # Safety
    ///
    /// `vma` has this table, and the caller may read it for `'a`.
    unsafe fn object<'a>(vma: *mut bindings::vm_area_struct) -> &'a T {
        // SAFETY: `show` gave the VMA this table together with a file that has `T`'s, and a VMA
        // keeps its file.
        unsafe { FileOperations::object((*vma).vm_file) }
    }

    /// # Safety
    ///
    /// As the core calls it: the VMA has this table and is locked.
    unsafe extern "C" fn open(vma: *mut bindings::vm_area_struct) {
        // SAFETY: The core calls with a valid VMA, its lock held.
        unsafe { Self::object(vma).opened(Place::of(VmaRef::from_raw(vma))) };
    }

    /// # Safety
    ///
    /// As the core calls it: the VMA has this table and is locked.
    unsafe extern "C" fn close(vma: *mut bindings::vm_area_struct) {
        // SAFETY: As above.
        unsafe { Self::object(vma).closed(Place::of(VmaRef::from_raw(vma))) };
    }

    /// # Safety
    ///
    /// As the core calls it: the VMA has this table and is locked.
    unsafe extern "C" fn mremap(vma: *mut bindings::vm_area_struct) -> kernel::ffi::c_int {
        // SAFETY: As above.
        unsafe { Self::object(vma).moved(Place::of(VmaRef::from_raw(vma))) };
        0
    }

    /// # Safety
    ///
    /// As the core calls it: the VMA has this table and is locked.
    unsafe extern "C" fn fault(vmf: *mut bindings::vm_fault) -> bindings::vm_fault_t {
        // SAFETY: The core calls with a valid VMA, the fault lock held. The object outlives the
        // call: the VMA keeps the file until the lock is released, the outcome from then on.
        let (object, fault) = unsafe {
            (
                Self::object((*vmf).__bindgen_anon_1.vma),
                Fault::from_raw(vmf, Entry::Page),
            )
        };

        object.fault(fault).into_raw()
    }

    /// # Safety
    ///
    /// As the core calls it: the VMA has this table and is locked.
    unsafe extern "C" fn huge_fault(
        vmf: *mut bindings::vm_fault,
        order: kernel::ffi::c_uint,
    ) -> bindings::vm_fault_t {
        if order != bindings::PMD_ORDER {
            return bindings::vm_fault_reason_VM_FAULT_FALLBACK;
        }
        // SAFETY: As for `fault`.
        let (object, fault) = unsafe {
            (
                Self::object((*vmf).__bindgen_anon_1.vma),
                Fault::from_raw(vmf, Entry::Piece),
            )
        };

        object.fault(fault).into_raw()
    }

    /// # Safety
    ///
    /// As the core calls it: the VMA has this table and is locked.
    unsafe extern "C" fn map_pages(
        _vmf: *mut bindings::vm_fault,
        _start: kernel::ffi::c_ulong,
        _end: kernel::ffi::c_ulong,
    ) -> bindings::vm_fault_t {
        // Nothing is mapped around; `fault` does that under the object's own lock.
        0
    }
}

/// Makes a new VMA show `inner`'s object; nothing can fail from here on.
///
/// Pages go in by `vm_insert_page()` (MIXEDMAP); the VMA neither merges nor grows (DONTEXPAND), is
/// not dumped, and never becomes executable.
///
/// `EINVAL` for a private mapping, `EPERM` for an executable one.
pub(crate) fn show<T: VmaObject>(vma: &VmaNew, inner: &InnerFile<T>) -> Result {
    // VM_MAYSHARE, because do_mmap() clears VM_SHARED for files that are not writable.
    if vma.flags() & flags::MAYSHARE == 0 {
        return Err(EINVAL);
    }
    vma.try_clear_mayexec().map_err(|_| EPERM)?;
    vma.set_mixedmap();
    vma.set_dontexpand();
    vma.set_dontdump();

    // SAFETY: The VMA is being set up by this task, and `vma_set_file` takes a reference of its
    // own. An `InnerFile<T>` owns a `T`, as the operations need of the VMA's file.
    unsafe {
        bindings::vma_set_file(vma.as_ptr(), inner.as_raw());
        (*vma.as_ptr()).vm_ops = &T::vm_operations().0;
    }
    Ok(())
}

/// What is mapped from `address` on: calls `found` with the object, the first of its pages, and the
/// rights with which all of them are mapped.
///
/// `None` unless `pages` pages of a `T` are mapped there in order and without a gap, by VMAs of one
/// file: those of one mmap, which can have been split since.
pub(super) fn shown_at<T: VmaObject, R>(
    lock: &MmapReadGuard<'_>,
    address: usize,
    pages: usize,
    found: impl FnOnce(&T, usize, Access) -> R,
) -> Option<R> {
    let end = address.checked_add(pages.checked_mul(PAGE_SIZE)?)?;
    let first = lock.vma_lookup(address)?;
    // SAFETY: The VMA may be read under the lock.
    let (operations, file) = unsafe { ((*first.as_ptr()).vm_ops, (*first.as_ptr()).vm_file) };
    if !VmOperations::<T>::are(operations) {
        return None;
    }
    let page = page_at(first, address)?;
    let mut writable = true;

    let mut vma = first;
    loop {
        writable &= vma.flags() & flags::WRITE != 0;
        let next = vma.end();
        if next >= end {
            break;
        }
        vma = lock.vma_lookup(next)?;
        // SAFETY: As above.
        let same_file = ptr::eq(unsafe { (*vma.as_ptr()).vm_file }, file);
        if !same_file || page_at(vma, next)? != page.checked_add((next - address) / PAGE_SIZE)? {
            return None;
        }
    }
    let access = if writable {
        Access::ReadWrite
    } else {
        Access::Read
    };
    // SAFETY: The VMA has `T`'s table, and keeps its file as long as the lock is held.
    Some(found(unsafe { FileOperations::object(file) }, page, access))
}

/// The page of its object that a VMA shows at an address that is inside.
fn page_at(vma: &VmaRef, address: usize) -> Option<usize> {
    let before = address.checked_sub(vma.start())? / PAGE_SIZE;

    Place::of(vma).first_page.checked_add(before)
}
