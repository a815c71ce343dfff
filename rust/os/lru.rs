// SPDX-License-Identifier: GPL-2.0

//! The list of what a shrinker may take memory from, and the shrinker's work on it.
//!
//! C header: [`include/linux/list_lru.h`](srctree/include/linux/list_lru.h)

use super::bindings;
use core::{marker::PhantomData, ptr};
use kernel::{
    error::to_result,
    ffi::{c_ulong, c_void},
    prelude::*,
    sync::Arc,
    types::Opaque,
};

/// At how many objects of a list one looks to say how much there is to take.
const COUNTED: c_ulong = 1024;

/// An object whose memory may be taken.
///
/// Both calls come from whoever needs memory, with any locks held under which memory is allocated.
/// So they only try locks, and allocate nothing.
pub(crate) trait Reclaim: Send + Sync + 'static {
    /// How many pages it would give. Called with a spinlock held.
    fn reclaimable(&self) -> usize;

    /// Gives all of its memory, or none; says how many pages. Having given, it takes itself off the
    /// list.
    fn reclaim(&self) -> usize;
}

/// An object on a list; in memory of the object's account, which says on whose list it is.
#[repr(C)]
pub(super) struct Listed<T> {
    pub(super) item: bindings::list_head,
    pub(super) object: Arc<T>,
}

/// Who may be taken from, the oldest first: a list of each memory cgroup and node.
///
/// # Invariants
///
/// Every entry is the `item` of a `Listed<T>` that is valid as long as it is on the list.
#[pin_data(PinnedDrop)]
pub(super) struct List<T: Reclaim> {
    #[pin]
    pub(super) entries: Opaque<bindings::list_lru>,
    _objects: PhantomData<Arc<T>>,
}

// SAFETY: The list has locks of its own, and a `T` can be used and dropped anywhere.
unsafe impl<T: Reclaim> Send for List<T> {}
// SAFETY: As above.
unsafe impl<T: Reclaim> Sync for List<T> {}

impl<T: Reclaim> List<T> {
    /// A list of that shrinker's.
    ///
    /// # Safety
    ///
    /// The shrinker is valid.
    pub(super) unsafe fn new(shrinker: *mut bindings::shrinker) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            // INVARIANT: There are no entries.
            entries <- Opaque::try_ffi_init(|slot: *mut bindings::list_lru| {
                // SAFETY: `slot` is valid for writing and pinned from then on, the shrinker valid.
                to_result(unsafe {
                    slot.write_bytes(0, 1);
                    bindings::__list_lru_init(slot, true, shrinker)
                })
            }),
            _objects: PhantomData,
        })
    }

    /// How many pages there are to take.
    ///
    /// # Safety
    ///
    /// As the core calls it: with a shrinker whose private data is the `entries` of a `List<T>`.
    pub(super) unsafe extern "C" fn count(
        shrinker: *mut bindings::shrinker,
        control: *mut bindings::shrink_control,
    ) -> c_ulong {
        // SAFETY: As required.
        let (list, nid, memcg) = unsafe {
            (
                (*shrinker).private_data.cast(),
                (*control).nid,
                (*control).memcg,
            )
        };
        let mut objects = COUNTED;
        let mut pages: usize = 0;

        // SAFETY: The list is valid, and `add_up` is given what it takes.
        unsafe {
            if bindings::list_lru_count_one(list, nid, memcg) == 0 {
                return bindings::SHRINK_EMPTY as c_ulong;
            }
            bindings::list_lru_walk_one(
                list,
                nid,
                memcg,
                Some(Self::add_up),
                ptr::from_mut(&mut pages).cast(),
                &mut objects,
            );
        }
        pages
    }

    /// # Safety
    ///
    /// As the core calls it: with an item of the list, which is locked; and `pages` is a `usize`.
    unsafe extern "C" fn add_up(
        item: *mut bindings::list_head,
        _list: *mut bindings::list_lru_one,
        pages: *mut c_void,
    ) -> bindings::lru_status {
        // SAFETY: As required, and by the invariant of `List`.
        unsafe {
            let object = &(*item.cast::<Listed<T>>()).object;
            let pages = &mut *pages.cast::<usize>();

            *pages = pages.saturating_add(object.reclaimable());
        }
        bindings::lru_status::LRU_SKIP
    }

    /// Takes memory of one object after the other, until it was enough.
    ///
    /// # Safety
    ///
    /// As [`List::count`].
    pub(super) unsafe extern "C" fn scan(
        shrinker: *mut bindings::shrinker,
        control: *mut bindings::shrink_control,
    ) -> c_ulong {
        // SAFETY: As required.
        let (list, nid, memcg, wanted) = unsafe {
            (
                (*shrinker).private_data.cast(),
                (*control).nid,
                (*control).memcg,
                (*control).nr_to_scan,
            )
        };
        // Each at most once: whoever has nothing to give now stays on the list.
        // SAFETY: The list is valid.
        let objects = unsafe { bindings::list_lru_count_one(list, nid, memcg) };
        let (mut scanned, mut taken) = (0_usize, 0_usize);

        for _ in 0..objects {
            // SAFETY: There is always a current task.
            if taken >= wanted || unsafe { bindings::iomd_reclaim_is_done() } {
                break;
            }
            let mut object: Option<Arc<T>> = None;
            let mut one = 1;
            // SAFETY: The list is valid, and `pick` is given what it takes.
            unsafe {
                bindings::list_lru_walk_one(
                    list,
                    nid,
                    memcg,
                    Some(Self::pick),
                    ptr::from_mut(&mut object).cast(),
                    &mut one,
                )
            };
            let Some(object) = object else {
                break;
            };
            scanned = scanned.saturating_add(object.reclaimable().max(1));
            let pages = object.reclaim();
            // What `scan` returns is not counted by whoever needs memory.
            // SAFETY: There is always a current task.
            unsafe { bindings::iomd_account_reclaimed(pages) };
            taken = taken.saturating_add(pages);
        }
        // SAFETY: As required.
        unsafe { (*control).nr_scanned = scanned };
        if taken == 0 {
            // Another round would find the same.
            bindings::SHRINK_STOP as c_ulong
        } else {
            taken
        }
    }

    /// Picks the oldest, which becomes the youngest: should it be passed over, others come first
    /// next time.
    ///
    /// # Safety
    ///
    /// As the core calls it: with an item of the list, which is locked; and `object` is an
    /// `Option<Arc<T>>`.
    unsafe extern "C" fn pick(
        item: *mut bindings::list_head,
        _list: *mut bindings::list_lru_one,
        object: *mut c_void,
    ) -> bindings::lru_status {
        // SAFETY: As required, and by the invariant of `List`.
        unsafe {
            let listed = &(*item.cast::<Listed<T>>()).object;

            *object.cast::<Option<Arc<T>>>() = Some(listed.clone());
        }
        bindings::lru_status::LRU_ROTATE
    }
}

#[pinned_drop]
impl<T: Reclaim> PinnedDrop for List<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: It was initialised. Nothing is on it: whoever is keeps the list.
        unsafe { bindings::list_lru_destroy(self.entries.get()) };
    }
}
