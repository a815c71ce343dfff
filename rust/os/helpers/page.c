// SPDX-License-Identifier: GPL-2.0
/* Single pages, and folios. */

#include <linux/highmem.h>
#include <linux/mm.h>

#include "../helpers.h"

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

struct page *iomd_folio_page(struct folio *folio, unsigned long page)
{
	return folio_page(folio, page);
}
