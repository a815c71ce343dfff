/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* IOMemoryDescriptor's methods. Not for programs. */
#ifndef IOKIT_IOMD_DESCRIPTOR_H
#define IOKIT_IOMD_DESCRIPTOR_H

#include <IOKit/iomd/call.h>

inline IOMemoryDescriptor::~IOMemoryDescriptor()
{
	close(descriptor);
}

inline IOMemoryDescriptor *
IOMemoryDescriptor::withAddress(void *address, IOByteCount withLength,
				IODirection withDirection)
{
	return withAddressRange(reinterpret_cast<mach_vm_address_t>(address),
				withLength, withDirection, kernel_task);
}

inline IOMemoryDescriptor *
IOMemoryDescriptor::withAddressRange(mach_vm_address_t address,
				     mach_vm_size_t length,
				     IOOptionBits options, task_t task)
{
	IOAddressRange range = { address, length };

	return withAddressRanges(&range, 1, options, task);
}

inline IOMemoryDescriptor *
IOMemoryDescriptor::withAddressRanges(IOAddressRange *ranges, UInt32 rangeCount,
				      IOOptionBits options, task_t task)
{
	const IOOptionBits known = kIODirectionInOut | kIOMemoryAsReference |
				   kIOMemoryMapperNone | kIOMemoryPersistent |
				   kIOMemoryThreadSafe;
	auto create = iomd::argument<iomd_address_ranges_create>();

	static_assert(sizeof(IOAddressRange) == sizeof(iomd_address_range),
		      "they are the same");
	if (options & ~known)
		return nullptr;
	if (task == TASK_NULL && rangeCount == 1)
		return withPhysicalAddress(ranges->address, ranges->length,
					   options & kIOMemoryDirectionMask);
	iomd::File client(iomd::client()), owner(fileport_makefd(task));
	create.ranges = reinterpret_cast<uintptr_t>(ranges);
	create.count = rangeCount;
	create.direction = options & kIOMemoryDirectionMask;
	create.task = owner.get();
	if (!iomd::call(client.get(), IOMD_ADDRESS_RANGES_CREATE, create))
		return nullptr;
	return new IOMemoryDescriptor(create.fd);
}

inline IOMemoryDescriptor *
IOMemoryDescriptor::withPhysicalAddress(IOPhysicalAddress address,
					IOByteCount withLength,
					IODirection withDirection)
{
	auto create = iomd::argument<iomd_physical_create>();
	iomd::File client(iomd::client());

	create.address = address;
	create.length = withLength;
	create.direction = withDirection;
	if (!iomd::call(client.get(), IOMD_PHYSICAL_CREATE, create))
		return nullptr;
	return new IOMemoryDescriptor(create.fd);
}

inline IOMemoryDescriptor *
IOMemoryDescriptor::withPersistentMemoryDescriptor(IOMemoryDescriptor *originalMD)
{
	auto reopen = iomd::argument<iomd_descriptor_reopen>();
	auto before = iomd::argument<iomd_descriptor_info>();
	auto after = iomd::argument<iomd_descriptor_info>();

	reopen.flags = IOMD_REOPEN_PERSISTENT;
	if (!iomd::call(originalMD->descriptor, IOMD_DESCRIPTOR_REOPEN, reopen))
		return nullptr;
	iomd::File file(reopen.fd);
	if (!iomd::call(originalMD->descriptor, IOMD_DESCRIPTOR_INFO, before) ||
	    !iomd::call(file.get(), IOMD_DESCRIPTOR_INFO, after))
		return nullptr;
	if (before.id != after.id)
		return new IOMemoryDescriptor(file.take());
	originalMD->retain();
	return originalMD;
}

inline IOReturn IOMemoryDescriptor::redirect(task_t safeTask, bool doRedirect)
{
	auto suspend = iomd::argument<iomd_descriptor_suspend>();
	auto resume = iomd::argument<iomd_descriptor_resume>();

	if (safeTask != TASK_NULL && safeTask != mach_task_self())
		return kIOReturnUnsupported;
	if (!doRedirect)
		return iomd::result(iomd::call(descriptor,
					       IOMD_DESCRIPTOR_RESUME, resume));
	suspend.flags = safeTask ? IOMD_SUSPEND_SPARE_CALLER : 0;
	return iomd::result(iomd::call(descriptor, IOMD_DESCRIPTOR_SUSPEND,
				       suspend));
}

inline IOReturn IOMemoryDescriptor::prepare(IODirection forDirection)
{
	auto prepare = iomd::argument<iomd_prepare>();

	prepare.direction = forDirection;
	return iomd::result(iomd::call(descriptor, IOMD_PREPARE, prepare));
}

inline IOReturn IOMemoryDescriptor::complete(IODirection)
{
	auto complete = iomd::argument<iomd_complete>();

	return iomd::result(iomd::call(descriptor, IOMD_COMPLETE, complete));
}

inline IOByteCount IOMemoryDescriptor::readBytes(IOByteCount offset, void *bytes,
						 IOByteCount withLength)
{
	auto read = iomd::argument<iomd_read_bytes>();

	read.offset = offset;
	read.length = withLength;
	read.address = reinterpret_cast<uintptr_t>(bytes);
	return iomd::call(descriptor, IOMD_READ_BYTES, read) ? read.done : 0;
}

inline IOByteCount IOMemoryDescriptor::writeBytes(IOByteCount offset,
						  const void *bytes,
						  IOByteCount withLength)
{
	auto write = iomd::argument<iomd_write_bytes>();

	write.offset = offset;
	write.length = withLength;
	write.address = reinterpret_cast<uintptr_t>(bytes);
	return iomd::call(descriptor, IOMD_WRITE_BYTES, write) ? write.done : 0;
}

namespace iomd {

/* All zeros if it cannot be told. */
inline iomd_descriptor_info descriptor_info(int descriptor)
{
	auto info = argument<iomd_descriptor_info>();

	call(descriptor, IOMD_DESCRIPTOR_INFO, info);
	return info;
}

} // namespace iomd

inline IOByteCount IOMemoryDescriptor::getLength() const
{
	return iomd::descriptor_info(descriptor).length;
}

inline IODirection IOMemoryDescriptor::getDirection() const
{
	return iomd::descriptor_info(descriptor).direction;
}

inline IOOptionBits IOMemoryDescriptor::getTag()
{
	return iomd::descriptor_info(descriptor).tag;
}

inline uint64_t IOMemoryDescriptor::getPreparationID()
{
	return iomd::descriptor_info(descriptor).preparation_id;
}

inline void IOMemoryDescriptor::setTag(IOOptionBits tag)
{
	auto set = iomd::argument<iomd_set_tag>();

	set.tag = tag;
	iomd::call(descriptor, IOMD_SET_TAG, set);
}

inline IOReturn IOMemoryDescriptor::getPageCounts(IOByteCount *residentPageCount,
						  IOByteCount *dirtyPageCount)
{
	auto counts = iomd::argument<iomd_page_counts>();

	if (!iomd::call(descriptor, IOMD_PAGE_COUNTS, counts))
		return iomd_io_return(errno);
	if (residentPageCount)
		*residentPageCount = counts.resident;
	if (dirtyPageCount)
		*dirtyPageCount = counts.dirty;
	return kIOReturnSuccess;
}

inline IOReturn IOMemoryDescriptor::setPurgeable(IOOptionBits newState,
						 IOOptionBits *oldState)
{
	auto set = iomd::argument<iomd_set_purgeable>();

	set.state = newState;
	if (!iomd::call(descriptor, IOMD_SET_PURGEABLE, set))
		return iomd_io_return(errno);
	if (oldState)
		*oldState = set.old_state;
	return kIOReturnSuccess;
}

inline IOReturn IOMemoryDescriptor::performOperation(IOOptionBits options,
						     IOByteCount offset,
						     IOByteCount length)
{
	auto perform = iomd::argument<iomd_perform_operation>();

	perform.operation = options;
	perform.offset = offset;
	perform.length = length;
	return iomd::result(iomd::call(descriptor, IOMD_PERFORM_OPERATION,
				       perform));
}

#endif
