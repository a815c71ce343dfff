// SPDX-License-Identifier: MIT OR Apache-2.0
/* What went wrong, in Mach's words. */
#include <errno.h>
#include <stdio.h>

#include <IOKit/IOReturn.h>
#include <mach/mach_error.h>

#include "internal.h"

struct meaning {
	int error;
	kern_return_t mach;
	IOReturn io_kit;
};

/* As Documentation/uapi.rst has it. */
static const struct meaning meanings[] = {
	{ E2BIG, KERN_NOT_SUPPORTED, kIOReturnUnsupported },
	{ EACCES, KERN_PROTECTION_FAILURE, kIOReturnNotWritable },
	{ EBADF, KERN_INVALID_RIGHT, kIOReturnBadArgument },
	{ EBUSY, KERN_FAILURE, kIOReturnBusy },
	{ EEXIST, KERN_NO_SPACE, kIOReturnNoSpace },
	{ EFAULT, KERN_INVALID_ADDRESS, kIOReturnVMError },
	{ EINTR, KERN_ABORTED, kIOReturnAborted },
	{ EINVAL, KERN_INVALID_ARGUMENT, kIOReturnBadArgument },
	{ EIO, KERN_MEMORY_ERROR, kIOReturnVMError },
	{ EMFILE, KERN_RESOURCE_SHORTAGE, kIOReturnNoResources },
	{ ENFILE, KERN_RESOURCE_SHORTAGE, kIOReturnNoResources },
	{ ENODATA, KERN_MEMORY_ERROR, kIOReturnVMError },
	{ ENODEV, KERN_TERMINATED, kIOReturnNotAttached },
	{ ENOENT, KERN_INVALID_NAME, kIOReturnNotFound },
	{ ENOMEM, KERN_RESOURCE_SHORTAGE, kIOReturnNoMemory },
	{ ENOSPC, KERN_NO_SPACE, kIOReturnNoSpace },
	{ ENOTTY, KERN_NOT_SUPPORTED, kIOReturnUnsupported },
	{ EOPNOTSUPP, KERN_NOT_SUPPORTED, kIOReturnUnsupported },
	{ EOVERFLOW, KERN_INVALID_ARGUMENT, kIOReturnBadArgument },
	{ EPERM, KERN_NO_ACCESS, kIOReturnNotPermitted },
	{ ERANGE, KERN_INVALID_ADDRESS, kIOReturnOverrun },
	{ ESRCH, KERN_TERMINATED, kIOReturnNotAttached },
	{ ETIMEDOUT, KERN_OPERATION_TIMED_OUT, kIOReturnTimeout },
	/* Any other. */
	{ 0, KERN_FAILURE, kIOReturnError },
};

static const struct meaning *meaning_of(int error)
{
	const struct meaning *meaning = meanings;

	while (meaning->error && meaning->error != error)
		meaning++;
	return meaning;
}

kern_return_t iomd_kern_return(int error)
{
	return meaning_of(error)->mach;
}

IOReturn iomd_io_return(int error)
{
	return meaning_of(error)->io_kit;
}

static const char *text(mach_error_t error)
{
	switch (error) {
	case KERN_SUCCESS:
		return "(os/kern) successful";
	case KERN_INVALID_ADDRESS:
		return "(os/kern) invalid address";
	case KERN_PROTECTION_FAILURE:
		return "(os/kern) protection failure";
	case KERN_NO_SPACE:
		return "(os/kern) no space available";
	case KERN_INVALID_ARGUMENT:
		return "(os/kern) invalid argument";
	case KERN_FAILURE:
		return "(os/kern) failure";
	case KERN_RESOURCE_SHORTAGE:
		return "(os/kern) resource shortage";
	case KERN_NO_ACCESS:
		return "(os/kern) no access";
	case KERN_MEMORY_ERROR:
		return "(os/kern) memory error";
	case KERN_INVALID_NAME:
		return "(os/kern) invalid name";
	case KERN_INVALID_RIGHT:
		return "(os/kern) invalid right";
	case KERN_TERMINATED:
		return "(os/kern) object terminated";
	case KERN_NOT_SUPPORTED:
		return "(os/kern) not supported";
	case KERN_OPERATION_TIMED_OUT:
		return "(os/kern) operation timed out";
	default:
		return "unknown error code";
	}
}

char *mach_error_string(mach_error_t error_value)
{
	/* Nobody may write it; on macOS it is no more constant than this. */
	return (char *)text(error_value);
}

void mach_error(const char *str, mach_error_t error_value)
{
	fprintf(stderr, "%s %s\n", str, text(error_value));
}
