/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _MACH_MACH_INIT_H_
#define _MACH_MACH_INIT_H_

#include <mach/mach_types.h>
#include <mach/vm_page_size.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Whichever task asks: a forked child has the same name for itself */
extern mach_port_t mach_task_self_;

#define mach_task_self()	mach_task_self_
#define current_task()		mach_task_self()

#ifdef __cplusplus
}
#endif

#endif
