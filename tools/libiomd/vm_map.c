// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * New memory, or that of a memory entry, in a task. Where it goes is decided by
 * IOMD_REMAP in every case: so a place is the same here and for mach_vm_remap().
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include <mach/mach_init.h>
#include <mach/mach_vm.h>
#include <mach/vm_map.h>

#include "internal.h"

struct request {
	vm_map_t target;
	mach_vm_address_t address;
	mach_vm_size_t size;
	mach_vm_offset_t mask;
	unsigned int vm_flags;
	boolean_t copy;
	vm_prot_t cur;
	vm_prot_t max;
	vm_inherit_t inheritance;
};

/* Keeps the place by memory that nobody can access, which is replaced then. */
static kern_return_t reserve(struct request *request)
{
	struct iomd_remap place = {
		.vm_flags = request->vm_flags,
		.inheritance = IOMD_INHERIT_SHARE,
		.target_address = request->address,
		.length = request->size,
		.mask = request->mask,
	};
	kern_return_t result;
	void *source;

	source = mmap(NULL, request->size, PROT_NONE,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (source == MAP_FAILED)
		return KERN_NO_SPACE;
	place.source_address = (uintptr_t)source;
	result = iomd_run_remap(&place, request->target, request->target);
	munmap(source, request->size);
	if (!result)
		request->address = place.target_address;
	return result;
}

static kern_return_t map_fresh(struct request *request)
{
	int sharing = request->inheritance == VM_INHERIT_SHARE ? MAP_SHARED :
								MAP_PRIVATE;
	int flags = sharing | MAP_ANONYMOUS | MAP_NORESERVE;
	kern_return_t result;
	void *memory;

	if (request->target != mach_task_self())
		return KERN_NOT_SUPPORTED;
	/* Where any place will do, the kernel's own choice is as good. */
	if (!(request->vm_flags & VM_FLAGS_ANYWHERE) || request->address ||
	    request->mask) {
		result = reserve(request);
		if (result)
			return result;
		flags |= MAP_FIXED;
	}
	memory = mmap((void *)request->address, request->size, request->cur,
		      flags, -1, 0);
	if (memory == MAP_FAILED) {
		result = errno == ENOMEM ? KERN_NO_SPACE : iomd_kern_return(errno);
		if (flags & MAP_FIXED)
			munmap((void *)request->address, request->size);
		return result;
	}
	if (request->inheritance == VM_INHERIT_NONE &&
	    madvise(memory, request->size, MADV_DONTFORK)) {
		munmap(memory, request->size);
		return KERN_RESOURCE_SHORTAGE;
	}
	request->address = (uintptr_t)memory;
	return KERN_SUCCESS;
}

/* Maps the entry here, wherever that is, and from there to its place. */
static kern_return_t map_entry(struct request *request, int entry,
			       memory_object_offset_t offset, bool read_only)
{
	struct iomd_map_create map = {
		.size = sizeof(map),
		.flags = IOMD_MAP_CREATE_KEEP,
		.options = IOMD_MAP_ANYWHERE |
			   (read_only ? IOMD_MAP_READ_ONLY : 0),
		.inheritance = IOMD_INHERIT_SHARE,
		.offset = offset,
		.length = request->size,
	};
	struct iomd_remap place = {
		.flags = IOMD_REMAP_PROTECTIONS |
			 (request->copy ? IOMD_REMAP_COPY : 0),
		.vm_flags = request->vm_flags,
		.inheritance = request->inheritance,
		.target_address = request->address,
		.length = request->size,
		.mask = request->mask,
		.cur_protection = request->cur,
		.max_protection = request->max,
	};
	int rights = PROT_READ | (read_only ? 0 : PROT_WRITE);
	kern_return_t result;
	void *source;

	if (iomd_call(entry, IOMD_MAP_CREATE, &map))
		return iomd_kern_return(errno);
	source = mmap(NULL, request->size, rights, MAP_SHARED, map.fd, 0);
	if (source == MAP_FAILED) {
		result = iomd_kern_return(errno);
		iomd_drop(map.fd);
		return result;
	}
	place.source_address = (uintptr_t)source;
	result = iomd_run_remap(&place, request->target, mach_task_self());
	munmap(source, request->size);
	iomd_drop(map.fd);
	if (!result)
		request->address = place.target_address;
	return result;
}

/* As map_entry(), with what is to be checked first. */
static kern_return_t map_object(struct request *request,
				mem_entry_name_port_t object,
				memory_object_offset_t offset)
{
	struct iomd_descriptor_info info = { .size = sizeof(info) };
	kern_return_t result = KERN_INVALID_ARGUMENT;
	memory_object_offset_t end;
	int entry = iomd_port_open(object);
	bool read_only;

	if (entry < 0)
		return result;
	if (iomd_call(entry, IOMD_DESCRIPTOR_INFO, &info) ||
	    offset & vm_page_mask ||
	    __builtin_add_overflow(offset, request->size, &end) ||
	    end > mach_vm_round_page(info.length)) {
		iomd_drop(entry);
		return result;
	}
	read_only = info.flags & IOMD_DESCRIPTOR_READ_ONLY;
	if (request->max & VM_PROT_EXECUTE ||
	    (read_only && request->max & VM_PROT_WRITE && !request->copy))
		result = KERN_INVALID_RIGHT;
	else
		result = map_entry(request, entry, offset, read_only);
	iomd_drop(entry);
	return result;
}

kern_return_t mach_vm_map(vm_map_t target_task, mach_vm_address_t *address,
			  mach_vm_size_t size, mach_vm_offset_t mask, int flags,
			  mem_entry_name_port_t object,
			  memory_object_offset_t offset, boolean_t copy,
			  vm_prot_t cur_protection, vm_prot_t max_protection,
			  vm_inherit_t inheritance)
{
	struct request request = {
		.target = target_task,
		.address = *address,
		.size = mach_vm_round_page(size),
		.mask = mask,
		.copy = copy,
		.cur = cur_protection,
		.max = max_protection,
		.inheritance = inheritance,
	};
	kern_return_t result;

	if (!MACH_PORT_VALID(target_task) || inheritance > VM_INHERIT_NONE ||
	    (cur_protection | max_protection) & ~VM_PROT_ALL ||
	    cur_protection & ~max_protection || !request.size)
		return KERN_INVALID_ARGUMENT;
	result = iomd_placement(flags, &request.vm_flags);
	if (result)
		return result;
	if (object == MACH_PORT_NULL) {
		result = map_fresh(&request);
	} else {
		if (!copy)
			request.inheritance = iomd_shared_inheritance(inheritance);
		result = map_object(&request, object, offset);
	}
	if (!result)
		*address = request.address;
	return result;
}

kern_return_t vm_map(vm_map_t target_task, vm_address_t *address,
		     vm_size_t size, vm_address_t mask, int flags,
		     mem_entry_name_port_t object, vm_offset_t offset,
		     boolean_t copy, vm_prot_t cur_protection,
		     vm_prot_t max_protection, vm_inherit_t inheritance)
{
	mach_vm_address_t place = *address;
	kern_return_t result;

	result = mach_vm_map(target_task, &place, size, mask, flags, object,
			     offset, copy, cur_protection, max_protection,
			     inheritance);
	*address = place;
	return result;
}
