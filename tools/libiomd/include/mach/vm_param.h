/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _MACH_VM_PARAM_H_
#define _MACH_VM_PARAM_H_

#include <mach/vm_page_size.h>

#ifndef PAGE_SIZE
#define PAGE_SHIFT	vm_page_shift
#define PAGE_SIZE	vm_page_size
#define PAGE_MASK	vm_page_mask
#endif

#define trunc_page(x)	((vm_offset_t)mach_vm_trunc_page(x))
#define round_page(x)	((vm_offset_t)mach_vm_round_page(x))

#endif
