/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _IOKIT_IOTYPES_H_
#define _IOKIT_IOTYPES_H_

#include <IOKit/IOReturn.h>
#include <mach/mach_init.h>
#include <mach/mach_types.h>
#include <stdint.h>

typedef uint8_t UInt8;
typedef uint16_t UInt16;
typedef uint32_t UInt32;
typedef uint64_t UInt64;

typedef UInt32 IOOptionBits;
typedef UInt64 IOByteCount;
typedef mach_vm_address_t IOVirtualAddress;
typedef UInt64 IOPhysicalAddress;
typedef UInt64 IOPhysicalLength;
typedef UInt64 addr64_t;

typedef struct {
	mach_vm_address_t address;
	mach_vm_size_t length;
} IOAddressRange;

/* Who makes the calls here: what XNU maps into the kernel is in this task */
#define kernel_task	mach_task_self()

/* Options of maps */
enum {
	kIOMapAnywhere = 0x00000001,

	kIOMapCacheMask = 0x00000f00,
	kIOMapCacheShift = 8,
	kIOMapDefaultCache = 0x00000000,
	kIOMapInhibitCache = 0x00000100,
	kIOMapWriteThruCache = 0x00000200,
	kIOMapCopybackCache = 0x00000300,
	kIOMapWriteCombineCache = 0x00000400,
	kIOMapCopybackInnerCache = 0x00000500,
	kIOMapPostedWrite = 0x00000600,
	kIOMapRealTimeCache = 0x00000700,
	kIOMapPostedReordered = 0x00000800,
	kIOMapPostedCombinedReordered = 0x00000900,

	kIOMapReadOnly = 0x00001000,
	kIOMapStatic = 0x01000000,
	kIOMapReference = 0x02000000,
	kIOMapUnique = 0x04000000,
	kIOMapPrefault = 0x10000000,
	kIOMapOverwrite = 0x20000000,
	kIOMapGuardedSmall = 0x40000000
};

#define kIOMapGuardedLarge	0x80000000U
#define kIOMapGuardedMask	0xc0000000U

#endif
