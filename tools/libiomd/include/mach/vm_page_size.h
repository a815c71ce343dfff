/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _MACH_VM_PAGE_SIZE_H_
#define _MACH_VM_PAGE_SIZE_H_

#include <mach/vm_types.h>

#ifdef __cplusplus
extern "C" {
#endif

extern vm_size_t vm_page_size;
extern vm_size_t vm_page_mask;
extern int vm_page_shift;
extern vm_size_t vm_kernel_page_size;

#ifdef __cplusplus
}
#endif

#define mach_vm_trunc_page(x)	\
	((mach_vm_offset_t)(x) & ~(mach_vm_offset_t)vm_page_mask)
#define mach_vm_round_page(x)	\
	mach_vm_trunc_page((mach_vm_offset_t)(x) + vm_page_mask)

#endif
