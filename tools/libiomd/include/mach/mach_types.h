/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _MACH_MACH_TYPES_H_
#define _MACH_MACH_TYPES_H_

#include <mach/boolean.h>
#include <mach/kern_return.h>
#include <mach/port.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>
#include <mach/vm_types.h>

/* The right to map into an address space, and to remap what it has */
typedef mach_port_t task_t;
typedef mach_port_t task_port_t;
typedef mach_port_t vm_map_t;
typedef mach_port_t vm_task_entry_t;
typedef mach_port_t ipc_space_t;

/* Memory that can be mapped */
typedef mach_port_t mem_entry_name_port_t;
typedef mach_port_t memory_object_t;

typedef uint64_t memory_object_offset_t;
typedef uint64_t memory_object_size_t;

#define TASK_NULL	((task_t)0)
#define VM_MAP_NULL	((vm_map_t)0)

#endif
