/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How IOMemoryDescriptor makes maps, and IOMemoryMap's methods. Not for programs. */
#ifndef IOKIT_IOMD_MAP_H
#define IOKIT_IOMD_MAP_H

#include <IOKit/iomd/call.h>
#include <sys/mman.h>

#include <algorithm>

namespace iomd {

/* All zeros if it cannot be told. */
inline iomd_map_info map_info(int map)
{
	auto info = argument<iomd_map_info>();

	call(map, IOMD_MAP_INFO, info);
	return info;
}

} // namespace iomd

inline IOMemoryMap *
IOMemoryDescriptor::createMappingInTask(task_t intoTask,
					mach_vm_address_t atAddress,
					IOOptionBits options,
					mach_vm_size_t offset,
					mach_vm_size_t length)
{
	/* Nobody finds a map before this object knows of it. */
	std::lock_guard<std::mutex> guard(lock);
	iomd::File task(fileport_makefd(intoTask));
	IOMemoryMap *found = nullptr;

	if (task.get() < 0)
		return nullptr;
	errno = ENOENT;
	if (!(options & kIOMapUnique) ||
	    options & (kIOMapReference | kIOMapStatic))
		found = existing(task.get(), atAddress, options, offset, length);
	if (!found && errno == ENOENT &&
	    !(options & (kIOMapReference | kIOMapStatic)))
		found = create(task.get(), atAddress, options, offset, length);
	if (found)
		found->task = intoTask;
	return found;
}

inline IOMemoryMap *IOMemoryDescriptor::map(IOOptionBits options)
{
	return createMappingInTask(kernel_task, 0, options | kIOMapAnywhere);
}

inline IOMemoryMap *IOMemoryDescriptor::setMapping(task_t task,
						   IOVirtualAddress mapAddress,
						   IOOptionBits options)
{
	return createMappingInTask(task, mapAddress, options | kIOMapStatic);
}

/*
 * The map of that id with one more reference, or null if it is not this object's;
 * false if it is just going away.
 */
inline bool IOMemoryDescriptor::find(uint64_t id, IOMemoryMap *&map)
{
	map = nullptr;
	for (auto &known : maps) {
		if (known.first != id)
			continue;
		if (!known.second->retainIfHeld())
			return false;
		map = known.second;
	}
	return true;
}

/* A map that the task has; null, with errno, if none will do. */
inline IOMemoryMap *IOMemoryDescriptor::existing(int task,
						 mach_vm_address_t atAddress,
						 IOOptionBits options,
						 mach_vm_size_t offset,
						 mach_vm_size_t length)
{
	auto existing = iomd::argument<iomd_map_existing>();

	existing.options = options;
	existing.task = task;
	existing.offset = offset;
	existing.length = length;
	existing.address = mach_vm_trunc_page(atAddress);
	if (!iomd::call(descriptor, IOMD_MAP_EXISTING, existing))
		return nullptr;
	iomd::File file(existing.fd);
	IOMemoryMap *same, *larger = nullptr;
	bool there = find(existing.id, same);
	if (there && !same)
		there = find(iomd::map_info(file.get()).part_of, larger);
	if (!there) {
		errno = ENOENT;
		return nullptr;
	}
	if (same)
		return same;
	auto *map = new IOMemoryMap(this, TASK_NULL, file.take(),
				    IOMemoryMap::kShared);
	map->larger = larger;
	retain();
	return map;
}

inline IOMemoryMap *IOMemoryDescriptor::create(int task,
					       mach_vm_address_t atAddress,
					       IOOptionBits options,
					       mach_vm_size_t offset,
					       mach_vm_size_t length)
{
	auto create = iomd::argument<iomd_map_create>();
	auto into = iomd::argument<iomd_map_into_task>();

	create.options = options;
	create.inheritance = IOMD_INHERIT_NONE;
	create.offset = offset;
	create.length = length;
	if (!iomd::call(descriptor, IOMD_MAP_CREATE, create))
		return nullptr;
	iomd::File file(create.fd);
	into.task = task;
	if (!(options & kIOMapAnywhere)) {
		into.flags = IOMD_INTO_TASK_FIXED;
		into.address = atAddress -
			       iomd::map_info(file.get()).page_offset;
	}
	if (!iomd::call(file.get(), IOMD_MAP_INTO_TASK, into))
		return nullptr;
	auto *map = new IOMemoryMap(this, TASK_NULL, file.take(),
				    IOMemoryMap::kMade);
	retain();
	if (!(options & kIOMapUnique)) {
		map->id = create.id;
		maps.push_back({ create.id, map });
	}
	return map;
}

inline IOMemoryMap::~IOMemoryMap()
{
	if (kind == kMade)
		unmap();
	close(handle);
	if (larger)
		larger->release();
	if (memory)
		memory->release();
}

inline void IOMemoryMap::free()
{
	if (id) {
		std::lock_guard<std::mutex> guard(memory->lock);
		auto &maps = memory->maps;

		maps.erase(std::remove(maps.begin(), maps.end(),
				       std::make_pair(id, this)),
			   maps.end());
	}
	OSObject::free();
}

inline mach_vm_address_t IOMemoryMap::getAddress()
{
	iomd_map_info info = iomd::map_info(handle);

	return info.address ? info.address + info.page_offset : 0;
}

inline IOVirtualAddress IOMemoryMap::getVirtualAddress()
{
	return getAddress();
}

inline IOByteCount IOMemoryMap::getLength()
{
	return iomd::map_info(handle).length;
}

inline mach_vm_size_t IOMemoryMap::getSize()
{
	return getLength();
}

inline IOOptionBits IOMemoryMap::getMapOptions()
{
	return iomd::map_info(handle).options;
}

inline uint64_t IOMemoryMap::GetOffset()
{
	return iomd::map_info(handle).offset;
}

inline task_t IOMemoryMap::getAddressTask()
{
	return iomd::map_info(handle).task ? task : TASK_NULL;
}

inline IOMemoryDescriptor *IOMemoryMap::getMemoryDescriptor()
{
	std::lock_guard<std::mutex> guard(switching);

	return memory;
}

inline IOPhysicalAddress IOMemoryMap::getPhysicalAddress()
{
	return getPhysicalSegment(0, nullptr);
}

inline addr64_t IOMemoryMap::getPhysicalSegment(IOByteCount offset,
						IOByteCount *length,
						IOOptionBits)
{
	auto segment = iomd::argument<iomd_map_segment>();

	segment.offset = offset;
	if (!iomd::call(handle, IOMD_MAP_SEGMENT, segment))
		segment.address = segment.length = 0;
	if (length)
		*length = segment.length;
	return segment.address;
}

/*
 * The kernel ends the mapping and leaves its addresses reserved. Those in this
 * task are given back, and those of its guards.
 */
inline IOReturn IOMemoryMap::unmap()
{
	auto unmap = iomd::argument<iomd_unmap>();
	iomd_map_info info = iomd::map_info(handle);
	bool ours = kind == kMade && task == mach_task_self() && info.address;
	uint64_t guard = info.options & kIOMapGuardedLarge ? 64 << 10 :
			 info.options & kIOMapGuardedSmall ? vm_page_size : 0;

	if (!iomd::call(handle, IOMD_UNMAP, unmap))
		return iomd_io_return(errno);
	if (ours)
		munmap(reinterpret_cast<void *>(info.address - guard),
		       info.mapped_size + 2 * guard);
	return kIOReturnSuccess;
}

inline IOReturn IOMemoryMap::redirect(IOMemoryDescriptor *newBackingMemory,
				      IOOptionBits options,
				      mach_vm_size_t offset)
{
	auto redirect = iomd::argument<iomd_redirect>();

	redirect.options = options;
	redirect.descriptor = newBackingMemory ? newBackingMemory->descriptor :
						 IOMD_NO_DESCRIPTOR;
	redirect.offset = offset;
	std::lock_guard<std::mutex> guard(switching);
	if (!iomd::call(handle, IOMD_REDIRECT, redirect))
		return iomd_io_return(errno);
	if (newBackingMemory) {
		newBackingMemory->retain();
		memory->release();
		memory = newBackingMemory;
	}
	return kIOReturnSuccess;
}

inline IOReturn IOMemoryMap::wireRange(uint32_t options, mach_vm_size_t offset,
				       mach_vm_size_t length)
{
	auto wire = iomd::argument<iomd_map_wire>();

	wire.direction = options & kIODirectionInOut;
	wire.offset = offset;
	wire.length = length;
	return iomd::result(iomd::call(handle, IOMD_MAP_WIRE, wire));
}

#endif
