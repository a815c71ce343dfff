/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Memory of its own. */
#ifndef _IOBUFFERMEMORYDESCRIPTOR_H
#define _IOBUFFERMEMORYDESCRIPTOR_H

#include <IOKit/IOMemoryDescriptor.h>

enum {
	kIOMemoryPhysicallyContiguous = 0x00000010,
	kIOMemoryPageable = 0x00000020,
	kIOMemoryPurgeable = 0x00000040,
	kIOMemoryKernelUserShared = 0x00010000
};

class IOBufferMemoryDescriptor : public IOMemoryDescriptor {
public:
	/* Not mapped with TASK_NULL. It begins with a page, whatever alignment. */
	static IOBufferMemoryDescriptor *
	inTaskWithOptions(task_t inTask, IOOptionBits options,
			  vm_size_t capacity, vm_offset_t alignment = 1)
	{
		const IOOptionBits known = kIODirectionInOut |
					   kIOMemoryPhysicallyContiguous |
					   kIOMemoryPageable | kIOMemoryPurgeable |
					   kIOMemoryKernelUserShared |
					   kIOMemoryMapperNone |
					   kIOMemoryThreadSafe;
		auto create = iomd::argument<iomd_buffer_create>();
		iomd::File client(iomd::client());

		if (options & ~known || alignment > vm_page_size)
			return nullptr;
		if (options & kIOMemoryPhysicallyContiguous)
			create.flags |= IOMD_BUFFER_CONTIGUOUS;
		if (options & kIOMemoryPageable)
			create.flags |= IOMD_BUFFER_SPARSE;
		create.length = capacity;
		if (!iomd::call(client.get(), IOMD_BUFFER_CREATE, create))
			return nullptr;
		auto *buffer = new IOBufferMemoryDescriptor(
			create.fd, options & kIODirectionInOut);
		if (inTask != TASK_NULL && !buffer->mapInto(inTask)) {
			buffer->release();
			return nullptr;
		}
		return buffer;
	}

	static IOBufferMemoryDescriptor *withOptions(IOOptionBits options,
						     vm_size_t capacity,
						     vm_offset_t alignment = 1)
	{
		return inTaskWithOptions(kernel_task, options, capacity,
					 alignment);
	}

	static IOBufferMemoryDescriptor *
	withCapacity(vm_size_t capacity, IODirection withDirection,
		     bool withContiguousMemory = false)
	{
		return withOptions(withDirection |
				   (withContiguousMemory ?
					    kIOMemoryPhysicallyContiguous : 0),
				   capacity);
	}

	static IOBufferMemoryDescriptor *
	withBytes(const void *bytes, vm_size_t withLength,
		  IODirection withDirection, bool withContiguousMemory = false)
	{
		auto *buffer = withCapacity(withLength, withDirection,
					    withContiguousMemory);

		if (buffer && buffer->writeBytes(0, bytes, withLength) !=
				      withLength)
			OSSafeReleaseNULL(buffer);
		return buffer;
	}

	/* Where the task has it that it was made for; null if there is none */
	virtual void *getBytesNoCopy()
	{
		return reinterpret_cast<void *>(own ? own->getAddress() : 0);
	}

	virtual void *getBytesNoCopy(vm_size_t start, vm_size_t withLength)
	{
		IOByteCount length = getLength();
		char *bytes = static_cast<char *>(getBytesNoCopy());

		if (!bytes || start > length || withLength > length - start)
			return nullptr;
		return bytes + start;
	}

	virtual vm_size_t getCapacity() const
	{
		return iomd::descriptor_info(descriptor).capacity;
	}

	virtual void setLength(vm_size_t length)
	{
		auto set = iomd::argument<iomd_set_length>();

		set.length = length;
		iomd::call(descriptor, IOMD_SET_LENGTH, set);
	}

	virtual bool appendBytes(const void *bytes, vm_size_t withLength)
	{
		IOByteCount before = getLength();

		if (withLength > getCapacity() - before)
			return false;
		setLength(before + withLength);
		return writeBytes(before, bytes, withLength) == withLength;
	}

	virtual void setDirection(IODirection direction)
	{
		this->direction = direction;
	}

	IODirection getDirection() const override
	{
		return direction;
	}

protected:
	IOBufferMemoryDescriptor(int fd, IODirection direction)
		: IOMemoryDescriptor(fd), direction(direction), own(nullptr)
	{
	}

	~IOBufferMemoryDescriptor() override
	{
		OSSafeReleaseNULL(own);
	}

private:
	/* The map is this object's, and so must not hold it. Nobody finds it. */
	bool mapInto(task_t task)
	{
		own = createMappingInTask(task, 0,
					  kIOMapAnywhere | kIOMapUnique);
		if (!own)
			return false;
		own->memory = nullptr;
		release();
		return true;
	}

	IODirection direction;
	IOMemoryMap *own;
};

#endif
