/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Memory, with addresses as wide as a pointer: the same calls as in mach_vm.h. */
#ifndef _MACH_VM_MAP_H_
#define _MACH_VM_MAP_H_

#include <mach/mach_types.h>
#include <mach/memory_object_types.h>
#include <mach/vm_statistics.h>

#ifdef __cplusplus
extern "C" {
#endif

kern_return_t vm_allocate(vm_map_t target_task, vm_address_t *address,
			  vm_size_t size, int flags);
kern_return_t vm_deallocate(vm_map_t target_task, vm_address_t address,
			    vm_size_t size);
kern_return_t vm_protect(vm_map_t target_task, vm_address_t address,
			 vm_size_t size, boolean_t set_maximum,
			 vm_prot_t new_protection);

kern_return_t vm_map(vm_map_t target_task, vm_address_t *address,
		     vm_size_t size, vm_address_t mask, int flags,
		     mem_entry_name_port_t object, vm_offset_t offset,
		     boolean_t copy, vm_prot_t cur_protection,
		     vm_prot_t max_protection, vm_inherit_t inheritance);

kern_return_t vm_remap(vm_map_t target_task, vm_address_t *target_address,
		       vm_size_t size, vm_address_t mask, int flags,
		       vm_map_t src_task, vm_address_t src_address,
		       boolean_t copy, vm_prot_t *cur_protection,
		       vm_prot_t *max_protection, vm_inherit_t inheritance);
kern_return_t vm_remap_new(vm_map_t target_task, vm_address_t *target_address,
			   vm_size_t size, vm_address_t mask, int flags,
			   vm_map_t src_task, vm_address_t src_address,
			   boolean_t copy, vm_prot_t *cur_protection,
			   vm_prot_t *max_protection, vm_inherit_t inheritance);

kern_return_t mach_make_memory_entry(vm_map_t target_task, vm_size_t *size,
				     vm_offset_t offset, vm_prot_t permission,
				     mem_entry_name_port_t *object_handle,
				     mem_entry_name_port_t parent_entry);
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
