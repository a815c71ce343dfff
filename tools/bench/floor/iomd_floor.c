// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's own cost of what iomd does: the same calls of the kernel, and
 * nothing around them. No rights, no accounts, no pins, no deadlines. Each of
 * three devices is one object with two memories; those of the third are larger,
 * and in pieces that an entry of the page table's next level shows.
 */

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/vmalloc.h>

#define FLOOR_WINDOW  _IO('F', 0)	/* insert so many entries at a fault */
#define FLOOR_SWITCH  _IO('F', 1)	/* redirect */
#define FLOOR_SUSPEND _IO('F', 2)
#define FLOOR_RESUME  _IO('F', 3)
#define FLOOR_COPY    _IO('F', 4)	/* one memory to the other */
#define FLOOR_FRAMES  _IO('F', 5)	/* as FLOOR_WINDOW, by frame numbers */

static unsigned int pages = 16384;
module_param(pages, uint, 0);
MODULE_PARM_DESC(pages, "How many pages each memory has");

static unsigned int large_pages;
module_param(large_pages, uint, 0);
MODULE_PARM_DESC(large_pages, "How many pages each large memory has");

static struct floor {
	struct miscdevice device;
	struct rw_semaphore lock;
	struct page **shown, **other;
	unsigned long pages;
	unsigned int order;
	unsigned long window;
	bool frames;
	bool suspended, waiting;
	wait_queue_head_t access, pager;
} floors[3];

static struct floor *floor_of(struct file *file)
{
	return container_of(file->private_data, struct floor, device);
}

static void floor_change(struct floor *floor, struct file *file, bool suspend)
{
	down_write(&floor->lock);
	floor->suspended = true;
	up_write(&floor->lock);
	unmap_mapping_pages(file->f_mapping, 0, floor->pages, true);
	if (suspend)
		return;
	down_write(&floor->lock);
	swap(floor->shown, floor->other);
	floor->suspended = false;
	up_write(&floor->lock);
	wake_up_all(&floor->access);
}

static long floor_ioctl(struct file *file, unsigned int call, unsigned long arg)
{
	struct floor *floor = floor_of(file);
	unsigned long page;

	switch (call) {
	case FLOOR_WINDOW:
	case FLOOR_FRAMES:
		floor->window = arg ?: 1;
		floor->frames = call == FLOOR_FRAMES;
		return 0;
	case FLOOR_SWITCH:
	case FLOOR_SUSPEND:
		floor_change(floor, file, call == FLOOR_SUSPEND);
		return 0;
	case FLOOR_COPY:
		floor_change(floor, file, true);
		for (page = 0; page < floor->pages; page++)
			copy_highpage(floor->other[page], floor->shown[page]);
		fallthrough;
	case FLOOR_RESUME:
		down_write(&floor->lock);
		floor->suspended = false;
		up_write(&floor->lock);
		wake_up_all(&floor->access);
		return 0;
	}
	return -ENOTTY;
}

static vm_fault_t floor_wait(struct floor *floor, struct vm_fault *vmf)
{
	struct file *file = get_file(vmf->vma->vm_file);

	release_fault_lock(vmf);
	WRITE_ONCE(floor->waiting, true);
	wake_up_all(&floor->pager);
	wait_event_interruptible(floor->access, !READ_ONCE(floor->suspended));
	fput(file);
	return VM_FAULT_RETRY;
}

static bool floor_enter(struct floor *floor)
{
	if (!down_read_trylock(&floor->lock))
		return false;
	if (!floor->suspended)
		return true;
	up_read(&floor->lock);
	return false;
}

static void floor_insert_frames(struct vm_fault *vmf, struct page **shown,
				unsigned long count)
{
	unsigned long page;

	for (page = 0; page < count; page++)
		vmf_insert_mixed(vmf->vma, vmf->address + page * PAGE_SIZE,
				 page_to_pfn(shown[page]));
}

static vm_fault_t floor_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct floor *floor = vma->vm_private_data;
	unsigned long first = vmf->pgoff, count;

	if (!floor_enter(floor))
		return floor_wait(floor, vmf);
	if (floor->frames) {
		count = min(floor->window - first % floor->window,
			    (vma->vm_end - vmf->address) >> PAGE_SHIFT);
		floor_insert_frames(vmf, floor->shown + first, count);
	} else if (floor->window == 1) {
		vm_insert_page(vma, vmf->address, floor->shown[first]);
	} else {
		count = min(floor->window - first % floor->window,
			    (vma->vm_end - vmf->address) >> PAGE_SHIFT);
		vm_insert_pages(vma, vmf->address, floor->shown + first, &count);
	}
	up_read(&floor->lock);
	return VM_FAULT_NOPAGE;
}

static vm_fault_t floor_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	struct floor *floor = vmf->vma->vm_private_data;
	unsigned long first = round_down(vmf->pgoff, 1UL << PMD_ORDER);
	vm_fault_t result;

	if (order != PMD_ORDER)
		return VM_FAULT_FALLBACK;
	if (!floor_enter(floor))
		return floor_wait(floor, vmf);
	result = vmf_insert_pfn_pmd(vmf, page_to_pfn(floor->shown[first]), false);
	up_read(&floor->lock);
	return result;
}

/* Without it the core takes the mmap lock for every fault. */
static vm_fault_t floor_map_pages(struct vm_fault *vmf, pgoff_t first, pgoff_t last)
{
	return 0;
}

static const struct vm_operations_struct floor_vm_operations = {
	.fault = floor_fault,
	.map_pages = floor_map_pages,
};

static const struct vm_operations_struct floor_large_operations = {
	.fault = floor_fault,
	.huge_fault = floor_huge_fault,
	.map_pages = floor_map_pages,
};

static int floor_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct floor *floor = floor_of(file);

	if (vma->vm_pgoff || vma_pages(vma) > floor->pages)
		return -EINVAL;
	vm_flags_set(vma, VM_MIXEDMAP | VM_DONTEXPAND);
	vma->vm_private_data = floor;
	vma->vm_ops = floor->order ? &floor_large_operations : &floor_vm_operations;
	return 0;
}

/* Waits until somebody waits, for the pager. */
static ssize_t floor_read(struct file *file, char __user *buffer, size_t size,
			  loff_t *position)
{
	struct floor *floor = floor_of(file);

	if (wait_event_interruptible(floor->pager, READ_ONCE(floor->waiting)))
		return -EINTR;
	WRITE_ONCE(floor->waiting, false);
	return 0;
}

static const struct file_operations floor_operations = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = floor_ioctl,
	.mmap = floor_mmap,
	.read = floor_read,
};

static void floor_free(struct floor *floor, struct page **memory)
{
	unsigned long page;

	for (page = 0; memory && page < floor->pages; page += 1UL << floor->order)
		if (memory[page])
			__free_pages(memory[page], floor->order);
	vfree(memory);
}

static struct page **floor_allocate(struct floor *floor)
{
	struct page **memory = vcalloc(floor->pages, sizeof(*memory));
	unsigned long page, in_piece = (1UL << floor->order) - 1;

	for (page = 0; memory && page < floor->pages; page++) {
		if (page & in_piece)
			memory[page] = memory[page - 1] + 1;
		else
			memory[page] = alloc_pages(GFP_KERNEL | __GFP_ZERO | __GFP_COMP,
						   floor->order);
		if (!memory[page]) {
			floor_free(floor, memory);
			return NULL;
		}
	}
	return memory;
}

static void floor_remove(struct floor *floor)
{
	misc_deregister(&floor->device);
	floor_free(floor, floor->shown);
	floor_free(floor, floor->other);
}

static int floor_add(struct floor *floor, const char *name, unsigned long pages,
		     unsigned int order)
{
	int error = -ENOMEM;

	floor->pages = round_up(pages, 1UL << order);
	floor->order = order;
	init_rwsem(&floor->lock);
	init_waitqueue_head(&floor->access);
	init_waitqueue_head(&floor->pager);
	floor->window = 1;
	floor->device = (struct miscdevice) {
		.minor = MISC_DYNAMIC_MINOR,
		.name = name,
		.fops = &floor_operations,
	};
	floor->shown = floor_allocate(floor);
	floor->other = floor_allocate(floor);
	if (floor->shown && floor->other)
		error = misc_register(&floor->device);
	if (error) {
		floor_free(floor, floor->shown);
		floor_free(floor, floor->other);
	}
	return error;
}

static int __init floor_init(void)
{
	int error = floor_add(&floors[0], "iomd_floor0", pages, 0);

	if (error)
		return error;
	error = floor_add(&floors[1], "iomd_floor1", pages, 0);
	if (error)
		goto remove_first;
	error = floor_add(&floors[2], "iomd_floor2", large_pages ?: pages, PMD_ORDER);
	if (error)
		goto remove_second;
	return 0;

remove_second:
	floor_remove(&floors[1]);
remove_first:
	floor_remove(&floors[0]);
	return error;
}
module_init(floor_init);

static void __exit floor_exit(void)
{
	floor_remove(&floors[2]);
	floor_remove(&floors[1]);
	floor_remove(&floors[0]);
}
module_exit(floor_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("The kernel's own cost of what iomd does, for its bench");
