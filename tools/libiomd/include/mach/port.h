/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Ports. A port is a file descriptor here, and its name is made of that: so names
 * have the form that they have in Mach, and 0 is none.
 */
#ifndef _MACH_PORT_H_
#define _MACH_PORT_H_

#include <mach/vm_types.h>

typedef natural_t mach_port_name_t;
typedef mach_port_name_t mach_port_t;

#define MACH_PORT_NULL		((mach_port_t)0)
#define MACH_PORT_DEAD		((mach_port_t)~0)
#define MACH_PORT_VALID(name)	\
	((name) != MACH_PORT_NULL && (name) != MACH_PORT_DEAD)

#endif
