/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the programs in C++ share. */
#ifndef OBJECTS_H
#define OBJECTS_H

#include <IOKit/IOBufferMemoryDescriptor.h>

#include <sys/mman.h>

#include "check.h"

const vm_size_t page = 4096;

/* Memory that is mapped nowhere. */
inline IOBufferMemoryDescriptor *buffer(vm_size_t capacity)
{
	auto *made = IOBufferMemoryDescriptor::inTaskWithOptions(
		TASK_NULL, kIODirectionInOut | kIOMemoryPageable, capacity);

	CHECK(made);
	return made;
}

inline char *bytes(IOMemoryMap *map)
{
	return reinterpret_cast<char *>(map->getVirtualAddress());
}

inline bool is_mapped(void *address)
{
	unsigned char resident;

	return !mincore(address, page, &resident);
}

#endif
