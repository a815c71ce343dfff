// SPDX-License-Identifier: GPL-2.0

//! A shrinker of objects that the system may take memory from: those of a memory cgroup when that
//! is at its limit, all of them when the machine is.
//!
//! C header: [`include/linux/shrinker.h`](srctree/include/linux/shrinker.h)

use super::{
    account::Account,
    bindings,
    lru::{List, Listed},
    slab::Cache,
};
use core::ptr::NonNull;
use kernel::{prelude::*, sync::Arc};

pub(crate) use super::lru::Reclaim;

/// A registered shrinker, and the list of what it may take.
///
/// # Invariants
///
/// The shrinker's private data is `list`.
pub(crate) struct Shrinker<T: Reclaim> {
    // Dropped in this order: the callbacks use the list, whose items are of the cache.
    _callbacks: Callbacks,
    list: Pin<KBox<List<T>>>,
    cache: Cache,
}

impl<T: Reclaim> Shrinker<T> {
    /// `ENOMEM`.
    pub(crate) fn register(name: &'static CStr) -> Result<Arc<Self>> {
        let cache = Cache::new::<Listed<T>>(name)?;
        let callbacks = Callbacks::new(name)?;
        let shrinker = callbacks.0.as_ptr();
        // SAFETY: The shrinker is valid.
        let list = KBox::pin_init(unsafe { List::new(shrinker) }, GFP_KERNEL)?;

        // SAFETY: The shrinker is ours alone until it is registered. The list is pinned, and goes
        // after it.
        unsafe {
            (*shrinker).count_objects = Some(List::<T>::count);
            (*shrinker).scan_objects = Some(List::<T>::scan);
            (*shrinker).private_data = list.entries.get().cast();
            // What one call takes at least: an object is taken as a whole, however small.
            (*shrinker).batch = 1;
            bindings::shrinker_register(shrinker);
        }
        // INVARIANT: As just set.
        Ok(Arc::new(
            Self {
                _callbacks: callbacks,
                list,
                cache,
            },
            GFP_KERNEL,
        )?)
    }
}

/// A `struct shrinker`.
///
/// # Invariants
///
/// It is valid, and owned by `self`.
struct Callbacks(NonNull<bindings::shrinker>);

// SAFETY: A shrinker belongs to no thread.
unsafe impl Send for Callbacks {}
// SAFETY: It is made for concurrent use.
unsafe impl Sync for Callbacks {}

impl Callbacks {
    fn new(name: &'static CStr) -> Result<Self> {
        // INVARIANT: It is new.
        // SAFETY: The name is static.
        NonNull::new(unsafe { bindings::iomd_shrinker_alloc(name.as_char_ptr()) })
            .map(Self)
            .ok_or(ENOMEM)
    }
}

impl Drop for Callbacks {
    fn drop(&mut self) {
        // Waits until nobody is in a callback.
        // SAFETY: By the invariant; it may also not be registered yet.
        unsafe { bindings::shrinker_free(self.0.as_ptr()) };
    }
}

/// Keeps an object on the list, and so its memory there to be looked at, as long as this is there.
///
/// # Invariants
///
/// `listed` is a valid place of `shrinker`'s cache that `self` owns, and on `shrinker`'s list.
pub(crate) struct Listing<T: Reclaim> {
    listed: NonNull<Listed<T>>,
    shrinker: Arc<Shrinker<T>>,
}

// SAFETY: What it points to belongs to no thread, nor does a `T`.
unsafe impl<T: Reclaim> Send for Listing<T> {}
// SAFETY: Nothing is reached through a `&Listing`.
unsafe impl<T: Reclaim> Sync for Listing<T> {}

impl<T: Reclaim> Listing<T> {
    /// Puts an object on the list of those whose memory is on `account`. `ENOMEM`.
    pub(crate) fn new(
        shrinker: Arc<Shrinker<T>>,
        account: &Account,
        object: Arc<T>,
    ) -> Result<Self> {
        let list = shrinker.list.entries.get();
        // SAFETY: Cache and list are valid.
        let listed = NonNull::new(account.in_memcg(|| unsafe {
            bindings::iomd_kmem_cache_alloc_lru(shrinker.cache.as_ptr(), list)
        }))
        .ok_or(ENOMEM)?
        .cast::<Listed<T>>();

        // SAFETY: The place is ours, large enough and, as slab places are, aligned to a word. It is
        // initialised before it is on the list.
        unsafe {
            let item = &raw mut (*listed.as_ptr()).item;

            listed.write(Listed {
                item: bindings::list_head {
                    next: item,
                    prev: item,
                },
                object,
            });
            bindings::list_lru_add_obj(list, item);
        }
        // INVARIANT: As just done.
        Ok(Self { listed, shrinker })
    }
}

impl<T: Reclaim> Drop for Listing<T> {
    fn drop(&mut self) {
        // SAFETY: By the invariant. Off the list, nobody else has the place any more: callbacks use
        // items under the list's lock only.
        let Listed { object, .. } = unsafe {
            bindings::list_lru_del_obj(
                self.shrinker.list.entries.get(),
                &raw mut (*self.listed.as_ptr()).item,
            );
            let listed = self.listed.read();
            bindings::kmem_cache_free(self.shrinker.cache.as_ptr(), self.listed.as_ptr().cast());
            listed
        };

        drop(object);
    }
}
