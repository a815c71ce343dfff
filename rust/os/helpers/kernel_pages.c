// SPDX-License-Identifier: GPL-2.0
/* Pages at addresses of the kernel. */

#include <linux/mm.h>
#include <linux/vmalloc.h>

#include "../helpers.h"

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
