// SPDX-License-Identifier: GPL-2.0

//! The raw C interface: the kernel's own bindings, what they lack although it is exported, and
//! `helpers/`. Private to `os`.

// With lockdep off some of the structs have no fields, which rustc takes for a mistake.
#![allow(improper_ctypes)]

// There are 40,000 of them, which the documentation is not to repeat.
#[doc(no_inline)]
pub(super) use kernel::bindings::*;
use kernel::ffi::{c_char, c_int, c_long, c_uint, c_ulong, c_void};

extern "C" {
    /// `fs/anon_inodes.c`.
    pub(super) fn anon_inode_getfile(
        name: *const c_char,
        operations: *const file_operations,
        private: *mut c_void,
        flags: c_int,
    ) -> *mut file;

    /// `arch/x86/mm/pat/set_memory.c`, as the next two.
    pub(super) fn set_pages_array_uc(pages: *mut *mut page, count: c_int) -> c_int;
    pub(super) fn set_pages_array_wc(pages: *mut *mut page, count: c_int) -> c_int;
    pub(super) fn set_pages_array_wb(pages: *mut *mut page, count: c_int) -> c_int;

    /// `mm/gup.c`.
    pub(super) fn memfd_pin_folios(
        file: *mut file,
        start: loff_t,
        end: loff_t,
        folios: *mut *mut folio,
        max_folios: c_uint,
        offset: *mut c_ulong,
    ) -> c_long;

    /// `mm/vmalloc.c`.
    pub(super) fn vunmap(address: *const c_void);

    /// `arch/x86/lib/usercopy_64.c`.
    pub(super) fn arch_wb_cache_pmem(start: *mut c_void, length: usize);

    pub(super) fn iomd_read_user_words(to: *mut u64, from: *const u64, count: usize) -> c_int;
    pub(super) fn iomd_write_user_words(to: *mut u64, from: *const u64, count: usize) -> c_int;
    pub(super) fn iomd_mutex_lock_killable(lock: *mut mutex) -> c_int;
    pub(super) fn iomd_mutex_lock_killable_nest_lock(lock: *mut mutex, outer: *mut mutex) -> c_int;
    #[cfg(CONFIG_DEBUG_LOCK_ALLOC)]
    pub(super) fn iomd_rwsem_note_reader(semaphore: *mut rw_semaphore);
    #[cfg(CONFIG_DEBUG_LOCK_ALLOC)]
    pub(super) fn iomd_rwsem_note_reader_left(semaphore: *mut rw_semaphore);
    pub(super) fn iomd_release_fault_lock(vmf: *mut vm_fault);
    pub(super) fn iomd_fault_takes_piece(vmf: *mut vm_fault) -> bool;
    pub(super) fn iomd_fault_has_piece(vmf: *mut vm_fault) -> bool;
    pub(super) fn iomd_task_killable_freezable() -> c_int;
    pub(super) fn iomd_wake_all(head: *mut wait_queue_head);
    pub(super) fn iomd_current_flags() -> c_uint;
    pub(super) fn iomd_fatal_signal_pending() -> bool;
    pub(super) fn iomd_get_pid(pid: *mut pid);
    pub(super) fn iomd_process_has(pid: *mut pid, mm: *mut mm_struct) -> bool;
    pub(super) fn iomd_task_work_add(
        pid: *mut pid,
        mm: *mut mm_struct,
        work: *mut callback_head,
    ) -> c_int;
    pub(super) fn iomd_vm_mmap(
        file: *mut file,
        address: c_ulong,
        length: c_ulong,
        offset: c_ulong,
        write: bool,
        fixed: bool,
        over: bool,
        populate: bool,
    ) -> c_ulong;
    pub(super) fn iomd_vm_reserve(near: c_ulong, length: c_ulong) -> c_ulong;
    pub(super) fn iomd_vm_map_over(
        file: *mut file,
        address: c_ulong,
        length: c_ulong,
        protection: c_ulong,
        private: bool,
        offset: c_ulong,
    ) -> c_ulong;
    pub(super) fn iomd_vm_claim(address: c_ulong, length: c_ulong) -> c_ulong;
    pub(super) fn iomd_vma_is_special(vma: *mut vm_area_struct) -> bool;
    pub(super) fn iomd_vma_grows_down(vma: *mut vm_area_struct) -> bool;
    pub(super) fn iomd_vfs_mmap(file: *mut file, vma: *mut vm_area_struct) -> c_int;
    pub(super) fn iomd_file_is_ordinary(file: *mut file) -> bool;
    pub(super) fn iomd_begin_writing(file: *mut file) -> c_int;
    pub(super) fn iomd_end_writing(file: *mut file);
    pub(super) fn iomd_scratch_file(length: c_ulong) -> *mut file;
    pub(super) fn iomd_write_scratch_file(file: *mut file, page: c_ulong, from: *mut page)
        -> c_int;
    pub(super) fn iomd_get_user_page(
        mm: *mut mm_struct,
        address: c_ulong,
        page: *mut *mut page,
    ) -> c_int;
    pub(super) fn iomd_cond_resched();
    pub(super) fn iomd_alloc_page() -> *mut page;
    pub(super) fn iomd_alloc_piece() -> *mut page;
    pub(super) fn iomd_alloc_contiguous(pages: c_ulong) -> *mut page;
    pub(super) fn iomd_xa_init_accounted(xa: *mut xarray);
    pub(super) fn iomd_xa_insert_folio(xa: *mut xarray, index: c_ulong, first: *mut page) -> c_int;
    pub(super) fn iomd_xa_load_single(xa: *mut xarray, index: c_ulong) -> *mut page;
    pub(super) fn iomd_xa_load_piece(xa: *mut xarray, index: c_ulong) -> *mut page;
    pub(super) fn iomd_xa_load_run(
        xa: *mut xarray,
        index: c_ulong,
        pages: *mut *mut page,
        most: c_ulong,
    ) -> c_ulong;
    pub(super) fn iomd_get_pages(pages: *mut *mut page, count: c_ulong);
    pub(super) fn iomd_put_pages(pages: *mut *mut page, count: c_ulong);
    pub(super) fn iomd_xa_unshared_pages(xa: *mut xarray, index: c_ulong, most: c_ulong)
        -> c_ulong;
    pub(super) fn iomd_page_at(first: *mut page, index: c_ulong) -> *mut page;
    pub(super) fn iomd_folio_nr_pages(page: *mut page) -> c_ulong;
    pub(super) fn iomd_folio_page_idx(page: *mut page) -> c_ulong;
    pub(super) fn iomd_get_page(page: *mut page);
    pub(super) fn iomd_put_page(page: *mut page);
    pub(super) fn iomd_memcpy_page(
        to: *mut page,
        offset: usize,
        from: *mut page,
        from_offset: usize,
        length: usize,
    );
    pub(super) fn iomd_memzero_page(page: *mut page, offset: usize, length: usize);
    pub(super) fn iomd_memcpy(to: *mut c_void, from: *const c_void, length: usize);
    pub(super) fn iomd_copy_highpage(to: *mut page, from: *mut page);
    pub(super) fn iomd_clear_highpage(page: *mut page);
    pub(super) fn iomd_page_to_phys(page: *mut page) -> phys_addr_t;
    pub(super) fn iomd_page_ref_count(page: *mut page) -> c_int;
    pub(super) fn iomd_page_mapcount(page: *mut page) -> c_int;
    pub(super) fn iomd_mapping_init(mapping: *mut address_space);
    pub(super) fn iomd_file_set_mapping(file: *mut file, mapping: *mut address_space);
    pub(super) fn iomd_file_writable(file: *mut file) -> bool;
    pub(super) fn iomd_get_current_user() -> *mut user_struct;
    pub(super) fn iomd_memlock_limit_pages() -> c_ulong;
    pub(super) fn iomd_charge_locked_vm(
        user: *mut user_struct,
        pages: c_ulong,
        limit: c_ulong,
    ) -> bool;
    pub(super) fn iomd_uncharge_locked_vm(user: *mut user_struct, pages: c_ulong);
    pub(super) fn iomd_current_mem_cgroup() -> *mut mem_cgroup;
    pub(super) fn iomd_set_active_memcg(memcg: *mut mem_cgroup) -> *mut mem_cgroup;
    pub(super) fn iomd_mem_cgroup_put(memcg: *mut mem_cgroup);
    pub(super) fn iomd_shrinker_alloc(name: *const c_char) -> *mut shrinker;
    pub(super) fn iomd_kmem_cache_create(name: *const c_char, size: c_uint) -> *mut kmem_cache;
    pub(super) fn iomd_kmem_cache_alloc_lru(
        cache: *mut kmem_cache,
        list: *mut list_lru,
    ) -> *mut c_void;
    pub(super) fn iomd_reclaim_is_done() -> bool;
    pub(super) fn iomd_account_reclaimed(pages: c_ulong);
    pub(super) fn iomd_pin_user_pages(
        mm: *mut mm_struct,
        address: c_ulong,
        count: c_ulong,
        write: bool,
        force: bool,
        pages: *mut *mut page,
    ) -> c_long;
    pub(super) fn iomd_copy_from_io(
        to: *mut page,
        offset: usize,
        from: *const c_void,
        length: usize,
    );
    pub(super) fn iomd_copy_to_io(to: *mut c_void, from: *mut page, offset: usize, length: usize);
    pub(super) fn iomd_folio_page(folio: *mut folio, page: c_ulong) -> *mut page;
    pub(super) fn iomd_lock_file_shared(file: *mut file);
    pub(super) fn iomd_unlock_file_shared(file: *mut file);
    pub(super) fn iomd_file_readable(file: *mut file) -> bool;
    pub(super) fn iomd_file_size(file: *mut file) -> loff_t;
    pub(super) fn iomd_memfd_seals(file: *mut file) -> c_int;
    pub(super) fn iomd_locked_down() -> c_int;
    pub(super) fn iomd_overlaps_ram(start: phys_addr_t, size: usize) -> bool;
    pub(super) fn iomd_request_mem_region(start: phys_addr_t, size: usize) -> *mut resource;
    pub(super) fn iomd_release_mem_region(start: phys_addr_t, size: usize);
    pub(super) fn iomd_dma_segment(device: *mut device) -> c_uint;
    pub(super) fn iomd_dma_sync_for_processor(
        device: *mut device,
        table: *mut sg_table,
        direction: dma_data_direction,
    );
    pub(super) fn iomd_dma_sync_for_device(
        device: *mut device,
        table: *mut sg_table,
        direction: dma_data_direction,
    );
    pub(super) fn iomd_vmap(pages: *mut *mut page, count: c_uint) -> *mut c_void;
    pub(super) fn iomd_ordinary_page(address: c_ulong) -> *mut page;

    pub(super) fn iomd_trace_descriptor_create(descriptor: u64, pages: u64, sparse: bool);
    pub(super) fn iomd_trace_map_create(map: u64, descriptor: u64, first_page: u64);
    pub(super) fn iomd_trace_redirect(map: u64, descriptor: u64, first_page: u64, pinned: u64);
    pub(super) fn iomd_trace_suspend(map: u64);
    pub(super) fn iomd_trace_resume(map: u64);
    pub(super) fn iomd_trace_descriptor_suspend(descriptor: u64);
    pub(super) fn iomd_trace_descriptor_resume(descriptor: u64);
    pub(super) fn iomd_trace_end(map: u64);
    pub(super) fn iomd_trace_static_map_create(
        map: u64,
        part_of: u64,
        descriptor: u64,
        first_page: u64,
        address: u64,
        sub_map: bool,
    );
    pub(super) fn iomd_trace_static_map_end(map: u64);
    pub(super) fn iomd_trace_map_into_task(map: u64, process: c_int, address: u64, pages: u64);
    pub(super) fn iomd_trace_purge(descriptor: u64, pages: u64);
    pub(super) fn iomd_trace_fault(map: u64, page: u64);
    pub(super) fn iomd_trace_wait(map: u64, page: u64, nanoseconds: u64);
}
