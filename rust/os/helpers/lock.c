// SPDX-License-Identifier: GPL-2.0
/* Mutexes whose waiters can be killed, and what lockdep is told of semaphores. */

#include <linux/mutex.h>
#include <linux/rwsem.h>

#include "../helpers.h"

int iomd_mutex_lock_killable(struct mutex *lock)
{
	return mutex_lock_killable(lock);
}

int iomd_mutex_lock_killable_nest_lock(struct mutex *lock, struct mutex *outer)
{
	return mutex_lock_killable_nest_lock(lock, outer);
}

#ifdef CONFIG_DEBUG_LOCK_ALLOC
void iomd_rwsem_note_reader(struct rw_semaphore *semaphore)
{
	rwsem_acquire_read(&semaphore->dep_map, 0, 1, _RET_IP_);
}

void iomd_rwsem_note_reader_left(struct rw_semaphore *semaphore)
{
	rwsem_release(&semaphore->dep_map, _RET_IP_);
}
#endif
