// SPDX-License-Identifier: MIT OR Apache-2.0
/* Memory descriptors and maps, as a driver uses them. */
#include <IOKit/IOBufferMemoryDescriptor.h>
#include <IOKit/IOGuardPageMemoryDescriptor.h>
#include <IOKit/IOLib.h>
#include <IOKit/IOMultiMemoryDescriptor.h>
#include <IOKit/IOSubMemoryDescriptor.h>

#include <csignal>
#include <cstring>
#include <poll.h>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>

#include "check.h"

static const vm_size_t page = 4096;

static IOBufferMemoryDescriptor *buffer(vm_size_t capacity)
{
	auto *made = IOBufferMemoryDescriptor::inTaskWithOptions(
		TASK_NULL, kIODirectionInOut | kIOMemoryPageable, capacity);

	CHECK(made);
	return made;
}

static char *bytes(IOMemoryMap *map)
{
	return reinterpret_cast<char *>(map->getVirtualAddress());
}

static bool is_mapped(void *address)
{
	unsigned char resident;

	return !mincore(address, page, &resident);
}

static void maps_are_shared_where_they_can_be()
{
	auto *memory = buffer(4 * page);
	IOMemoryMap *whole = memory->map();
	IOMemoryMap *again = memory->map();
	IOMemoryMap *part = memory->createMappingInTask(
		kernel_task, 0, kIOMapAnywhere, page, 2 * page);
	IOMemoryMap *unique = memory->createMappingInTask(
		kernel_task, 0, kIOMapAnywhere | kIOMapUnique);
	IOMemoryMap *reader = memory->map(kIOMapReadOnly);
	char *start = bytes(whole);

	CHECK(whole && again == whole && whole->getRetainCount() >= 2);
	CHECK(bytes(part) == start + page);
	CHECK(part->getLength() == 2 * page && part->GetOffset() == page);
	CHECK(part->getMapOptions() & kIOMapStatic);
	CHECK(unique != whole && bytes(unique) != start);
	CHECK(reader != whole && reader->getMapOptions() & kIOMapReadOnly);
	strcpy(start + page, "shared");
	CHECK(!strcmp(bytes(unique) + page, "shared"));
	CHECK(!strcmp(bytes(reader) + page, "shared"));
	CHECK(whole->getMemoryDescriptor() == memory);
	CHECK(whole->getAddressTask() == kernel_task);
	CHECK(whole->getSize() == 4 * page);
	CHECK(whole->GetAddress() == whole->getAddress());

	/* Refused: none like it; beyond the end; a place that is taken. */
	CHECK(!memory->createMappingInTask(
		kernel_task, 0, kIOMapAnywhere | kIOMapReference |
					kIOMapGuardedSmall));
	CHECK(!memory->createMappingInTask(kernel_task, 0, kIOMapAnywhere, page,
					   4 * page));
	CHECK(!memory->createMappingInTask(
		kernel_task, whole->getAddress(), kIOMapReadOnly));
	CHECK(!memory->map(kIOMapWriteThruCache));

	/* The part keeps the whole. */
	whole->release();
	again->release();
	strcpy(start + page, "kept");
	CHECK(!strcmp(bytes(reader) + page, "kept"));
	part->release();
	CHECK(!is_mapped(start));
	memory->release();
	CHECK(!strcmp(bytes(unique) + page, "kept"));
	unique->release();
	reader->release();
}

static void placed_and_guarded()
{
	auto *memory = buffer(2 * page);
	mach_vm_address_t place = 0x700000000000;
	IOMemoryMap *map = memory->createMappingInTask(kernel_task, place, 0);
	IOMemoryMap *same = memory->createMappingInTask(
		kernel_task, place + page, 0, page, page);
	IOMemoryMap *guarded = memory->createMappingInTask(
		kernel_task, 0, kIOMapAnywhere | kIOMapGuardedSmall |
					kIOMapPrefault);
	char *start = bytes(guarded);

	CHECK(map && map->getAddress() == place);
	CHECK(same && same->getAddress() == place + page);
	CHECK(is_mapped(start - page) && is_mapped(start + 2 * page));
	guarded->release();
	CHECK(!is_mapped(start - page) && !is_mapped(start) &&
	      !is_mapped(start + 2 * page));

	CHECK(map->unmap() == kIOReturnSuccess);
	CHECK(map->unmap() == kIOReturnSuccess);
	CHECK(!map->getAddress() && map->getLength() == 2 * page);
	CHECK(!map->getAddressTask());
	CHECK(!is_mapped(reinterpret_cast<void *>(place)));
	same->release();
	map->release();
	memory->release();
}

static void redirected()
{
	auto *before = buffer(page), *after = buffer(2 * page);
	IOMemoryMap *map = before->createMappingInTask(
		kernel_task, 0, kIOMapAnywhere | kIOMapUnique);
	IOMemoryMap *common = before->map();
	char *start = bytes(map);

	strcpy(start, "before");
	CHECK(after->writeBytes(page, "after", 6) == 6);
	CHECK(map->redirect(after, 0, page) == kIOReturnSuccess);
	CHECK(!strcmp(start, "after"));
	CHECK(!strcmp(bytes(common), "before"));
	CHECK(map->getMemoryDescriptor() == after && map->GetOffset() == page);
	CHECK(map->redirect(after, 0, 2 * page) == kIOReturnOverrun);
	CHECK(common->redirect(after, 0) == kIOReturnNotPermitted);
	CHECK(common->getMemoryDescriptor() == before);

	/* Whoever reads it meanwhile waits; then he sees the new memory. */
	CHECK(map->redirect(nullptr, 0) == kIOReturnSuccess);
	std::string seen;
	std::thread reader([&] { seen = start; });
	struct pollfd waits = { map->getFileDescriptor(), POLLIN, 0 };
	CHECK(poll(&waits, 1, -1) == 1);
	CHECK(before->writeBytes(0, "then", 5) == 5);
	CHECK(map->redirect(before, 0) == kIOReturnSuccess);
	reader.join();
	CHECK(seen == "then");

	/* The other form: all maps but those of a safe task. */
	CHECK(before->redirect(kernel_task, true) == kIOReturnSuccess);
	CHECK(!strcmp(bytes(common), "then"));
	CHECK(before->redirect(kernel_task, false) == kIOReturnSuccess);
	map->release();
	common->release();
	before->release();
	after->release();
}

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
	maps_are_shared_where_they_can_be();
	placed_and_guarded();
	redirected();
	memory_of_a_task();
	made_of_others();
	properties();
	return 0;
}
