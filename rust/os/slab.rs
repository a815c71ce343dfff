// SPDX-License-Identifier: GPL-2.0

//! Slab caches.
//!
//! C header: [`include/linux/slab.h`](srctree/include/linux/slab.h)

use super::bindings;
use core::{mem::size_of, ptr::NonNull};
use kernel::prelude::*;

/// A slab cache.
///
/// # Invariants
///
/// It is valid, and owned by `self`.
pub(super) struct Cache(NonNull<bindings::kmem_cache>);

// SAFETY: A cache belongs to no thread.
unsafe impl Send for Cache {}
// SAFETY: It is made for concurrent use.
unsafe impl Sync for Cache {}

impl Cache {
    /// Of places for a `U`.
    pub(super) fn new<U>(name: &'static CStr) -> Result<Self> {
        // INVARIANT: It is new.
        // SAFETY: The name is static.
        NonNull::new(unsafe {
            bindings::iomd_kmem_cache_create(name.as_char_ptr(), size_of::<U>() as u32)
        })
        .map(Self)
        .ok_or(ENOMEM)
    }

    pub(super) fn as_ptr(&self) -> *mut bindings::kmem_cache {
        self.0.as_ptr()
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        // SAFETY: By the invariant. Whoever has a place of it gives that back first.
        unsafe { bindings::kmem_cache_destroy(self.0.as_ptr()) };
    }
}
