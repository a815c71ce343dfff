// SPDX-License-Identifier: GPL-2.0
/* Mappings of the calling process, and what they are. */

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>

#include "../helpers.h"

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
