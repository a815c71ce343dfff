// SPDX-License-Identifier: MIT OR Apache-2.0
/* Memory of a task in another place as well. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <mach/mach_vm.h>
#include <mach/vm_map.h>

#include "internal.h"

#define OURS	(VM_FLAGS_ANYWHERE | VM_FLAGS_OVERWRITE | \
		 VM_FLAGS_RETURN_DATA_ADDR)
/* What only macOS does. */
#define THEIRS	(VM_FLAGS_PURGABLE | VM_FLAGS_4GB_CHUNK |		\
		 VM_FLAGS_RANDOM_ADDR | VM_FLAGS_NO_CACHE |		\
		 VM_FLAGS_RESILIENT_CODESIGN | VM_FLAGS_RESILIENT_MEDIA | \
		 VM_FLAGS_PERMANENT | VM_FLAGS_SUPERPAGE_MASK |		\
		 VM_FLAGS_RETURN_4K_DATA_ADDR)

kern_return_t iomd_placement(int flags, unsigned int *vm_flags)
{
	unsigned int rest = (unsigned int)flags & ~VM_FLAGS_ALIAS_MASK;

	if (rest & ~(OURS | THEIRS))
		return KERN_INVALID_ARGUMENT;
	if (rest & THEIRS)
		return KERN_NOT_SUPPORTED;
	*vm_flags = rest;
	return KERN_SUCCESS;
}

vm_inherit_t iomd_shared_inheritance(vm_inherit_t inheritance)
{
	const char *instead = secure_getenv("IOMD_VM_INHERIT_COPY");

	if (inheritance != VM_INHERIT_COPY || !instead)
		return inheritance;
	if (!strcmp(instead, "share"))
		return VM_INHERIT_SHARE;
	if (!strcmp(instead, "none"))
		return VM_INHERIT_NONE;
	return inheritance;
}

kern_return_t iomd_run_remap(struct iomd_remap *argument, vm_map_t target,
			     vm_map_t source)
{
	kern_return_t result = KERN_SUCCESS;
	int client = iomd_client_open();

	if (client < 0)
		return iomd_kern_return(errno);
	argument->size = sizeof(*argument);
	argument->target_task = iomd_port_open(target);
	argument->source_task = iomd_port_open(source);
	if (argument->target_task < 0 || argument->source_task < 0)
		result = KERN_INVALID_ARGUMENT;
	else if (iomd_call(client, IOMD_REMAP, argument))
		result = iomd_kern_return(errno);
	iomd_drop(argument->source_task);
	iomd_drop(argument->target_task);
	iomd_drop(client);
	return result;
}

static kern_return_t remap_with(unsigned int protections, vm_map_t target,
				mach_vm_address_t *address, mach_vm_size_t size,
				mach_vm_offset_t mask, int flags,
				vm_map_t source, mach_vm_address_t from,
				boolean_t copy, vm_prot_t *cur, vm_prot_t *max,
				vm_inherit_t inheritance)
{
	struct iomd_remap argument = {
		.flags = protections | (copy ? IOMD_REMAP_COPY : 0),
		.inheritance = copy ? inheritance :
				iomd_shared_inheritance(inheritance),
		.target_address = *address,
		.length = size,
		.mask = mask,
		.source_address = from,
	};
	kern_return_t result = iomd_placement(flags, &argument.vm_flags);

	if (result)
		return result;
	if (protections) {
		argument.cur_protection = (unsigned int)*cur;
		argument.max_protection = (unsigned int)*max;
	}
	result = iomd_run_remap(&argument, target, source);
	if (result)
		return result;
	*address = argument.target_address;
	*cur = (vm_prot_t)argument.cur_protection;
	*max = (vm_prot_t)argument.max_protection;
	return KERN_SUCCESS;
}

kern_return_t mach_vm_remap(vm_map_t target_task,
			    mach_vm_address_t *target_address,
			    mach_vm_size_t size, mach_vm_offset_t mask,
			    int flags, vm_map_t src_task,
			    mach_vm_address_t src_address, boolean_t copy,
			    vm_prot_t *cur_protection,
			    vm_prot_t *max_protection, vm_inherit_t inheritance)
{
	return remap_with(0, target_task, target_address, size, mask, flags,
			  src_task, src_address, copy, cur_protection,
			  max_protection, inheritance);
}

kern_return_t mach_vm_remap_new(vm_map_t target_task,
				mach_vm_address_t *target_address,
				mach_vm_size_t size, mach_vm_offset_t mask,
				int flags, vm_map_t src_task,
				mach_vm_address_t src_address, boolean_t copy,
				vm_prot_t *cur_protection,
				vm_prot_t *max_protection,
				vm_inherit_t inheritance)
{
	return remap_with(IOMD_REMAP_PROTECTIONS, target_task, target_address,
			  size, mask, flags, src_task, src_address, copy,
			  cur_protection, max_protection, inheritance);
}

kern_return_t vm_remap(vm_map_t target_task, vm_address_t *target_address,
		       vm_size_t size, vm_address_t mask, int flags,
		       vm_map_t src_task, vm_address_t src_address,
		       boolean_t copy, vm_prot_t *cur_protection,
		       vm_prot_t *max_protection, vm_inherit_t inheritance)
{
	mach_vm_address_t address = *target_address;
	kern_return_t result;

	result = mach_vm_remap(target_task, &address, size, mask, flags,
			       src_task, src_address, copy, cur_protection,
			       max_protection, inheritance);
	*target_address = address;
	return result;
}

kern_return_t vm_remap_new(vm_map_t target_task, vm_address_t *target_address,
			   vm_size_t size, vm_address_t mask, int flags,
			   vm_map_t src_task, vm_address_t src_address,
			   boolean_t copy, vm_prot_t *cur_protection,
			   vm_prot_t *max_protection, vm_inherit_t inheritance)
{
	mach_vm_address_t address = *target_address;
	kern_return_t result;

	result = mach_vm_remap_new(target_task, &address, size, mask, flags,
				   src_task, src_address, copy, cur_protection,
				   max_protection, inheritance);
	*target_address = address;
	return result;
}
