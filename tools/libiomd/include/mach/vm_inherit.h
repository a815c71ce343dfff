/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a forked child gets of memory. */
#ifndef _MACH_VM_INHERIT_H_
#define _MACH_VM_INHERIT_H_

typedef unsigned int vm_inherit_t;

#define VM_INHERIT_SHARE	((vm_inherit_t)0)
#define VM_INHERIT_COPY		((vm_inherit_t)1)
#define VM_INHERIT_NONE		((vm_inherit_t)2)

#define VM_INHERIT_DEFAULT	VM_INHERIT_COPY

#endif
