// SPDX-License-Identifier: MIT OR Apache-2.0

//! The ABI of `/dev/iomd`: its structures, the numbers of its calls, its flags.
//!
//! All of it is generated from `include/uapi/linux/iomd.h`, the header from which the kernel
//! module's own types come, so that the two cannot drift apart. The crate `iomd` makes safe types
//! of it.

#![no_std]
// The header has a comment on every structure; a field is described there and nowhere else.
#![allow(missing_docs, non_camel_case_types)]

include!(concat!(env!("OUT_DIR"), "/abi.rs"));

#[cfg(test)]
mod tests {
    use super::*;

    /// Asserts that the fields follow one another without a gap, so that a structure has no byte
    /// that neither side sets, and that it is as long in a 32-bit task.
    macro_rules! assert_dense {
        ($($structure:ident { $($field:ident),* $(,)? })*) => {$(
            let value = $structure::default();
            let fields = 0 $(+ size_of_val(&value.$field))*;
            assert_eq!(size_of::<$structure>(), fields, stringify!($structure));
            assert_eq!(fields % 8, 0, stringify!($structure));
        )*};
    }

    #[test]
    fn structures_have_no_hidden_padding() {
        assert_dense! {
            iomd_features {
                size, flags, page_size, reserved, client_calls, descriptor_calls, map_calls,
                buffer_flags, map_flags, map_options, cache_modes, redirect_flags, copy_flags,
                task_calls, into_task_flags, sub_flags, remap_flags, vm_flags,
            }
            iomd_buffer_create { size, flags, length, id, fd, padding }
            iomd_object_next { size, flags, id, kind, padding }
            iomd_object_open { size, flags, id, kind, fd }
            iomd_descriptor_info {
                size, flags, id, length, resident, maps, kind, purgeable, parts, direction, tag, capacity, preparation_id,
            }
            iomd_read_bytes { size, flags, offset, length, address, done }
            iomd_write_bytes { size, flags, offset, length, address, done }
            iomd_set_length { size, flags, length }
            iomd_set_tag { size, flags, tag, padding }
            iomd_perform_operation { size, flags, operation, padding, offset, length }
            iomd_page_counts { size, flags, resident, dirty }
            iomd_mapped_read { size, flags, offset, width, padding, value }
            iomd_mapped_write { size, flags, offset, width, padding, value }
            iomd_flush_processor_cache { size, flags, address, length }
            iomd_sub_create { size, flags, offset, length, id, fd, padding }
            iomd_multi_create { size, flags, descriptors, count, fd, id }
            iomd_interleaved_create { size, flags, descriptors, granularity, count, fd, id }
            iomd_guard_create { size, flags, length, id, fd, padding }
            iomd_address_range { address, length }
            iomd_address_ranges_create { size, flags, ranges, count, direction, id, task, fd }
            iomd_memfd_import {
                size, flags, offset, length, direction, memfd, id, fd, padding,
            }
            iomd_physical_create { size, flags, address, length, direction, fd, id }
            iomd_prepare { size, flags, direction, padding }
            iomd_complete { size, flags }
            iomd_descriptor_reopen { size, flags, fd, padding }
            iomd_set_purgeable { size, flags, state, old_state }
            iomd_map_create { size, flags, options, inheritance, offset, length, id, fd, page_offset }
            iomd_map_existing {
                size, flags, options, task, offset, length, address, id, fd, padding,
            }
            iomd_copy {
                size, flags, offset, length, target_offset, target, padding, pinned, maps, pause_ns,
            }
            iomd_map_info {
                size, flags, state, options, inheritance, task, id, descriptor_id, offset, length,
                mapped_size, address, generation, redirects, faults, waiters, waits,
                longest_wait_ns, page_offset, wired, part_of,
            }
            iomd_redirect { size, flags, options, descriptor, offset, deadline_ns, pinned }
            iomd_batch_entry { map, descriptor, offset }
            iomd_redirect_batch { size, flags, entries, count, padding, pinned }
            iomd_suspend { size, flags, offset, length, deadline_ns, pinned }
            iomd_resume { size, flags, offset, length }
            iomd_wait { page, address, flags, thread }
            iomd_unmap { size, flags }
            iomd_map_into_task {
                size, flags, task, padding, offset, length, deadline_ns, address,
            }
            iomd_remap {
                size, flags, vm_flags, inheritance, target_task, source_task, target_address,
                length, mask, source_address, cur_protection, max_protection, deadline_ns,
            }
            iomd_map_segment { size, flags, offset, address, length }
            iomd_map_dma_buf_export { size, flags, fd, padding }
            iomd_dma_buf_export { size, flags, fd, padding, id }
            iomd_dma_buf_import { size, flags, dma_buf, fd, offset, length, id }
            iomd_map_wire { size, flags, offset, length, direction, padding }
            iomd_task_open { size, flags, pid, fd }
            iomd_task_info { size, flags, pid, padding }
            iomd_map_reopen { size, flags, fd, padding }
        }
    }

    #[test]
    fn calls_carry_the_type_and_stay_in_their_object_s_range() {
        let client = [
            IOMD_FEATURES,
            IOMD_BUFFER_CREATE,
            IOMD_OBJECT_NEXT,
            IOMD_OBJECT_OPEN,
            IOMD_REDIRECT_BATCH,
        ];
        let descriptor = [IOMD_DESCRIPTOR_INFO, IOMD_DESCRIPTOR_REOPEN, IOMD_MAP_CREATE, IOMD_COPY];
        let map = [IOMD_MAP_INFO, IOMD_REDIRECT, IOMD_RESUME, IOMD_UNMAP, IOMD_MAP_REOPEN];
        for (calls, first) in [(&client[..], 0x00), (&descriptor, 0x20), (&map, 0x40)] {
            for (index, &call) in calls.iter().enumerate() {
                assert_eq!(call, (IOMD_IOC_TYPE << 8) | (first + index as u32));
            }
        }
    }
}
