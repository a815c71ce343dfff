// SPDX-License-Identifier: GPL-2.0
/* Memory of devices. */

#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/security.h>

#include "../helpers.h"

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
