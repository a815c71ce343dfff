/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Other memory, one after the other. */
#ifndef _IOMULTIMEMORYDESCRIPTOR_H
#define _IOMULTIMEMORYDESCRIPTOR_H

#include <IOKit/IOMemoryDescriptor.h>

class IOMultiMemoryDescriptor : public IOMemoryDescriptor {
public:
	static IOMultiMemoryDescriptor *
	withDescriptors(IOMemoryDescriptor **descriptors, UInt32 withCount,
			IODirection withDirection, bool = false)
	{
		auto create = iomd::argument<iomd_multi_create>();
		iomd::File client(iomd::client());
		std::vector<int> files;

		for (UInt32 i = 0; i < withCount; i++) {
			if (descriptors[i]->getDirection() != withDirection)
				return nullptr;
			files.push_back(descriptors[i]->descriptor);
		}
		create.descriptors = reinterpret_cast<uintptr_t>(files.data());
		create.count = withCount;
		if (!iomd::call(client.get(), IOMD_MULTI_CREATE, create))
			return nullptr;
		return new IOMultiMemoryDescriptor(create.fd);
	}

protected:
	explicit IOMultiMemoryDescriptor(int fd) : IOMemoryDescriptor(fd)
	{
	}
};

#endif
