// SPDX-License-Identifier: GPL-2.0
/* What is given back when memory is short. */

#include <linux/list_lru.h>
#include <linux/sched.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/swap.h>

#include "../helpers.h"

struct shrinker *iomd_shrinker_alloc(const char *name)
{
	return shrinker_alloc(SHRINKER_MEMCG_AWARE | SHRINKER_NUMA_AWARE,
			      "%s", name);
}

struct kmem_cache *iomd_kmem_cache_create(const char *name, unsigned int size)
{
	return kmem_cache_create(name, size, 0, SLAB_ACCOUNT, NULL);
}

/* Also makes the part of the list that is of the object's memory cgroup. */
void *iomd_kmem_cache_alloc_lru(struct kmem_cache *cache, struct list_lru *list)
{
	return kmem_cache_alloc_lru(cache, list,
				    GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL |
				    __GFP_NOWARN);
}

/*
 * Whether the reclaim that the task is in the middle of has got what it asks
 * for at a time, from here or from elsewhere. Reclaim for a memory cgroup's
 * limit does not look at what shrinkers free, and would go on.
 */
bool iomd_reclaim_is_done(void)
{
	return current->reclaim_state &&
	       current->reclaim_state->reclaimed >= SWAP_CLUSTER_MAX;
}

void iomd_account_reclaimed(unsigned long pages)
{
	mm_account_reclaimed_pages(pages);
}
