/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Memory, and maps of it. Documentation/libiomd.rst says what is supported. */
#ifndef _IOMEMORYDESCRIPTOR_H
#define _IOMEMORYDESCRIPTOR_H

#include <IOKit/IOTypes.h>
#include <libkern/c++/OSObject.h>

#include <mutex>
#include <vector>

class IOMemoryMap;

enum {
	kIODirectionNone = 0,
	kIODirectionIn = 1,
	kIODirectionOut = 2,
	kIODirectionOutIn = kIODirectionOut | kIODirectionIn,
	kIODirectionInOut = kIODirectionIn | kIODirectionOut
};

typedef IOOptionBits IODirection;

enum {
	kIOMemoryDirectionMask = 0x00000007,
	kIOMemoryAsReference = 0x00000100,
	kIOMemoryMapperNone = 0x00000800,
	kIOMemoryPersistent = 0x00010000,
	kIOMemoryThreadSafe = 0x00100000
};

enum {
	kIOMemoryPurgeableKeepCurrent = 1,
	kIOMemoryPurgeableNonVolatile = 2,
	kIOMemoryPurgeableVolatile = 3,
	kIOMemoryPurgeableEmpty = 4
};

enum {
	kIOMemoryIncoherentIOFlush = 1,
	kIOMemoryIncoherentIOStore = 2
};

enum {
	kIOPreparationIDUnprepared = 0
};

class IOMemoryDescriptor : public OSObject {
	friend class IOMemoryMap;
	friend class IOMultiMemoryDescriptor;
	friend class IOSubMemoryDescriptor;

public:
	static IOMemoryDescriptor *withAddress(void *address, IOByteCount withLength,
					       IODirection withDirection);
	static IOMemoryDescriptor *withAddressRange(mach_vm_address_t address,
						    mach_vm_size_t length,
						    IOOptionBits options,
						    task_t task);
	static IOMemoryDescriptor *withAddressRanges(IOAddressRange *ranges,
						     UInt32 rangeCount,
						     IOOptionBits options,
						     task_t task);
	static IOMemoryDescriptor *withPhysicalAddress(IOPhysicalAddress address,
						       IOByteCount withLength,
						       IODirection withDirection);
	static IOMemoryDescriptor *
	withPersistentMemoryDescriptor(IOMemoryDescriptor *originalMD);

	virtual IOMemoryMap *createMappingInTask(task_t intoTask,
						 mach_vm_address_t atAddress,
						 IOOptionBits options,
						 mach_vm_size_t offset = 0,
						 mach_vm_size_t length = 0);
	virtual IOMemoryMap *map(IOOptionBits options = 0);
	virtual IOMemoryMap *setMapping(task_t task, IOVirtualAddress mapAddress,
					IOOptionBits options = 0);
	virtual IOReturn redirect(task_t safeTask, bool doRedirect);

	virtual IOReturn prepare(IODirection forDirection = kIODirectionNone);
	virtual IOReturn complete(IODirection forDirection = kIODirectionNone);

	virtual IOByteCount readBytes(IOByteCount offset, void *bytes,
				      IOByteCount withLength);
	virtual IOByteCount writeBytes(IOByteCount offset, const void *bytes,
				       IOByteCount withLength);

	virtual IOByteCount getLength() const;
	virtual IODirection getDirection() const;
	virtual void setTag(IOOptionBits tag);
	virtual IOOptionBits getTag();
	virtual uint64_t getPreparationID();
	IOReturn getPageCounts(IOByteCount *residentPageCount,
			       IOByteCount *dirtyPageCount);
	virtual IOReturn setPurgeable(IOOptionBits newState,
				      IOOptionBits *oldState);
	virtual IOReturn performOperation(IOOptionBits options,
					  IOByteCount offset,
					  IOByteCount length);

	/* libiomd's own: it stays the descriptor's, and closes with it */
	int getFileDescriptor() const
	{
		return descriptor;
	}

protected:
	/* The file descriptor is the object's from then on. */
	explicit IOMemoryDescriptor(int fd) : descriptor(fd)
	{
	}

	~IOMemoryDescriptor() override;

	IOMemoryMap *existing(int task, mach_vm_address_t atAddress,
			      IOOptionBits options, mach_vm_size_t offset,
			      mach_vm_size_t length);
	IOMemoryMap *create(int task, mach_vm_address_t atAddress,
			    IOOptionBits options, mach_vm_size_t offset,
			    mach_vm_size_t length);
	bool find(uint64_t id, IOMemoryMap *&map);

	int descriptor;

private:
	/* Maps that can be shared, by their ids: without references to them. */
	std::mutex lock;
	std::vector<std::pair<uint64_t, IOMemoryMap *>> maps;
};

class IOMemoryMap : public OSObject {
	friend class IOBufferMemoryDescriptor;
	friend class IOMemoryDescriptor;

public:
	virtual IOVirtualAddress getVirtualAddress();
	virtual mach_vm_address_t getAddress();
	virtual IOByteCount getLength();
	virtual mach_vm_size_t getSize();
	virtual IOOptionBits getMapOptions();
	virtual task_t getAddressTask();
	virtual IOMemoryDescriptor *getMemoryDescriptor();
	virtual IOPhysicalAddress getPhysicalAddress();
	virtual addr64_t getPhysicalSegment(IOByteCount offset,
					    IOByteCount *length,
					    IOOptionBits options = 0);
	virtual IOReturn unmap();
	virtual IOReturn redirect(IOMemoryDescriptor *newBackingMemory,
				  IOOptionBits options,
				  mach_vm_size_t offset = 0);
	IOReturn wireRange(uint32_t options, mach_vm_size_t offset,
			   mach_vm_size_t length);

	/* DriverKit's names */
	uint64_t GetAddress()
	{
		return getAddress();
	}

	uint64_t GetLength()
	{
		return getLength();
	}

	uint64_t GetOffset();

	/* libiomd's own: it stays the map's, and closes with it */
	int getFileDescriptor() const
	{
		return handle;
	}

protected:
	/* Whose the mapping is: the object that made it unmaps it. */
	enum Kind { kMade, kShared };

	IOMemoryMap(IOMemoryDescriptor *memory, task_t task, int fd, Kind kind)
		: memory(memory), larger(nullptr), task(task), handle(fd),
		  kind(kind), id(0)
	{
	}

	~IOMemoryMap() override;
	void free() override;

	/* Held while the memory is another. */
	std::mutex switching;
	IOMemoryDescriptor *memory;
	/* The map that this one is a part of. */
	IOMemoryMap *larger;
	task_t task;
	int handle;
	Kind kind;
	/* Under which the descriptor knows it; 0 for not at all. */
	uint64_t id;
};

#include <IOKit/iomd/descriptor.h>
#include <IOKit/iomd/map.h>

#endif
