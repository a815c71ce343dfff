// SPDX-License-Identifier: GPL-2.0
/* Tasks and their processes. */

#include <linux/sched/signal.h>
#include <linux/task_work.h>

#include "../helpers.h"

unsigned int iomd_current_flags(void)
{
	return current->flags;
}

bool iomd_fatal_signal_pending(void)
{
	return fatal_signal_pending(current);
}

void iomd_get_pid(struct pid *pid)
{
	get_pid(pid);
}

/* Another thread of the process, or itself, that still has mm; under RCU. */
static struct task_struct *thread_with(struct task_struct *process,
				       struct mm_struct *mm, bool stopped)
{
	struct task_struct *thread;

	for_each_thread(process, thread) {
		if (READ_ONCE(thread->mm) == mm &&
		    !(thread->flags & (PF_EXITING | PF_KTHREAD | PF_USER_WORKER)) &&
		    (stopped || !(READ_ONCE(thread->__state) &
				  (__TASK_STOPPED | __TASK_TRACED))))
			return thread;
	}
	return NULL;
}

bool iomd_process_has(struct pid *pid, struct mm_struct *mm)
{
	struct task_struct *process;

	guard(rcu)();
	process = pid_task(pid, PIDTYPE_TGID);
	return process && thread_with(process, mm, true);
}

int iomd_task_work_add(struct pid *pid, struct mm_struct *mm,
		       struct callback_head *work)
{
	struct task_struct *process, *thread;

	guard(rcu)();
	process = pid_task(pid, PIDTYPE_TGID);
	if (!process)
		return -ESRCH;
	thread = thread_with(process, mm, false) ?: thread_with(process, mm, true);
	return thread ? task_work_add(thread, work, TWA_SIGNAL) : -ESRCH;
}

void iomd_cond_resched(void)
{
	cond_resched();
}
