// SPDX-License-Identifier: MIT OR Apache-2.0
/* What the processors' caches have of a task's memory, back in memory. */
#include <errno.h>

#include <IOKit/IOLib.h>

#include "internal.h"

IOReturn IOFlushProcessorCache(task_t task, IOVirtualAddress address,
			       IOByteCount length)
{
	struct iomd_flush_processor_cache flush = {
		.size = sizeof(flush),
		.address = address,
		.length = length,
	};
	int fd = iomd_port_open(task);
	int error;

	if (fd < 0)
		return kIOReturnBadArgument;
	error = iomd_call(fd, IOMD_FLUSH_PROCESSOR_CACHE, &flush);
	iomd_drop(fd);
	return error ? iomd_io_return(errno) : kIOReturnSuccess;
}
