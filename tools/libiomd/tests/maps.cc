// SPDX-License-Identifier: MIT OR Apache-2.0
/* Maps: shared where they can be, placed, redirected. */
#include <cstring>
#include <poll.h>
#include <string>
#include <thread>

#include "objects.hh"

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

int main()
{
	maps_are_shared_where_they_can_be();
	placed_and_guarded();
	redirected();
	return 0;
}
