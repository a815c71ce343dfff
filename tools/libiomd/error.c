// SPDX-License-Identifier: MIT OR Apache-2.0
/* What went wrong, in Mach's words. */
#include <errno.h>
#include <stdio.h>

#include <mach/mach_error.h>

#include "internal.h"

kern_return_t iomd_kern_return(int error)
{
	switch (error) {
	case 0:
		return KERN_SUCCESS;
	case EFAULT:
		return KERN_INVALID_ADDRESS;
	case EACCES:
	case EPERM:
		return KERN_PROTECTION_FAILURE;
	case ENOSPC:
	case EEXIST:
		return KERN_NO_SPACE;
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return KERN_RESOURCE_SHORTAGE;
	case EIO:
	case ENODEV:
		return KERN_MEMORY_ERROR;
	case ETIMEDOUT:
		return KERN_OPERATION_TIMED_OUT;
	case EOPNOTSUPP:
	case ENOTTY:
		return KERN_NOT_SUPPORTED;
	case EBADF:
	case EINVAL:
	case EOVERFLOW:
	case ERANGE:
	case ESRCH:
		return KERN_INVALID_ARGUMENT;
	default:
		return KERN_FAILURE;
	}
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
	case KERN_MEMORY_ERROR:
		return "(os/kern) memory error";
	case KERN_INVALID_NAME:
		return "(os/kern) invalid name";
	case KERN_INVALID_RIGHT:
		return "(os/kern) invalid right";
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
