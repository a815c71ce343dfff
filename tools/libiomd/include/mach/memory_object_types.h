/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What mach_make_memory_entry_64() takes beside the protection. */
#ifndef _MACH_MEMORY_OBJECT_TYPES_H_
#define _MACH_MEMORY_OBJECT_TYPES_H_

#include <mach/mach_types.h>

/* How the memory is cached: the last eight bits */
#define MAP_MEM_NOOP		0
#define GET_MAP_MEM(flags)	(((unsigned int)(flags)) >> 24)

#define MAP_MEM_ONLY		0x010000
#define MAP_MEM_NAMED_CREATE	0x020000
#define MAP_MEM_PURGABLE	0x040000
#define MAP_MEM_NAMED_REUSE	0x080000
#define MAP_MEM_USE_DATA_ADDR	0x100000
#define MAP_MEM_VM_COPY		0x200000
#define MAP_MEM_VM_SHARE	0x400000
#define MAP_MEM_4K_DATA_ADDR	0x800000

#endif
