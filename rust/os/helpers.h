/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What Rust cannot call: inline functions and macros of the kernel's headers.
 * One line of C each in helpers/, but for loops that are macros; every rule about
 * when they may be called is written down at the Rust wrapper that calls them.
 */
#ifndef _IOMD_HELPERS_H
#define _IOMD_HELPERS_H

#include <linux/dma-direction.h>
#include <linux/types.h>

struct address_space;
struct callback_head;
struct device;
struct file;
struct folio;
struct kmem_cache;
struct list_lru;
struct mem_cgroup;
struct mm_struct;
struct mutex;
struct page;
struct pid;
struct resource;
struct rw_semaphore;
struct sg_table;
struct shrinker;
struct user_struct;
struct vm_area_struct;
struct vm_fault;
struct wait_queue_head;
struct xarray;

int iomd_read_user_words(u64 *to, const u64 __user *from, size_t count);
int iomd_write_user_words(u64 __user *to, const u64 *from, size_t count);
int iomd_mutex_lock_killable(struct mutex *lock);
int iomd_mutex_lock_killable_nest_lock(struct mutex *lock, struct mutex *outer);
void iomd_rwsem_note_reader(struct rw_semaphore *semaphore);
void iomd_rwsem_note_reader_left(struct rw_semaphore *semaphore);
void iomd_release_fault_lock(struct vm_fault *vmf);
bool iomd_fault_takes_piece(struct vm_fault *vmf);
bool iomd_fault_has_piece(struct vm_fault *vmf);
int iomd_task_killable_freezable(void);
void iomd_wake_all(struct wait_queue_head *head);
unsigned int iomd_current_flags(void);
bool iomd_fatal_signal_pending(void);
void iomd_get_pid(struct pid *pid);
bool iomd_process_has(struct pid *pid, struct mm_struct *mm);
int iomd_task_work_add(struct pid *pid, struct mm_struct *mm,
		       struct callback_head *work);
unsigned long iomd_vm_mmap(struct file *file, unsigned long address,
			   unsigned long length, unsigned long offset,
			   bool write, bool fixed, bool over, bool populate);
unsigned long iomd_vm_reserve(unsigned long near, unsigned long length);
unsigned long iomd_vm_map_over(struct file *file, unsigned long address,
			       unsigned long length, unsigned long protection,
			       bool private, unsigned long offset);
unsigned long iomd_vm_claim(unsigned long address, unsigned long length);
bool iomd_vma_is_special(struct vm_area_struct *vma);
bool iomd_vma_grows_down(struct vm_area_struct *vma);
int iomd_vfs_mmap(struct file *file, struct vm_area_struct *vma);
bool iomd_file_is_ordinary(struct file *file);
int iomd_begin_writing(struct file *file);
void iomd_end_writing(struct file *file);
struct file *iomd_scratch_file(unsigned long length);
int iomd_write_scratch_file(struct file *file, unsigned long page,
			    struct page *from);
int iomd_get_user_page(struct mm_struct *mm, unsigned long address,
		       struct page **page);
void iomd_cond_resched(void);
struct page *iomd_alloc_page(void);
struct page *iomd_alloc_piece(void);
struct page *iomd_alloc_contiguous(unsigned long pages);
void iomd_xa_init_accounted(struct xarray *xa);
struct page *iomd_xa_load_single(struct xarray *xa, unsigned long index);
struct page *iomd_xa_load_piece(struct xarray *xa, unsigned long index);
unsigned long iomd_xa_load_run(struct xarray *xa, unsigned long index,
			       struct page **pages, unsigned long most);
void iomd_get_pages(struct page **pages, unsigned long count);
void iomd_put_pages(struct page **pages, unsigned long count);
unsigned long iomd_xa_unshared_pages(struct xarray *xa, unsigned long index,
				     unsigned long most);
int iomd_xa_insert_folio(struct xarray *xa, unsigned long index,
			 struct page *first);
struct page *iomd_page_at(struct page *first, unsigned long index);
unsigned long iomd_folio_nr_pages(struct page *page);
unsigned long iomd_folio_page_idx(struct page *page);
void iomd_get_page(struct page *page);
void iomd_put_page(struct page *page);
void iomd_memcpy(void *to, const void *from, size_t length);
void iomd_copy_highpage(struct page *to, struct page *from);
void iomd_clear_highpage(struct page *page);
void iomd_memcpy_page(struct page *to, size_t offset, struct page *from,
		      size_t from_offset, size_t length);
void iomd_memzero_page(struct page *page, size_t offset, size_t length);
phys_addr_t iomd_page_to_phys(struct page *page);
int iomd_page_ref_count(struct page *page);
int iomd_page_mapcount(struct page *page);
void iomd_mapping_init(struct address_space *mapping);
void iomd_file_set_mapping(struct file *file, struct address_space *mapping);
bool iomd_file_writable(struct file *file);
struct user_struct *iomd_get_current_user(void);
unsigned long iomd_memlock_limit_pages(void);
bool iomd_charge_locked_vm(struct user_struct *user, unsigned long pages,
			   unsigned long limit);
void iomd_uncharge_locked_vm(struct user_struct *user, unsigned long pages);
struct mem_cgroup *iomd_current_mem_cgroup(void);
struct mem_cgroup *iomd_set_active_memcg(struct mem_cgroup *memcg);
void iomd_mem_cgroup_put(struct mem_cgroup *memcg);
struct shrinker *iomd_shrinker_alloc(const char *name);
struct kmem_cache *iomd_kmem_cache_create(const char *name, unsigned int size);
void *iomd_kmem_cache_alloc_lru(struct kmem_cache *cache,
				struct list_lru *list);
bool iomd_reclaim_is_done(void);
void iomd_account_reclaimed(unsigned long pages);
long iomd_pin_user_pages(struct mm_struct *mm, unsigned long address,
			 unsigned long count, bool write, bool force,
			 struct page **pages);
void iomd_copy_from_io(struct page *to, size_t offset,
		       const void __iomem *from, size_t length);
void iomd_copy_to_io(void __iomem *to, struct page *from, size_t offset,
		     size_t length);
struct page *iomd_folio_page(struct folio *folio, unsigned long page);
void iomd_lock_file_shared(struct file *file);
void iomd_unlock_file_shared(struct file *file);
bool iomd_file_readable(struct file *file);
loff_t iomd_file_size(struct file *file);
int iomd_memfd_seals(struct file *file);
int iomd_locked_down(void);
bool iomd_overlaps_ram(phys_addr_t start, size_t size);
struct resource *iomd_request_mem_region(phys_addr_t start, size_t size);
void iomd_release_mem_region(phys_addr_t start, size_t size);

unsigned int iomd_dma_segment(struct device *device);
void iomd_dma_sync_for_processor(struct device *device, struct sg_table *table,
				 enum dma_data_direction direction);
void iomd_dma_sync_for_device(struct device *device, struct sg_table *table,
			      enum dma_data_direction direction);
void *iomd_vmap(struct page **pages, unsigned int count);
struct page *iomd_ordinary_page(unsigned long address);

void iomd_trace_descriptor_create(u64 descriptor, u64 pages, bool sparse);
void iomd_trace_map_create(u64 map, u64 descriptor, u64 first_page);
void iomd_trace_redirect(u64 map, u64 descriptor, u64 first_page, u64 pinned);
void iomd_trace_suspend(u64 map);
void iomd_trace_resume(u64 map);
void iomd_trace_descriptor_suspend(u64 descriptor);
void iomd_trace_descriptor_resume(u64 descriptor);
void iomd_trace_end(u64 map);
void iomd_trace_static_map_create(u64 map, u64 part_of, u64 descriptor,
				  u64 first_page, u64 address, bool sub_map);
void iomd_trace_static_map_end(u64 map);
void iomd_trace_map_into_task(u64 map, int process, u64 address, u64 pages);
void iomd_trace_purge(u64 descriptor, u64 pages);
void iomd_trace_fault(u64 map, u64 page);
void iomd_trace_wait(u64 map, u64 page, u64 nanoseconds);

#endif /* _IOMD_HELPERS_H */
