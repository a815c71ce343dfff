// SPDX-License-Identifier: GPL-2.0
/* Wait queues, and the states in which tasks sleep on them. */

#include <linux/sched.h>
#include <linux/wait.h>

#include "../helpers.h"

int iomd_task_killable_freezable(void)
{
	return TASK_KILLABLE | TASK_FREEZABLE_UNSAFE;
}

void iomd_wake_all(struct wait_queue_head *head)
{
	if (wq_has_sleeper(head))
		wake_up_all(head);
}
