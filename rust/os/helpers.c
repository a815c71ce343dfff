// SPDX-License-Identifier: GPL-2.0
/*
 * What Rust cannot call: inline functions and macros of the kernel's headers.
 * One line of C each, but for loops that are macros; every rule about when they
 * may be called is written down at the Rust wrapper that calls them.
 */

#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/hugetlb.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/list_lru.h>
#include <linux/magic.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>
#include <linux/security.h>
#include <linux/shmem_fs.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/task_work.h>
#include <linux/vmalloc.h>
#include <linux/xarray.h>

#include "helpers.h"

int iomd_mutex_lock_killable(struct mutex *lock)
{
	return mutex_lock_killable(lock);
}

int iomd_mutex_lock_killable_nest_lock(struct mutex *lock, struct mutex *outer)
{
	return mutex_lock_killable_nest_lock(lock, outer);
}

#ifdef CONFIG_DEBUG_LOCK_ALLOC
void iomd_rwsem_note_reader(struct rw_semaphore *semaphore)
{
	rwsem_acquire_read(&semaphore->dep_map, 0, 1, _RET_IP_);
}

void iomd_rwsem_note_reader_left(struct rw_semaphore *semaphore)
{
	rwsem_release(&semaphore->dep_map, _RET_IP_);
}
#endif

void iomd_release_fault_lock(struct vm_fault *vmf)
{
	release_fault_lock(vmf);
}

/* No page table is there, nor does the core want to see the first write. */
bool iomd_fault_takes_piece(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;

	return pmd_none(pmdp_get_lockless(vmf->pmd)) &&
	       (!(vma->vm_flags & VM_WRITE) ||
		pmd_write(pfn_pmd(0, vma->vm_page_prot)));
}

bool iomd_fault_has_piece(struct vm_fault *vmf)
{
	return pmd_leaf(pmdp_get_lockless(vmf->pmd));
}

void iomd_wake_all(struct wait_queue_head *head)
{
	if (wq_has_sleeper(head))
		wake_up_all(head);
}

int iomd_task_killable_freezable(void)
{
	return TASK_KILLABLE | TASK_FREEZABLE_UNSAFE;
}

unsigned int iomd_current_flags(void)
{
	return current->flags;
}

bool iomd_fatal_signal_pending(void)
{
	return fatal_signal_pending(current);
}

void iomd_get_pid(struct pid *pid)
{
	get_pid(pid);
}

/* Another thread of the process, or itself, that still has mm; under RCU. */
static struct task_struct *thread_with(struct task_struct *process,
				       struct mm_struct *mm, bool stopped)
{
	struct task_struct *thread;

	for_each_thread(process, thread) {
		if (READ_ONCE(thread->mm) == mm &&
		    !(thread->flags & (PF_EXITING | PF_KTHREAD | PF_USER_WORKER)) &&
		    (stopped || !(READ_ONCE(thread->__state) &
				  (__TASK_STOPPED | __TASK_TRACED))))
			return thread;
	}
	return NULL;
}

bool iomd_process_has(struct pid *pid, struct mm_struct *mm)
{
	struct task_struct *process;

	guard(rcu)();
	process = pid_task(pid, PIDTYPE_TGID);
	return process && thread_with(process, mm, true);
}

int iomd_task_work_add(struct pid *pid, struct mm_struct *mm,
		       struct callback_head *work)
{
	struct task_struct *process, *thread;

	guard(rcu)();
	process = pid_task(pid, PIDTYPE_TGID);
	if (!process)
		return -ESRCH;
	thread = thread_with(process, mm, false) ?: thread_with(process, mm, true);
	return thread ? task_work_add(thread, work, TWA_SIGNAL) : -ESRCH;
}

unsigned long iomd_vm_mmap(struct file *file, unsigned long address,
			   unsigned long length, unsigned long offset,
			   bool write, bool fixed, bool over, bool populate)
{
	return vm_mmap(file, address, length,
		       PROT_READ | (write ? PROT_WRITE : 0),
		       MAP_SHARED | (over ? MAP_FIXED : 0) |
		       (fixed ? MAP_FIXED_NOREPLACE : 0) |
		       (populate ? MAP_POPULATE : 0), offset);
}

/* Without a file, and without a claim to memory. */
unsigned long iomd_vm_reserve(unsigned long near, unsigned long length)
{
	return vm_mmap(NULL, near, length, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, 0);
}

/* The same, there or not at all. */
unsigned long iomd_vm_claim(unsigned long address, unsigned long length)
{
	return vm_mmap(NULL, address, length, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
		       MAP_FIXED_NOREPLACE, 0);
}

/* In place of what is there. */
unsigned long iomd_vm_map_over(struct file *file, unsigned long address,
			       unsigned long length, unsigned long protection,
			       bool private, unsigned long offset)
{
	return vm_mmap(file, address, length, protection,
		       MAP_FIXED | (private ? MAP_PRIVATE : MAP_SHARED), offset);
}

/* Shadow stacks are not to be written but by the processor. */
bool iomd_vma_is_special(struct vm_area_struct *vma)
{
	return vma->vm_flags & (VM_IO | VM_PFNMAP | VM_MIXEDMAP | VM_HUGETLB |
				VM_SHADOW_STACK);
}

bool iomd_vma_grows_down(struct vm_area_struct *vma)
{
	return vma->vm_flags & VM_GROWSDOWN;
}

int iomd_vfs_mmap(struct file *file, struct vm_area_struct *vma)
{
	return vfs_mmap(file, vma);
}

/* Whether its pages belong to a file system, which lets all map them alike. */
bool iomd_file_is_ordinary(struct file *file)
{
	struct inode *inode = file_inode(file);

	return S_ISREG(inode->i_mode) && !IS_ANON_FILE(inode) &&
	       inode->i_sb->s_magic != SECRETMEM_MAGIC;
}

/* As mmap(2) does until the mapping is there, for the seals of a memfd. */
int iomd_begin_writing(struct file *file)
{
	int error = mapping_map_writable(file->f_mapping);

	if (error)
		return error;
	if (shmem_file(file) &&
	    READ_ONCE(SHMEM_I(file_inode(file))->seals) & F_SEAL_FUTURE_WRITE) {
		mapping_unmap_writable(file->f_mapping);
		return -EPERM;
	}
	return 0;
}

void iomd_end_writing(struct file *file)
{
	mapping_unmap_writable(file->f_mapping);
}

struct file *iomd_scratch_file(unsigned long length)
{
	return shmem_file_setup("iomd-copy", length, EMPTY_VMA_FLAGS);
}

int iomd_write_scratch_file(struct file *file, unsigned long page,
			    struct page *from)
{
	struct folio *folio = shmem_read_folio(file->f_mapping, page);

	if (IS_ERR(folio))
		return PTR_ERR(folio);
	copy_highpage(folio_file_page(folio, page), from);
	folio_mark_dirty(folio);
	folio_put(folio);
	return 0;
}

/*
 * Takes and drops the mmap lock, which the call in the middle may have dropped.
 * What may not be read now, but could be made readable, is read.
 */
int iomd_get_user_page(struct mm_struct *mm, unsigned long address,
		       struct page **page)
{
	int locked = 1;
	long got;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	got = get_user_pages_remote(mm, address, 1, FOLL_FORCE, page, &locked);
	if (locked)
		mmap_read_unlock(mm);
	return got < 0 ? got : got ? 0 : -EFAULT;
}

void iomd_cond_resched(void)
{
	cond_resched();
}

struct page *iomd_alloc_page(void)
{
	return alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO |
			  __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
}

struct page *iomd_alloc_piece(void)
{
	return alloc_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_COMP |
			   __GFP_NORETRY | __GFP_NOWARN, PMD_ORDER);
}

struct page *iomd_alloc_contiguous(unsigned long pages)
{
	void *memory = alloc_pages_exact(pages << PAGE_SHIFT,
					 GFP_KERNEL_ACCOUNT | __GFP_ZERO |
					 __GFP_RETRY_MAYFAIL | __GFP_NOWARN);

	return memory ? virt_to_page(memory) : NULL;
}

/* The nodes are charged like the pages that they hold. */
void iomd_xa_init_accounted(struct xarray *xa)
{
	xa_init_flags(xa, XA_FLAGS_ACCOUNT);
}

/* As xa_insert(), for all the indices that a folio takes. */
int iomd_xa_insert_folio(struct xarray *xa, unsigned long index,
			 struct page *first)
{
	XA_STATE_ORDER(xas, xa, index, compound_order(first));

	do {
		xas_lock(&xas);
		if (xas_find_conflict(&xas))
			xas_set_err(&xas, -EBUSY);
		else
			xas_store(&xas, first);
		xas_unlock(&xas);
	} while (xas_nomem(&xas, GFP_KERNEL | __GFP_RETRY_MAYFAIL |
				 __GFP_NOWARN));

	return xas_error(&xas);
}

/*
 * For what else is in a node of single pages: gaps, and marks of the array's own,
 * which are small numbers too (as xa_is_node() has it).
 */
static bool is_page(const void *entry)
{
	return (unsigned long)entry > 4096;
}

static struct page *single_page(void *entry)
{
	return is_page(entry) && !PageHead(entry) ? entry : NULL;
}

/* Where an index is in a node, and above that how far beyond it. */
static unsigned long xa_slot(const void *node, unsigned long index)
{
	return index >> (xa_to_node(node)->shift % BITS_PER_LONG);
}

/*
 * The page at an index, if it is there and is all of its folio: what faults
 * mostly look for, without an XA_STATE.
 */
struct page *iomd_xa_load_single(struct xarray *xa, unsigned long index)
{
	unsigned long slot;
	void *entry;

	guard(rcu)();
	entry = rcu_dereference(xa->xa_head);
	if (!xa_is_node(entry))
		return index ? NULL : single_page(entry);
	slot = xa_slot(entry, index);
	while (slot < XA_CHUNK_SIZE) {
		entry = rcu_dereference(xa_to_node(entry)->slots[slot]);
		if (!xa_is_node(entry))
			return single_page(entry);
		slot = xa_slot(entry, index) % XA_CHUNK_SIZE;
	}
	return NULL;
}

/*
 * The pages from an index on up to the first gap, so many at most; of one node,
 * or of one large folio.
 */
unsigned long iomd_xa_load_run(struct xarray *xa, unsigned long index,
			       struct page **pages, unsigned long most)
{
	XA_STATE(xas, xa, index);
	unsigned long count = 0, size;
	void __rcu **slots;
	struct page *page;

	guard(rcu)();
	do {
		page = xas_load(&xas);
	} while (xas_retry(&xas, page));
	if (!page)
		return 0;

	size = compound_nr(page);
	if (size > 1 || !xas.xa_node) {
		for (index %= size; index < size && count < most; index++)
			pages[count++] = page + index;
		return count;
	}
	most = min(most, XA_CHUNK_SIZE - xas.xa_offset);
	slots = xas.xa_node->slots + xas.xa_offset;
	do {
		pages[count++] = page;
		if (count >= most)
			break;
		page = rcu_dereference(slots[count]);
	} while (is_page(page));
	return count;
}

void iomd_get_pages(struct page **pages, unsigned long count)
{
	while (count--)
		get_page(*pages++);
}

void iomd_put_pages(struct page **pages, unsigned long count)
{
	while (count--)
		put_page(*pages++);
}

/*
 * How many pages from an index on have no reference but the array's, so many at
 * most; of one node, and of folios of one size. 0 if the first is not there, or
 * has another.
 */
unsigned long iomd_xa_unshared_pages(struct xarray *xa, unsigned long index,
				     unsigned long most)
{
	XA_STATE(xas, xa, index);
	void __rcu **first, **slot, **end;
	unsigned long pages, count, offset, slots;
	struct folio *folio;

	guard(rcu)();
	do {
		folio = xas_load(&xas);
	} while (xas_retry(&xas, folio));
	if (!folio || folio_ref_count(folio) != 1)
		return 0;

	pages = folio_nr_pages(folio);
	count = pages - index % pages;
	if (!xas.xa_node)
		return min(most, count);
	if (pages == 1) {
		first = xas.xa_node->slots + xas.xa_offset;
		end = first + min(most, XA_CHUNK_SIZE - xas.xa_offset);
		for (slot = first + 1; slot < end; slot++) {
			folio = rcu_dereference(*slot);
			if (!is_page(folio) || folio_ref_count(folio) != 1)
				break;
		}
		return slot - first;
	}

	/* A folio is in the first slot of those that are for its pages. */
	slots = pages >> xas.xa_node->shift;
	for (offset = round_down(xas.xa_offset, slots) + slots;
	     offset < XA_CHUNK_SIZE && count < most; offset += slots) {
		folio = rcu_dereference(xas.xa_node->slots[offset]);
		if (!is_page(folio) || xa_is_node(folio) ||
		    folio_ref_count(folio) != 1 || folio_nr_pages(folio) != pages)
			break;
		count += pages;
	}
	return min(most, count);
}

/* The page for an index that is one of those that a folio takes. */
struct page *iomd_page_at(struct page *first, unsigned long index)
{
	return first + index % compound_nr(first);
}

unsigned long iomd_folio_nr_pages(struct page *page)
{
	return folio_nr_pages(page_folio(page));
}

unsigned long iomd_folio_page_idx(struct page *page)
{
	return folio_page_idx(page_folio(page), page);
}

void iomd_get_page(struct page *page)
{
	get_page(page);
}

void iomd_put_page(struct page *page)
{
	put_page(page);
}

void iomd_memcpy(void *to, const void *from, size_t length)
{
	memcpy(to, from, length);
}

void iomd_copy_highpage(struct page *to, struct page *from)
{
	copy_highpage(to, from);
}

void iomd_clear_highpage(struct page *page)
{
	clear_highpage(page);
}

void iomd_memcpy_page(struct page *to, size_t offset, struct page *from,
		      size_t from_offset, size_t length)
{
	memcpy_page(to, offset, from, from_offset, length);
}

void iomd_memzero_page(struct page *page, size_t offset, size_t length)
{
	memzero_page(page, offset, length);
}

phys_addr_t iomd_page_to_phys(struct page *page)
{
	return page_to_phys(page);
}

int iomd_page_ref_count(struct page *page)
{
	return folio_ref_count(page_folio(page));
}

int iomd_page_mapcount(struct page *page)
{
	return folio_mapcount(page_folio(page));
}

struct inode *iomd_file_inode(struct file *file)
{
	return file_inode(file);
}

bool iomd_file_writable(struct file *file)
{
	return file->f_mode & FMODE_WRITE;
}

struct user_struct *iomd_get_current_user(void)
{
	return get_uid(current_user());
}

unsigned long iomd_memlock_limit_pages(void)
{
	return rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
}

/* As __io_account_mem() does for io_uring: one counter for all of a user's. */
bool iomd_charge_locked_vm(struct user_struct *user, unsigned long pages,
			   unsigned long limit)
{
	unsigned long charged = atomic_long_read(&user->locked_vm);

	do {
		if (charged > limit || pages > limit - charged)
			return false;
	} while (!atomic_long_try_cmpxchg(&user->locked_vm,
					  (long *)&charged, charged + pages));
	return true;
}

void iomd_uncharge_locked_vm(struct user_struct *user, unsigned long pages)
{
	atomic_long_sub(pages, &user->locked_vm);
}

struct mem_cgroup *iomd_current_mem_cgroup(void)
{
	return get_mem_cgroup_from_mm(current->mm);
}

struct mem_cgroup *iomd_set_active_memcg(struct mem_cgroup *memcg)
{
	return set_active_memcg(memcg);
}

void iomd_mem_cgroup_put(struct mem_cgroup *memcg)
{
	mem_cgroup_put(memcg);
}

struct shrinker *iomd_shrinker_alloc(const char *name)
{
	return shrinker_alloc(SHRINKER_MEMCG_AWARE | SHRINKER_NUMA_AWARE,
			      "%s", name);
}

struct kmem_cache *iomd_kmem_cache_create(const char *name, unsigned int size)
{
	return kmem_cache_create(name, size, 0, SLAB_ACCOUNT, NULL);
}

/* Also makes the part of the list that is of the object's memory cgroup. */
void *iomd_kmem_cache_alloc_lru(struct kmem_cache *cache, struct list_lru *list)
{
	return kmem_cache_alloc_lru(cache, list,
				    GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL |
				    __GFP_NOWARN);
}

/*
 * Whether the reclaim that the task is in the middle of has got what it asks
 * for at a time, from here or from elsewhere. Reclaim for a memory cgroup's
 * limit does not look at what shrinkers free, and would go on.
 */
bool iomd_reclaim_is_done(void)
{
	return current->reclaim_state &&
	       current->reclaim_state->reclaimed >= SWAP_CLUSTER_MAX;
}

void iomd_account_reclaimed(unsigned long pages)
{
	mm_account_reclaimed_pages(pages);
}

/* Takes and drops the mmap lock, which the call in the middle may have dropped. */
long iomd_pin_user_pages(struct mm_struct *mm, unsigned long address,
			 unsigned long count, bool write, bool force,
			 struct page **pages)
{
	int locked = 1;
	long pinned;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	pinned = pin_user_pages_remote(mm, address, count,
				       FOLL_LONGTERM | (write ? FOLL_WRITE : 0) |
				       (force ? FOLL_FORCE : 0),
				       pages, &locked);
	if (locked)
		mmap_read_unlock(mm);
	return pinned;
}

void iomd_copy_from_io(struct page *to, size_t offset,
		       const void __iomem *from, size_t length)
{
	void *start = kmap_local_page(to);

	memcpy_fromio(start + offset, from, min(length, PAGE_SIZE - offset));
	kunmap_local(start);
}

void iomd_copy_to_io(void __iomem *to, struct page *from, size_t offset,
		     size_t length)
{
	void *start = kmap_local_page(from);

	memcpy_toio(to, start + offset, min(length, PAGE_SIZE - offset));
	kunmap_local(start);
}

struct page *iomd_folio_page(struct folio *folio, unsigned long page)
{
	return folio_page(folio, page);
}

/* Seals are added, and sizes are changed, by who has it to write. */
void iomd_lock_file_shared(struct file *file)
{
	inode_lock_shared(file_inode(file));
}

void iomd_unlock_file_shared(struct file *file)
{
	inode_unlock_shared(file_inode(file));
}

bool iomd_file_readable(struct file *file)
{
	return file->f_mode & FMODE_READ;
}

loff_t iomd_file_size(struct file *file)
{
	return i_size_read(file_inode(file));
}

int iomd_memfd_seals(struct file *file)
{
	if (shmem_file(file))
		return SHMEM_I(file_inode(file))->seals;
#ifdef CONFIG_HUGETLBFS
	if (is_file_hugepages(file))
		return HUGETLBFS_I(file_inode(file))->seals;
#endif
	return -EINVAL;
}

int iomd_locked_down(void)
{
	return security_locked_down(LOCKDOWN_DEV_MEM);
}

bool iomd_overlaps_ram(phys_addr_t start, size_t size)
{
	return region_intersects(start, size, IORESOURCE_SYSTEM_RAM,
				 IORES_DESC_NONE) != REGION_DISJOINT;
}

struct resource *iomd_request_mem_region(phys_addr_t start, size_t size)
{
	return request_mem_region(start, size, "iomd");
}

void iomd_release_mem_region(phys_addr_t start, size_t size)
{
	release_mem_region(start, size);
}

unsigned int iomd_dma_segment(struct device *device)
{
	return max_t(unsigned int, dma_get_max_seg_size(device) & PAGE_MASK,
		     PAGE_SIZE);
}

void iomd_dma_sync_for_processor(struct device *device, struct sg_table *table,
				 enum dma_data_direction direction)
{
	dma_sync_sgtable_for_cpu(device, table, direction);
}

void iomd_dma_sync_for_device(struct device *device, struct sg_table *table,
			      enum dma_data_direction direction)
{
	dma_sync_sgtable_for_device(device, table, direction);
}

void *iomd_vmap(struct page **pages, unsigned int count)
{
	return vmap(pages, count, VM_MAP, PAGE_KERNEL);
}

static bool is_ordinary(struct page *page)
{
	return pfn_valid(page_to_pfn(page)) && !is_zone_device_page(page) &&
	       !PageReserved(page) && folio_ref_count(page_folio(page));
}

/*
 * The page that the kernel has at an address of its own, if that is ordinary
 * memory, to which references can be had, and is cached there.
 */
struct page *iomd_ordinary_page(unsigned long address)
{
	unsigned int level;
	pte_t *entry = lookup_address(address, &level);
	struct page *page = NULL;
	pgprot_t mode;

	if (!entry || !pte_present(*entry))
		return NULL;
	mode = pte_pgprot(*entry);
	if (level != PG_LEVEL_4K)
		mode = pgprot_large_2_4k(mode);
	/* No bit is write-back. */
	if (pgprot_val(mode) & _PAGE_CACHE_MASK)
		return NULL;
	if (is_vmalloc_addr((void *)address))
		page = vmalloc_to_page((void *)address);
	else if (virt_addr_valid(address))
		page = virt_to_page((void *)address);
	return page && is_ordinary(page) ? page : NULL;
}
