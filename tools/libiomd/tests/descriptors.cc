// SPDX-License-Identifier: MIT OR Apache-2.0
/* Memory descriptors: of a task's memory, of others, of their own. */
#include <IOKit/IOGuardPageMemoryDescriptor.h>
#include <IOKit/IOLib.h>
#include <IOKit/IOMultiMemoryDescriptor.h>
#include <IOKit/IOSubMemoryDescriptor.h>

#include <cstring>

#include "objects.hh"

static void memory_of_a_task()
{
	static char some[3 * 4096];
	auto *memory = IOMemoryDescriptor::withAddressRange(
		reinterpret_cast<mach_vm_address_t>(some + 100), page,
		kIODirectionInOut, kernel_task);
	char copy[6] = "";

	CHECK(memory && memory->getLength() == page);
	CHECK(memory->getDirection() == kIODirectionInOut);
	CHECK(memory->getPreparationID() == kIOPreparationIDUnprepared);
	CHECK(memory->prepare() == kIOReturnSuccess);
	CHECK(memory->getPreparationID() != kIOPreparationIDUnprepared);
	CHECK(memory->writeBytes(10, "bytes", 6) == 6);
	CHECK(!strcmp(some + 110, "bytes"));
	CHECK(memory->readBytes(10, copy, 6) == 6 && !strcmp(copy, "bytes"));
	CHECK(memory->readBytes(page - 2, copy, 6) == 0);
	IOMemoryMap *map = memory->map();
	CHECK(!strcmp(bytes(map) + 10, "bytes"));
	bytes(map)[10] = 'B';
	CHECK(!strcmp(some + 110, "Bytes"));
	map->release();
	CHECK(memory->complete() == kIOReturnSuccess);
	CHECK(memory->complete() == kIOReturnBadArgument);
	CHECK(IOFlushProcessorCache(kernel_task,
				    reinterpret_cast<IOVirtualAddress>(some),
				    sizeof(some)) == kIOReturnSuccess);

	auto *same = IOMemoryDescriptor::withPersistentMemoryDescriptor(memory);
	CHECK(same == memory);
	same->release();
	memory->release();
	CHECK(!IOMemoryDescriptor::withAddressRange(0, 0, kIODirectionIn,
						    kernel_task));
}

static void made_of_others()
{
	auto *one = buffer(page), *other = buffer(page);
	auto *guard = IOGuardPageMemoryDescriptor::withSize(page);
	IOMemoryDescriptor *parts[] = { one, guard, other };
	CHECK(!IOMultiMemoryDescriptor::withDescriptors(parts, 3,
							kIODirectionIn));
	auto *all = IOMultiMemoryDescriptor::withDescriptors(parts, 3,
							     kIODirectionInOut);
	CHECK(all && all->getLength() == 3 * page);
	auto *last = IOSubMemoryDescriptor::withSubRange(
		all, 2 * page, page, kIODirectionOut);
	CHECK(last);
	IOMemoryMap *map = all->map();
	strcpy(bytes(map) + 2 * page, "last");
	IOMemoryMap *reader = last->map(kIOMapReadOnly);
	CHECK(reader && !strcmp(bytes(reader), "last"));
	CHECK(!last->map());
	CHECK(!IOSubMemoryDescriptor::withSubRange(all, 2 * page, 2 * page,
						   kIODirectionOut));
	reader->release();
	map->release();
	last->release();
	all->release();
	guard->release();
	one->release();
	other->release();
}

static void properties()
{
	auto *memory = IOBufferMemoryDescriptor::withBytes("hello", 6,
							   kIODirectionOut);
	IOByteCount resident = 0, length;
	IOOptionBits state = 0;

	CHECK(memory && memory->getDirection() == kIODirectionOut);
	CHECK(OSDynamicCast(IOMemoryDescriptor, memory) == memory);
	CHECK(!strcmp(static_cast<char *>(memory->getBytesNoCopy()), "hello"));
	CHECK(memory->getBytesNoCopy(1, 5) ==
	      static_cast<char *>(memory->getBytesNoCopy()) + 1);
	CHECK(!memory->getBytesNoCopy(1, 6));
	memory->setLength(2);
	CHECK(memory->getLength() == 2 && memory->getCapacity() == 6);
	CHECK(memory->appendBytes("y", 2) && memory->getLength() == 4);
	CHECK(!strcmp(static_cast<char *>(memory->getBytesNoCopy()), "hey"));
	CHECK(!memory->appendBytes("xyz", 3));
	memory->setTag(42);
	CHECK(memory->getTag() == 42);
	CHECK(memory->getPageCounts(&resident, nullptr) == kIOReturnSuccess);
	CHECK(resident == 1);
	CHECK(memory->performOperation(kIOMemoryIncoherentIOFlush, 0, 4) ==
	      kIOReturnSuccess);
	CHECK(memory->setPurgeable(kIOMemoryPurgeableVolatile, &state) ==
	      kIOReturnSuccess);
	CHECK(state == kIOMemoryPurgeableNonVolatile);
	CHECK(memory->setPurgeable(kIOMemoryPurgeableNonVolatile, &state) ==
	      kIOReturnSuccess);
	CHECK(state == kIOMemoryPurgeableVolatile);

	IOMemoryMap *map = memory->map();
	CHECK(map->wireRange(kIODirectionIn, 0, 4) == kIOReturnSuccess);
	CHECK(map->wireRange(0, 0, 4) == kIOReturnSuccess);
	CHECK(map->getPhysicalAddress());
	CHECK(map->getPhysicalSegment(1, &length) ==
	      map->getPhysicalAddress() + 1);
	CHECK(length == 3);
	IOMemoryMap *record = memory->setMapping(kernel_task,
						 map->getAddress());
	CHECK(record && record->getAddress() == map->getAddress());
	record->release();
	CHECK(is_mapped(bytes(map)));
	map->release();
	memory->release();
	CHECK(!IOBufferMemoryDescriptor::withCapacity(0, kIODirectionIn));
}

int main()
{
	memory_of_a_task();
	made_of_others();
	properties();
	return 0;
}
