/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Memory of any task. Documentation/libiomd.rst says what is supported. */
#ifndef _MACH_MACH_VM_H_
#define _MACH_MACH_VM_H_

#include <mach/mach_types.h>
#include <mach/memory_object_types.h>
#include <mach/vm_statistics.h>

#ifdef __cplusplus
extern "C" {
#endif

kern_return_t mach_vm_allocate(vm_map_t target, mach_vm_address_t *address,
			       mach_vm_size_t size, int flags);
kern_return_t mach_vm_deallocate(vm_map_t target, mach_vm_address_t address,
				 mach_vm_size_t size);
kern_return_t mach_vm_protect(vm_map_t target_task, mach_vm_address_t address,
			      mach_vm_size_t size, boolean_t set_maximum,
			      vm_prot_t new_protection);

kern_return_t mach_vm_map(vm_map_t target_task, mach_vm_address_t *address,
			  mach_vm_size_t size, mach_vm_offset_t mask, int flags,
			  mem_entry_name_port_t object,
			  memory_object_offset_t offset, boolean_t copy,
			  vm_prot_t cur_protection, vm_prot_t max_protection,
			  vm_inherit_t inheritance);

kern_return_t mach_vm_remap(vm_map_t target_task,
			    mach_vm_address_t *target_address,
			    mach_vm_size_t size, mach_vm_offset_t mask,
			    int flags, vm_map_t src_task,
			    mach_vm_address_t src_address, boolean_t copy,
			    vm_prot_t *cur_protection,
			    vm_prot_t *max_protection,
			    vm_inherit_t inheritance);
kern_return_t mach_vm_remap_new(vm_map_t target_task,
				mach_vm_address_t *target_address,
				mach_vm_size_t size, mach_vm_offset_t mask,
				int flags, vm_map_t src_task,
				mach_vm_address_t src_address, boolean_t copy,
				vm_prot_t *cur_protection,
				vm_prot_t *max_protection,
				vm_inherit_t inheritance);

kern_return_t mach_make_memory_entry_64(vm_map_t target_task,
					memory_object_size_t *size,
					memory_object_offset_t offset,
					vm_prot_t permission,
					mem_entry_name_port_t *object_handle,
					mem_entry_name_port_t parent_handle);

#ifdef __cplusplus
}
#endif

#endif
