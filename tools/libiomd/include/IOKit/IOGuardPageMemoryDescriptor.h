/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Pages that nobody can access, to put between others. */
#ifndef _IOGUARDPAGEMEMORYDESCRIPTOR_H
#define _IOGUARDPAGEMEMORYDESCRIPTOR_H

#include <IOKit/IOMemoryDescriptor.h>

class IOGuardPageMemoryDescriptor : public IOMemoryDescriptor {
public:
	static IOGuardPageMemoryDescriptor *withSize(vm_size_t size)
	{
		auto create = iomd::argument<iomd_guard_create>();
		iomd::File client(iomd::client());

		create.length = size;
		if (!iomd::call(client.get(), IOMD_GUARD_CREATE, create))
			return nullptr;
		return new IOGuardPageMemoryDescriptor(create.fd);
	}

protected:
	explicit IOGuardPageMemoryDescriptor(int fd) : IOMemoryDescriptor(fd)
	{
	}
};

#endif
