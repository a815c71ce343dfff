// SPDX-License-Identifier: GPL-2.0
/*
 * Structures of a few words, in user space. copy_from_user() has to be told how
 * long they are, and where that is not a constant looks up what memory of the
 * kernel's it copies to, which takes longer than to copy.
 */

#include <linux/fault-inject-usercopy.h>
#include <linux/uaccess.h>
#include <linux/unaligned.h>

#include "../helpers.h"

int iomd_read_user_words(u64 *to, const u64 __user *from, size_t count)
{
	size_t word;
	u64 value;

	might_fault();
	if (should_fail_usercopy())
		return -EFAULT;

	scoped_user_read_access_size(from, count * sizeof(*from), efault) {
		for (word = 0; word < count; word++) {
			unsafe_get_user(value, from + word, efault);
			put_unaligned(value, to + word);
		}
	}
	return 0;
efault:
	return -EFAULT;
}

int iomd_write_user_words(u64 __user *to, const u64 *from, size_t count)
{
	size_t word;

	might_fault();
	if (should_fail_usercopy())
		return -EFAULT;

	scoped_user_write_access_size(to, count * sizeof(*to), efault) {
		for (word = 0; word < count; word++)
			unsafe_put_user(get_unaligned(from + word), to + word,
					efault);
	}
	return 0;
efault:
	return -EFAULT;
}
