// SPDX-License-Identifier: GPL-2.0

//! A page to be copied, whoever's it is: one that the kernel manages, or a page of a device.

use super::{bindings, pages::Page, physical::DevicePage};
use core::ffi::c_void;

/// A page that is ours for as long as this is there.
pub(crate) enum Frame {
    Page(Page),
    Device(DevicePage),
}

impl Frame {
    /// Copies bytes of `from`, from `from_offset` on, to `offset`; those who map either page may see
    /// them change meanwhile. What goes beyond a page is left out.
    pub(crate) fn copy_bytes(&self, offset: u64, from: &Self, from_offset: u64, length: u64) {
        let size = length as usize;
        let there = |device: &DevicePage, offset: u64| -> Option<*mut c_void> {
            device.at(offset as usize, size)
        };

        match (self, from) {
            (Self::Page(to), Self::Page(from)) => to.copy_bytes(offset, from, from_offset, length),
            (Self::Page(to), Self::Device(from)) => {
                if let Some(from) = there(from, from_offset) {
                    // SAFETY: Both are valid for so many bytes: the call takes no more than a page's.
                    unsafe {
                        bindings::iomd_copy_from_io(to.as_ptr(), offset as usize, from, size)
                    };
                }
            }
            (Self::Device(to), Self::Page(from)) => {
                if let Some(to) = there(to, offset) {
                    // SAFETY: As above.
                    unsafe {
                        bindings::iomd_copy_to_io(to, from.as_ptr(), from_offset as usize, size)
                    };
                }
            }
            (Self::Device(to), Self::Device(from)) => {
                if let (Some(to), Some(from)) = (there(to, offset), there(from, from_offset)) {
                    // SAFETY: Both are valid for so many bytes.
                    unsafe { bindings::memcpy_toio(to, from, size) };
                }
            }
        }
    }

    /// Zeroes bytes from `offset` on. What goes beyond the page is left out.
    pub(crate) fn clear_bytes(&self, offset: u64, length: u64) {
        match self {
            Self::Page(page) => page.clear_bytes(offset, length),
            Self::Device(page) => {
                if let Some(at) = page.at(offset as usize, length as usize) {
                    // SAFETY: It is valid for so many bytes.
                    unsafe { bindings::memset_io(at, 0, length as usize) };
                }
            }
        }
    }
}
