// SPDX-License-Identifier: MIT OR Apache-2.0

//! Pages held for I/O.

use super::Region;
use super::uring::Ring;

/// Holds the pages of some memory, as a driver does during I/O, until dropped.
pub struct Pin(Ring);

impl Pin {
    pub fn of(memory: Region) -> Self {
        let ring = Ring::new();
        ring.register(memory).expect("the memory can be pinned");
        Self(ring)
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        // Now, and not when the kernel comes to clean up after the ring.
        self.0.unregister();
    }
}
