// SPDX-License-Identifier: GPL-2.0
/* Pages that processes have mapped. */

#include <linux/mm.h>

#include "../helpers.h"

/*
 * Takes and drops the mmap lock, which the call in the middle may have dropped.
 * What may not be read now, but could be made readable, is read.
 */
int iomd_get_user_page(struct mm_struct *mm, unsigned long address,
		       struct page **page)
{
	int locked = 1;
	long got;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	got = get_user_pages_remote(mm, address, 1, FOLL_FORCE, page, &locked);
	if (locked)
		mmap_read_unlock(mm);
	return got < 0 ? got : got ? 0 : -EFAULT;
}

/* Takes and drops the mmap lock, which the call in the middle may have dropped. */
long iomd_pin_user_pages(struct mm_struct *mm, unsigned long address,
			 unsigned long count, bool write, bool force,
			 struct page **pages)
{
	int locked = 1;
	long pinned;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	pinned = pin_user_pages_remote(mm, address, count,
				       FOLL_LONGTERM | (write ? FOLL_WRITE : 0) |
				       (force ? FOLL_FORCE : 0),
				       pages, &locked);
	if (locked)
		mmap_read_unlock(mm);
	return pinned;
}
