// SPDX-License-Identifier: GPL-2.0

//! Tracepoints, as `tracepoints.h` describes them.

use super::bindings;

/// Fires `iomd_descriptor_create`.
pub(crate) fn descriptor_create(descriptor: u64, pages: usize, sparse: bool) {
    // SAFETY: A tracepoint can be fired anywhere; so below.
    unsafe { bindings::iomd_trace_descriptor_create(descriptor, pages as u64, sparse) };
}

/// Fires `iomd_map_create`.
pub(crate) fn map_create(map: u64, descriptor: u64, first_page: usize) {
    // SAFETY: See above.
    unsafe { bindings::iomd_trace_map_create(map, descriptor, first_page as u64) };
}

/// Fires `iomd_redirect`.
pub(crate) fn redirect(map: u64, descriptor: u64, first_page: usize, pinned: usize) {
    // SAFETY: See above.
    unsafe { bindings::iomd_trace_redirect(map, descriptor, first_page as u64, pinned as u64) };
}

/// Fires `iomd_suspend`.
pub(crate) fn suspend(map: u64) {
    // SAFETY: See above.
    unsafe { bindings::iomd_trace_suspend(map) };
}

/// Fires `iomd_resume`.
pub(crate) fn resume(map: u64) {
    // SAFETY: See above.
    unsafe { bindings::iomd_trace_resume(map) };
}

/// Fires `iomd_descriptor_suspend`.
pub(crate) fn descriptor_suspend(descriptor: u64) {
    // SAFETY: See above.
    unsafe { bindings::iomd_trace_descriptor_suspend(descriptor) };
}

/// Fires `iomd_descriptor_resume`.
pub(crate) fn descriptor_resume(descriptor: u64) {
    // SAFETY: See above.
    unsafe { bindings::iomd_trace_descriptor_resume(descriptor) };
}

/// Fires `iomd_end`.
pub(crate) fn end(map: u64) {
    // SAFETY: See above.
    unsafe { bindings::iomd_trace_end(map) };
}

/// What `iomd_static_map_create` tells.
pub(crate) struct StaticMapCreated {
    pub(crate) map: u64,
    pub(crate) part_of: u64,
    pub(crate) descriptor: u64,
    pub(crate) first_page: usize,
    pub(crate) address: u64,
    pub(crate) is_sub_map: bool,
}

/// Fires `iomd_static_map_create`.
pub(crate) fn static_map_create(created: StaticMapCreated) {
    // SAFETY: See above.
    unsafe {
        bindings::iomd_trace_static_map_create(
            created.map,
            created.part_of,
            created.descriptor,
            created.first_page as u64,
            created.address,
            created.is_sub_map,
        )
    };
}

/// Fires `iomd_static_map_end`.
pub(crate) fn static_map_end(map: u64) {
    // SAFETY: See above.
    unsafe { bindings::iomd_trace_static_map_end(map) };
}

/// Fires `iomd_map_into_task`.
pub(crate) fn map_into_task(map: u64, process: i32, address: usize, pages: usize) {
    // SAFETY: See above.
    unsafe { bindings::iomd_trace_map_into_task(map, process, address as u64, pages as u64) };
}

/// Fires `iomd_purge`.
pub(crate) fn purge(descriptor: u64, pages: usize) {
    // SAFETY: See above.
    unsafe { bindings::iomd_trace_purge(descriptor, pages as u64) };
}

/// Fires `iomd_fault`.
pub(crate) fn fault(map: u64, page: usize) {
    // SAFETY: See above.
    unsafe { bindings::iomd_trace_fault(map, page as u64) };
}

/// Fires `iomd_wait`.
pub(crate) fn wait(map: u64, page: usize, nanoseconds: u64) {
    // SAFETY: See above.
    unsafe { bindings::iomd_trace_wait(map, page as u64, nanoseconds) };
}
