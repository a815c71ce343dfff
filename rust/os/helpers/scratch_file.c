// SPDX-License-Identifier: GPL-2.0
/* Files that hold what is copied. */

#include <linux/highmem.h>
#include <linux/shmem_fs.h>

#include "../helpers.h"

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
