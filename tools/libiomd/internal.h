/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the files of the library tell each other. */
#ifndef LIBIOMD_INTERNAL_H
#define LIBIOMD_INTERNAL_H

#include <stdbool.h>

#include <linux/iomd.h>
#include <mach/mach_types.h>
#include <mach/vm_statistics.h>

#pragma GCC visibility push(hidden)

/*
 * The library keeps no file open and no state: so forks, threads and programs
 * that close all files they do not know are no matter. What is opened here is
 * closed by the caller before he returns.
 */

/* A new file descriptor of the device; or -1 with errno. */
int iomd_client_open(void);

/* A new file descriptor of the port; or -1 with errno. */
int iomd_port_open(mach_port_t port);

/* The port of a file descriptor, which is the port's from then on. */
mach_port_t iomd_port_of(int fd);

/* An ioctl(2), again and again if signals interrupt it; 0, or -1 with errno. */
int iomd_call(int fd, unsigned long request, void *argument);

/* close(2), which leaves errno as it is; a file that is not open is nothing. */
void iomd_drop(int fd);

/* What Mach returns where Linux has that errno. */
kern_return_t iomd_kern_return(int error);

/*
 * The flags of a call that iomd has too. What macOS knows and iomd does not is
 * KERN_NOT_SUPPORTED, what neither knows KERN_INVALID_ARGUMENT.
 */
kern_return_t iomd_placement(int flags, unsigned int *vm_flags);

/*
 * What a child is to get of memory that is shared. VM_INHERIT_COPY cannot be:
 * IOMD_VM_INHERIT_COPY in the environment says what is wanted instead.
 */
vm_inherit_t iomd_shared_inheritance(vm_inherit_t inheritance);

/*
 * IOMD_REMAP: all but its size and tasks are set by the caller. A refusal leaves
 * it as it is.
 */
kern_return_t iomd_run_remap(struct iomd_remap *argument, vm_map_t target,
			     vm_map_t source);

#pragma GCC visibility pop

#endif
