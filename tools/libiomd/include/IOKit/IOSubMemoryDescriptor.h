/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A range of other memory. */
#ifndef _IOSUBMEMORYDESCRIPTOR_H
#define _IOSUBMEMORYDESCRIPTOR_H

#include <IOKit/IOMemoryDescriptor.h>

class IOSubMemoryDescriptor : public IOMemoryDescriptor {
public:
	/* What is for devices to read only is read-only. */
	static IOSubMemoryDescriptor *withSubRange(IOMemoryDescriptor *of,
						   IOByteCount offset,
						   IOByteCount length,
						   IOOptionBits options)
	{
		auto create = iomd::argument<iomd_sub_create>();

		create.flags = (options & kIODirectionInOut) == kIODirectionOut ?
				       IOMD_SUB_READ_ONLY : 0;
		create.offset = offset;
		create.length = length;
		if (options & ~kIODirectionInOut || !length ||
		    !iomd::call(of->descriptor, IOMD_SUB_CREATE, create))
			return nullptr;
		return new IOSubMemoryDescriptor(create.fd);
	}

protected:
	explicit IOSubMemoryDescriptor(int fd) : IOMemoryDescriptor(fd)
	{
	}
};

#endif
