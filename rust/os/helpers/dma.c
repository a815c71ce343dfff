// SPDX-License-Identifier: GPL-2.0
/* What devices do with memory. */

#include <linux/dma-mapping.h>

#include "../helpers.h"

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
