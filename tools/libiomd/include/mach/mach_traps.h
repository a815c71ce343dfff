/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _MACH_MACH_TRAPS_H_
#define _MACH_MACH_TRAPS_H_

#include <mach/mach_types.h>

#ifdef __cplusplus
extern "C" {
#endif

kern_return_t task_for_pid(mach_port_name_t target_tport, int pid,
			   mach_port_name_t *t);
kern_return_t pid_for_task(mach_port_name_t t, int *x);

#ifdef __cplusplus
}
#endif

#endif
