// SPDX-License-Identifier: GPL-2.0

//! Locks that are there as long as the module is.

use kernel::prelude::*;

/// Shows that the module is being loaded: its code runs nowhere else yet, so that what cannot be
/// initialised at compile time can be now.
pub(crate) struct Loading(());

impl Loading {
    /// To be called first thing when the module is loaded, and nowhere else.
    pub(crate) fn new(_module: &'static ThisModule) -> Self {
        Self(())
    }
}

/// Defines a static mutex and the function that initialises it.
macro_rules! global_mutex {
    (static $name:ident: Mutex<$type:ty> = $value:expr; $(#[$meta:meta])* fn $init:ident) => {
        kernel::sync::global_lock! {
            // SAFETY: `$init` is called while the module is loaded, before there is a device.
            unsafe(uninit) static $name: Mutex<$type> = $value;
        }

        $(#[$meta])*
        pub(crate) fn $init(_: &$crate::os::global::Loading) {
            static DONE: kernel::sync::atomic::Atomic<bool> =
                kernel::sync::atomic::Atomic::new(false);

            if !DONE.xchg(true, kernel::sync::atomic::Full) {
                // SAFETY: Only the first call comes here, while the module is loaded.
                unsafe { $name.init() };
            }
        }
    };
}
pub(crate) use global_mutex;
