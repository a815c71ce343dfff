// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Memory entries: memory as a port, which other tasks can be given. Each is an
 * iomd descriptor.
 */
#include <errno.h>
#include <stdint.h>

#include <mach/mach_vm.h>
#include <mach/vm_map.h>
#include <mach/vm_page_size.h>

#include "internal.h"

#define KNOWN	(VM_PROT_ALL | MAP_MEM_NAMED_CREATE | MAP_MEM_VM_SHARE)

/* The same descriptor without the right to write; or -1 with errno. */
static int read_only(int descriptor)
{
	struct iomd_descriptor_reopen reopen = {
		.size = sizeof(reopen),
		.flags = IOMD_OPEN_READ_ONLY,
	};
	int error = iomd_call(descriptor, IOMD_DESCRIPTOR_REOPEN, &reopen);

	iomd_drop(descriptor);
	return error ? -1 : reopen.fd;
}

/* Each of these gives a descriptor; or -1 with errno. */
static int fresh(mach_vm_size_t size, bool writable)
{
	struct iomd_buffer_create buffer = {
		.size = sizeof(buffer),
		.flags = IOMD_BUFFER_SPARSE,
		.length = size,
	};
	int client = iomd_client_open();
	int error;

	if (client < 0)
		return -1;
	error = iomd_call(client, IOMD_BUFFER_CREATE, &buffer);
	iomd_drop(client);
	if (error)
		return -1;
	return writable ? buffer.fd : read_only(buffer.fd);
}

/* The memory that is there now, whatever the task does with its addresses. */
static int of_task(vm_map_t task, mach_vm_address_t address,
		   mach_vm_size_t size, bool writable)
{
	struct iomd_address_range range = { .address = address, .length = size };
	struct iomd_address_ranges_create create = {
		.size = sizeof(create),
		.ranges = (uintptr_t)&range,
		.count = 1,
		.direction = writable ? IOMD_DIRECTION_IN_OUT :
					IOMD_DIRECTION_OUT,
	};
	struct iomd_prepare prepare = { .size = sizeof(prepare) };
	int client = iomd_client_open();
	int error;

	if (client < 0)
		return -1;
	create.task = iomd_port_open(task);
	error = iomd_call(client, IOMD_ADDRESS_RANGES_CREATE, &create);
	iomd_drop(create.task);
	iomd_drop(client);
	if (error)
		return -1;
	if (iomd_call(create.fd, IOMD_PREPARE, &prepare)) {
		iomd_drop(create.fd);
		return -1;
	}
	return create.fd;
}

static int of_parent(mem_entry_name_port_t parent, mach_vm_size_t offset,
		     mach_vm_size_t size, bool writable)
{
	struct iomd_sub_create sub = {
		.size = sizeof(sub),
		.flags = writable ? 0 : IOMD_SUB_READ_ONLY,
		.offset = offset,
		.length = size,
	};
	struct iomd_descriptor_info info = { .size = sizeof(info) };
	int entry = iomd_port_open(parent);
	int error;

	error = iomd_call(entry, IOMD_DESCRIPTOR_INFO, &info);
	if (!error && writable && info.flags & IOMD_DESCRIPTOR_READ_ONLY) {
		errno = EACCES;
		error = -1;
	} else if (!error && (offset > info.length ||
			      size > info.length - offset)) {
		errno = EINVAL;
		error = -1;
	}
	if (!error)
		error = iomd_call(entry, IOMD_SUB_CREATE, &sub);
	iomd_drop(entry);
	return error ? -1 : sub.fd;
}

kern_return_t mach_make_memory_entry_64(vm_map_t target_task,
					memory_object_size_t *size,
					memory_object_offset_t offset,
					vm_prot_t permission,
					mem_entry_name_port_t *object_handle,
					mem_entry_name_port_t parent_handle)
{
	bool writable = permission & VM_PROT_WRITE;
	bool is_fresh = permission & MAP_MEM_NAMED_CREATE;
	memory_object_offset_t start = is_fresh ? 0 : mach_vm_trunc_page(offset);
	memory_object_offset_t end;
	int fd;

	if (permission & ~KNOWN || permission & VM_PROT_EXECUTE)
		return KERN_NOT_SUPPORTED;
	if (__builtin_add_overflow(is_fresh ? 0 : offset, *size, &end) ||
	    end > UINT64_MAX - vm_page_mask || !*size)
		return KERN_INVALID_ARGUMENT;
	end = mach_vm_round_page(end);

	if (is_fresh)
		fd = fresh(end - start, writable);
	else if (parent_handle != MACH_PORT_NULL)
		fd = of_parent(parent_handle, start, end - start, writable);
	else
		fd = of_task(target_task, start, end - start, writable);
	if (fd < 0)
		return iomd_kern_return(errno);
	*size = end - start;
	*object_handle = iomd_port_of(fd);
	return KERN_SUCCESS;
}

kern_return_t mach_make_memory_entry(vm_map_t target_task, vm_size_t *size,
				     vm_offset_t offset, vm_prot_t permission,
				     mem_entry_name_port_t *object_handle,
				     mem_entry_name_port_t parent_entry)
{
	memory_object_size_t wide = *size;
	kern_return_t result;

	result = mach_make_memory_entry_64(target_task, &wide, offset,
					   permission, object_handle,
					   parent_entry);
	*size = wide;
	return result;
}
