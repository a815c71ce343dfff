// SPDX-License-Identifier: GPL-2.0

//! A page fault as a typestate.
//!
//! A [`Fault`] holds the fault lock (the VMA lock or the mmap lock). It is either answered with the
//! lock held, or [released](Fault::release), and a [`Released`] can only become a retry: what must
//! not be touched without the lock cannot be reached any more.

use super::{
    bindings, fault_count::Counted, file, folio::PIECE, pages::Page, run::Run, vma::AddressSpace,
};
use crate::pure::wait::Access;
use core::marker::PhantomData;
use kernel::{
    fs::File, mm::virt::VmaMixedMap, page::PAGE_SIZE, sync::aref::ARef, types::NotThreadSafe,
};

const EBUSY: i32 = -(bindings::EBUSY as i32);

/// What a fault asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// An entry for a page.
    Page,
    /// One for a piece, or else to be asked again for a page.
    Piece,
}

/// A fault to be answered.
///
/// # Invariants
///
/// `vmf` is valid and its fault lock is held; the VMA has an inner file and VM_MIXEDMAP.
pub(crate) struct Fault<'a> {
    vmf: *mut bindings::vm_fault,
    entry: Entry,
    _lock: PhantomData<(&'a VmaMixedMap, NotThreadSafe)>,
}

impl Fault<'_> {
    /// # Safety
    ///
    /// `vmf` is the argument of a `->fault`, or for [`Entry::Piece`] of a `->huge_fault`, of a VMA
    /// that [`super::vma::show`] set up, and the `Fault` does not outlive that call.
    pub(super) unsafe fn from_raw(vmf: *mut bindings::vm_fault, entry: Entry) -> Self {
        // INVARIANT: As required.
        Self {
            vmf,
            entry,
            _lock: PhantomData,
        }
    }

    fn vma(&self) -> &VmaMixedMap {
        // SAFETY: By the invariant; `show` set VM_MIXEDMAP.
        unsafe { VmaMixedMap::from_raw((*self.vmf).__bindgen_anon_1.vma) }
    }

    fn has(&self, flag: bindings::fault_flag) -> bool {
        // SAFETY: By the invariant.
        unsafe { (*self.vmf).flags & flag != 0 }
    }

    /// Whose access it is.
    pub(crate) fn address_space(&self) -> AddressSpace {
        AddressSpace::of(self.vma())
    }

    /// Where it is.
    pub(crate) fn address(&self) -> usize {
        // SAFETY: By the invariant.
        unsafe { (*self.vmf).__bindgen_anon_1.real_address }
    }

    /// Whether it is to write.
    pub(crate) fn is_write(&self) -> bool {
        self.has(bindings::fault_flag_FAULT_FLAG_WRITE)
    }

    /// The object's page that is wanted.
    pub(crate) fn page(&self) -> usize {
        // SAFETY: By the invariant.
        unsafe { (*self.vmf).__bindgen_anon_1.pgoff }
    }

    /// Whether an entry for a whole piece is asked for: then it is answered by
    /// [`Fault::insert_piece`] or [`Fault::fall_back`].
    pub(crate) fn wants_piece(&self) -> bool {
        self.entry == Entry::Piece
    }

    /// Where a piece would begin in the object that is shown there by one entry; `None` if there can be
    /// none: it would not be in the VMA, there are entries for pages, or the core tracks writes.
    pub(crate) fn piece(&self) -> Option<usize> {
        // SAFETY: By the invariant.
        let address = unsafe { (*self.vmf).__bindgen_anon_1.address };
        let before = address % (PIECE * PAGE_SIZE);
        let start = address.checked_sub(before)?;
        let is_inside = start >= self.vma().start()
            && self.vma().end().saturating_sub(start) >= PIECE * PAGE_SIZE;

        // SAFETY: By the invariant.
        if is_inside && unsafe { bindings::iomd_fault_takes_piece(self.vmf) } {
            self.page().checked_sub(before / PAGE_SIZE)
        } else {
            None
        }
    }

    /// Whether an entry for a piece is there.
    pub(crate) fn has_piece(&self) -> bool {
        // SAFETY: By the invariant.
        unsafe { bindings::iomd_fault_has_piece(self.vmf) }
    }

    /// How many pages there are, beginning with the wanted one, in its aligned window of so many, as far
    /// as the mapping goes.
    pub(crate) fn rest_of(&self, window: usize) -> usize {
        // SAFETY: By the invariant.
        let address = unsafe { (*self.vmf).__bindgen_anon_1.address };
        let to_end = self.vma().end().saturating_sub(address) / PAGE_SIZE;
        let before = (address / PAGE_SIZE).checked_rem(window).unwrap_or(0);

        window.saturating_sub(before).min(to_end)
    }

    /// Who wants it, and how. `privileged` is for the caller to say.
    pub(crate) fn access(&self, privileged: bool) -> Access {
        // SAFETY: There is always a current task.
        let task = unsafe { bindings::iomd_current_flags() };

        Access {
            retry_without_wait: self.has(bindings::fault_flag_FAULT_FLAG_RETRY_NOWAIT),
            may_retry: self.has(bindings::fault_flag_FAULT_FLAG_ALLOW_RETRY),
            user_mode: self.has(bindings::fault_flag_FAULT_FLAG_USER),
            leaving: task & (bindings::PF_EXITING | bindings::PF_DUMPCORE) != 0,
            kernel_thread: task & bindings::PF_KTHREAD != 0,
            privileged,
        }
    }

    /// As [`Fault::insert`], the wanted page alone.
    #[inline]
    pub(crate) fn insert_page(self, _: Counted, page: &Page) -> Outcome {
        // SAFETY: By the invariant.
        let address = unsafe { (*self.vmf).__bindgen_anon_1.address };
        // SAFETY: By the invariant the VMA is locked and MIXEDMAP, and a `Page` is of a folio that we
        // allocated; the call checks the address. The caller sees to it that there is no entry for a
        // piece.
        let error =
            unsafe { bindings::vm_insert_page(self.vma().as_ptr(), address, page.as_ptr()) };

        Self::inserted(error)
    }

    /// Puts the wanted page in, which `run` begins with, and after it those whose place is still empty,
    /// `most` of them together: pages of ours, in write-back mode. `load` makes the run those from a
    /// distance on, so many at most.
    ///
    /// The caller keeps the object's lock for the call, so that no page goes in after a zap.
    pub(crate) fn insert<'p>(
        self,
        _: Counted,
        run: &mut Run<'p>,
        most: usize,
        load: impl Fn(&mut Run<'p>, usize, usize),
    ) -> Outcome {
        let first = self.insert_run(run, 0);
        let mut done = run.len();

        // That more than the first are wanted at all is a guess.
        while first == 0 && done < most {
            load(run, done, most - done);
            if run.is_empty() || self.insert_run(run, done) != 0 {
                break;
            }
            done += run.len();
        }
        Self::inserted(first)
    }

    fn inserted(error: i32) -> Outcome {
        Outcome::code(match error {
            // EBUSY: another thread was faster, and it can only have put in the same page.
            0 | EBUSY => bindings::vm_fault_reason_VM_FAULT_NOPAGE,
            _ => bindings::vm_fault_reason_VM_FAULT_OOM,
        })
    }

    /// Puts pages in so many after the wanted one, up to the first whose place is taken. The error is 0
    /// if all are in, and that of the first one if they begin with the wanted one.
    fn insert_run(&self, run: &mut Run<'_>, distance: usize) -> i32 {
        let vma = self.vma().as_ptr();
        // SAFETY: By the invariant.
        let address = unsafe { (*self.vmf).__bindgen_anon_1.address };
        let address = address.wrapping_add(distance.wrapping_mul(PAGE_SIZE));

        let mut left = run.len();
        // SAFETY: By the invariant the VMA is locked and MIXEDMAP, and a `Page` is of a folio that we
        // allocated; the call checks the addresses. The caller sees to it that there is no entry for a
        // piece.
        let error = unsafe { bindings::vm_insert_pages(vma, address, run.as_raw(), &mut left) };
        // Some are in, so the first is.
        if distance == 0 && left != run.len() {
            return 0;
        }
        error
    }

    /// As [`Fault::insert`], for pages of others, or of another mode than write-back, by where they are
    /// in physical memory.
    ///
    /// The entries get the mode that the kernel has noted for the page. Through them nobody can hold
    /// it. They have no reference either: the object zaps before it lets go of page or mode.
    pub(crate) fn insert_special(
        self,
        _: Counted,
        page: u64,
        following: impl Iterator<Item = u64>,
    ) -> Outcome {
        let vma = self.vma().as_ptr();
        // SAFETY: By the invariant.
        let address = unsafe { (*self.vmf).__bindgen_anon_1.address };
        let insert = |distance: usize, page: u64| {
            let address = address.wrapping_add(PAGE_SIZE.wrapping_mul(distance));
            let frame = page as usize / PAGE_SIZE;
            // SAFETY: By the invariant the VMA is locked and MIXEDMAP; the call checks the address
            // against it.
            unsafe { bindings::vmf_insert_mixed(vma, address, frame) }
        };

        let code = insert(0, page);
        for (distance, page) in (1..).zip(following) {
            // That they are wanted at all is a guess.
            insert(distance, page);
        }
        Outcome::code(code)
    }

    /// Puts an entry for a piece in, which has to be write-back and is shown from [`Fault::piece`] on.
    /// The caller keeps the object's lock, and lets nobody insert pages meanwhile.
    ///
    /// The entry is special, and holds no reference: the object zaps before it lets go of the piece.
    /// Pages can be held through it nevertheless, as the core gives the references to the folio.
    pub(crate) fn insert_piece(self, _: Counted, first: &Page) -> Outcome {
        if !cfg!(CONFIG_TRANSPARENT_HUGEPAGE) || !first.begins_piece() {
            return self.fall_back();
        }
        let frame = first.physical_address() as usize / PAGE_SIZE;

        // Not for a write: there would be a complaint if another thread had just put in a page table.
        // What an entry allows does not depend on it, as the core does not track writes here.
        // SAFETY: By the invariant the VMA is locked and MIXEDMAP; the folio is as large as the entry.
        Outcome::code(unsafe { bindings::vmf_insert_pfn_pmd(self.vmf, frame, false) })
    }

    /// Lets the core ask for an entry for a page.
    pub(crate) fn fall_back(self) -> Outcome {
        Outcome::code(bindings::vm_fault_reason_VM_FAULT_FALLBACK)
    }

    /// Lets the access happen again at once: somebody else has put an entry in.
    pub(crate) fn happen_again(self) -> Outcome {
        Outcome::code(bindings::vm_fault_reason_VM_FAULT_NOPAGE)
    }

    /// Answers with SIGBUS (EFAULT for an access in kernel mode).
    pub(crate) fn sigbus(self) -> Outcome {
        Outcome::code(bindings::vm_fault_reason_VM_FAULT_SIGBUS)
    }

    /// Answers "again" without a wait, the lock still held: for FAULT_FLAG_RETRY_NOWAIT, whose
    /// callers expect that. SIGBUS for others.
    pub(crate) fn retry_without_wait(self) -> Outcome {
        let access = self.access(false);

        if access.retry_without_wait && access.may_retry {
            Outcome::code(bindings::vm_fault_reason_VM_FAULT_RETRY)
        } else {
            self.sigbus()
        }
    }

    /// Drops the fault lock for `wait`, which is short, and lets the access fault again. One that
    /// may not drop it is answered as by [`Fault::retry_without_wait`].
    pub(crate) fn retry_after(self, wait: impl FnOnce()) -> Outcome {
        match self.release() {
            Ok(released) => {
                wait();
                released.retry()
            }
            Err(fault) => fault.retry_without_wait(),
        }
    }

    /// Drops the fault lock, to sleep. Gives the fault back where it may not be retried, whose caller
    /// goes on using the lock.
    ///
    /// Without the lock, munmap and close can take the VMA and the last file away, and rmmod the
    /// code that sleeps; so the file is held until the outcome is delivered.
    pub(crate) fn release(self) -> core::result::Result<Released, Self> {
        let access = self.access(false);
        if !access.may_retry || access.retry_without_wait {
            return Err(self);
        }
        // SAFETY: The VMA is locked and keeps its file, so that it can be referenced.
        let file = unsafe {
            file::own(bindings::get_file(
                (*(*self.vmf).__bindgen_anon_1.vma).vm_file,
            ))
        };

        // SAFETY: By the invariant the lock is held; `self` is consumed, so it is not used again.
        unsafe { bindings::iomd_release_fault_lock(self.vmf) };
        Ok(Released { file })
    }
}

/// A fault whose lock is gone.
pub(crate) struct Released {
    file: ARef<File>,
}

impl Released {
    /// Lets the access fault again.
    pub(crate) fn retry(self) -> Outcome {
        Outcome {
            code: bindings::vm_fault_reason_VM_FAULT_RETRY,
            file: Some(self.file),
        }
    }
}

/// The answer to a fault.
#[must_use]
pub(crate) struct Outcome {
    code: bindings::vm_fault_t,
    // Keeps the object alive until the handler has returned.
    file: Option<ARef<File>>,
}

impl Outcome {
    fn code(code: bindings::vm_fault_t) -> Self {
        Self { code, file: None }
    }

    /// Gives the file up as the last act.
    pub(super) fn into_raw(self) -> bindings::vm_fault_t {
        let Self { code, file } = self;

        drop(file);
        code
    }
}
