// SPDX-License-Identifier: GPL-2.0
/* What a page fault finds in the page table. */

#include <linux/mm.h>

#include "../helpers.h"

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
