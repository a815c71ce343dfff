// SPDX-License-Identifier: GPL-2.0
/* Where the VMAs are that show a file. */

#include <linux/fs.h>
#include <linux/pagemap.h>

#include "../helpers.h"

/* As that of a new inode. */
void iomd_mapping_init(struct address_space *mapping)
{
	address_space_init_once(mapping);
	mapping->a_ops = &empty_aops;
	mapping_set_gfp_mask(mapping, GFP_HIGHUSER_MOVABLE);
	init_rwsem(&mapping->invalidate_lock);
}

/* The host is the one inode of all anonymous files. */
void iomd_file_set_mapping(struct file *file, struct address_space *mapping)
{
	WRITE_ONCE(mapping->host, file_inode(file));
	file->f_mapping = mapping;
}
