// SPDX-License-Identifier: GPL-2.0
/* Who is charged for memory. */

#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>

#include "../helpers.h"

struct user_struct *iomd_get_current_user(void)
{
	return get_uid(current_user());
}

unsigned long iomd_memlock_limit_pages(void)
{
	return rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
}

/* As __io_account_mem() does for io_uring: one counter for all of a user's. */
bool iomd_charge_locked_vm(struct user_struct *user, unsigned long pages,
			   unsigned long limit)
{
	unsigned long charged = atomic_long_read(&user->locked_vm);

	do {
		if (charged > limit || pages > limit - charged)
			return false;
	} while (!atomic_long_try_cmpxchg(&user->locked_vm,
					  (long *)&charged, charged + pages));
	return true;
}

void iomd_uncharge_locked_vm(struct user_struct *user, unsigned long pages)
{
	atomic_long_sub(pages, &user->locked_vm);
}

struct mem_cgroup *iomd_current_mem_cgroup(void)
{
	return get_mem_cgroup_from_mm(current->mm);
}

struct mem_cgroup *iomd_set_active_memcg(struct mem_cgroup *memcg)
{
	return set_active_memcg(memcg);
}

void iomd_mem_cgroup_put(struct mem_cgroup *memcg)
{
	mem_cgroup_put(memcg);
}
