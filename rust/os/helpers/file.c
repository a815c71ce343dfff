// SPDX-License-Identifier: GPL-2.0
/* Files of others. */

#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/magic.h>
#include <linux/shmem_fs.h>

#include "../helpers.h"

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

bool iomd_file_writable(struct file *file)
{
	return file->f_mode & FMODE_WRITE;
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
