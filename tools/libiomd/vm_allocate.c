// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Memory of the task's own, as mmap(2) gives it. Of another task's, only what
 * it has can be remapped, and memory entries can be mapped there.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include <mach/mach_init.h>
#include <mach/mach_vm.h>
#include <mach/vm_map.h>

#include "internal.h"

/* Whole pages of a range, none for an empty one; false if it overflows. */
static bool whole_pages(mach_vm_address_t *address, mach_vm_size_t *size)
{
	mach_vm_address_t end;

	if (!*size)
		return true;
	if (__builtin_add_overflow(*address, *size, &end) ||
	    end > UINT64_MAX - vm_page_mask)
		return false;
	*address = mach_vm_trunc_page(*address);
	*size = mach_vm_round_page(end) - *address;
	return true;
}

kern_return_t mach_vm_allocate(vm_map_t target, mach_vm_address_t *address,
			       mach_vm_size_t size, int flags)
{
	mach_vm_address_t place = flags & VM_FLAGS_ANYWHERE ? 0 : *address;
	kern_return_t result;

	if (!MACH_PORT_VALID(target))
		return KERN_INVALID_ARGUMENT;
	if (!size) {
		*address = 0;
		return KERN_SUCCESS;
	}
	result = mach_vm_map(target, &place, size, 0, flags, MACH_PORT_NULL, 0,
			     FALSE, VM_PROT_DEFAULT, VM_PROT_ALL,
			     VM_INHERIT_DEFAULT);
	if (!result)
		*address = place;
	return result;
}

kern_return_t mach_vm_deallocate(vm_map_t target, mach_vm_address_t address,
				 mach_vm_size_t size)
{
	if (!MACH_PORT_VALID(target) || !whole_pages(&address, &size))
		return KERN_INVALID_ARGUMENT;
	if (target != mach_task_self())
		return KERN_NOT_SUPPORTED;
	if (!size)
		return KERN_SUCCESS;
	return munmap((void *)address, size) ? iomd_kern_return(errno) :
					       KERN_SUCCESS;
}

kern_return_t mach_vm_protect(vm_map_t target_task, mach_vm_address_t address,
			      mach_vm_size_t size, boolean_t set_maximum,
			      vm_prot_t new_protection)
{
	if (!MACH_PORT_VALID(target_task) || !whole_pages(&address, &size) ||
	    new_protection & ~VM_PROT_ALL)
		return KERN_INVALID_ARGUMENT;
	if (target_task != mach_task_self() || set_maximum)
		return KERN_NOT_SUPPORTED;
	if (!size || !mprotect((void *)address, size, new_protection))
		return KERN_SUCCESS;
	/* So Linux says that something there is not mapped. */
	return errno == ENOMEM ? KERN_INVALID_ADDRESS : iomd_kern_return(errno);
}

kern_return_t vm_allocate(vm_map_t target_task, vm_address_t *address,
			  vm_size_t size, int flags)
{
	mach_vm_address_t place = *address;
	kern_return_t result = mach_vm_allocate(target_task, &place, size,
						flags);

	*address = place;
	return result;
}

kern_return_t vm_deallocate(vm_map_t target_task, vm_address_t address,
			    vm_size_t size)
{
	return mach_vm_deallocate(target_task, address, size);
}

kern_return_t vm_protect(vm_map_t target_task, vm_address_t address,
			 vm_size_t size, boolean_t set_maximum,
			 vm_prot_t new_protection)
{
	return mach_vm_protect(target_task, address, size, set_maximum,
			       new_protection);
}
