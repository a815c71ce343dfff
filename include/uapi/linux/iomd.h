/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * iomd: memory as an object, mapped into any task, whose backing can be
 * switched under a live mapping.
 *
 * Objects are file descriptors. A client is an open file of /dev/iomd; it makes
 * descriptors (memory), a descriptor makes maps (that memory as one mappable
 * object), and a map is mapped with mmap(2) on its file descriptor.
 *
 * Every call takes a pointer to its structure. The first member, size, is set
 * by the caller to sizeof(the structure): one from a newer header is accepted
 * if the part that this kernel does not know is zero, and refused with E2BIG
 * otherwise; one that is shorter than the first published form is refused with
 * EINVAL. Unknown flags and non-zero padding are refused with EINVAL, known
 * options that this kernel cannot honour with EOPNOTSUPP, unknown calls with
 * ENOTTY. A refused call writes nothing back. New file descriptors are always
 * close-on-exec.
 *
 * Documentation/uapi.rst describes every call and every error.
 */
#ifndef _UAPI_LINUX_IOMD_H
#define _UAPI_LINUX_IOMD_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define IOMD_IOC_TYPE 0xE7

/* Calls on a client: 0x00-0x1f */
#define IOMD_FEATURES		_IO(IOMD_IOC_TYPE, 0x00)
#define IOMD_BUFFER_CREATE	_IO(IOMD_IOC_TYPE, 0x01)
#define IOMD_OBJECT_NEXT	_IO(IOMD_IOC_TYPE, 0x02)
#define IOMD_OBJECT_OPEN	_IO(IOMD_IOC_TYPE, 0x03)
#define IOMD_REDIRECT_BATCH	_IO(IOMD_IOC_TYPE, 0x04)
#define IOMD_TASK_OPEN		_IO(IOMD_IOC_TYPE, 0x05)
#define IOMD_MULTI_CREATE	_IO(IOMD_IOC_TYPE, 0x06)
#define IOMD_INTERLEAVED_CREATE	_IO(IOMD_IOC_TYPE, 0x07)
#define IOMD_GUARD_CREATE	_IO(IOMD_IOC_TYPE, 0x08)
#define IOMD_ADDRESS_RANGES_CREATE _IO(IOMD_IOC_TYPE, 0x09)
#define IOMD_MEMFD_IMPORT	_IO(IOMD_IOC_TYPE, 0x0a)
#define IOMD_PHYSICAL_CREATE	_IO(IOMD_IOC_TYPE, 0x0b)
#define IOMD_DMA_BUF_IMPORT	_IO(IOMD_IOC_TYPE, 0x0c)
#define IOMD_REMAP		_IO(IOMD_IOC_TYPE, 0x0d)

/* Calls on a descriptor: 0x20-0x3f */
#define IOMD_DESCRIPTOR_INFO	_IO(IOMD_IOC_TYPE, 0x20)
#define IOMD_DESCRIPTOR_REOPEN	_IO(IOMD_IOC_TYPE, 0x21)
#define IOMD_MAP_CREATE		_IO(IOMD_IOC_TYPE, 0x22)
#define IOMD_COPY		_IO(IOMD_IOC_TYPE, 0x23)
#define IOMD_DESCRIPTOR_SUSPEND	_IO(IOMD_IOC_TYPE, 0x24)
#define IOMD_DESCRIPTOR_RESUME	_IO(IOMD_IOC_TYPE, 0x25)
#define IOMD_SET_PURGEABLE	_IO(IOMD_IOC_TYPE, 0x26)
#define IOMD_MAP_EXISTING	_IO(IOMD_IOC_TYPE, 0x27)
#define IOMD_SUB_CREATE		_IO(IOMD_IOC_TYPE, 0x28)
#define IOMD_PREPARE		_IO(IOMD_IOC_TYPE, 0x29)
#define IOMD_COMPLETE		_IO(IOMD_IOC_TYPE, 0x2a)
#define IOMD_DMA_BUF_EXPORT	_IO(IOMD_IOC_TYPE, 0x2b)
#define IOMD_READ_BYTES		_IO(IOMD_IOC_TYPE, 0x2c)
#define IOMD_WRITE_BYTES	_IO(IOMD_IOC_TYPE, 0x2d)
#define IOMD_SET_LENGTH		_IO(IOMD_IOC_TYPE, 0x2e)
#define IOMD_SET_TAG		_IO(IOMD_IOC_TYPE, 0x2f)
#define IOMD_PERFORM_OPERATION	_IO(IOMD_IOC_TYPE, 0x30)
#define IOMD_PAGE_COUNTS	_IO(IOMD_IOC_TYPE, 0x31)

/* Calls on a map: 0x40-0x5f */
#define IOMD_MAP_INFO		_IO(IOMD_IOC_TYPE, 0x40)
#define IOMD_REDIRECT		_IO(IOMD_IOC_TYPE, 0x41)
#define IOMD_RESUME		_IO(IOMD_IOC_TYPE, 0x42)
#define IOMD_UNMAP		_IO(IOMD_IOC_TYPE, 0x43)
#define IOMD_MAP_REOPEN		_IO(IOMD_IOC_TYPE, 0x44)
#define IOMD_MAP_SEAL		_IO(IOMD_IOC_TYPE, 0x45)
#define IOMD_SUSPEND		_IO(IOMD_IOC_TYPE, 0x46)
#define IOMD_MAP_INTO_TASK	_IO(IOMD_IOC_TYPE, 0x47)
#define IOMD_MAP_SEGMENT	_IO(IOMD_IOC_TYPE, 0x48)
#define IOMD_MAP_WIRE		_IO(IOMD_IOC_TYPE, 0x49)
#define IOMD_MAP_DMA_BUF_EXPORT	_IO(IOMD_IOC_TYPE, 0x4c)
#define IOMD_MAPPED_READ	_IO(IOMD_IOC_TYPE, 0x4a)
#define IOMD_MAPPED_WRITE	_IO(IOMD_IOC_TYPE, 0x4b)

/* Calls on a task: 0x60-0x7f */
#define IOMD_TASK_INFO		_IO(IOMD_IOC_TYPE, 0x60)
#define IOMD_FLUSH_PROCESSOR_CACHE _IO(IOMD_IOC_TYPE, 0x61)

/*
 * Map options, with XNU's values (IOTypes.h). Those without a comment are
 * refused with EOPNOTSUPP by this version; Static and Reference belong to
 * IOMD_MAP_EXISTING, and are refused by IOMD_MAP_CREATE.
 */
#define IOMD_MAP_ANYWHERE		0x00000001U /* recorded; mmap(2) places */
#define IOMD_MAP_CACHE_MASK		0x00000f00U
#define IOMD_MAP_DEFAULT_CACHE		0x00000000U /* what the memory has */
#define IOMD_MAP_INHIBIT_CACHE		0x00000100U /* uncached */
#define IOMD_MAP_WRITE_THRU_CACHE	0x00000200U
#define IOMD_MAP_COPYBACK_CACHE		0x00000300U /* write-back */
#define IOMD_MAP_WRITE_COMBINE_CACHE	0x00000400U /* write-combining */
#define IOMD_MAP_COPYBACK_INNER_CACHE	0x00000500U
#define IOMD_MAP_POSTED_WRITE		0x00000600U
#define IOMD_MAP_REAL_TIME		0x00000700U
#define IOMD_MAP_POSTED_REORDERED	0x00000800U
#define IOMD_MAP_POSTED_COMBINED_REORDERED 0x00000900U
#define IOMD_MAP_READ_ONLY		0x00001000U /* never writable */
#define IOMD_MAP_STATIC			0x01000000U /* the object unmaps nothing */
#define IOMD_MAP_REFERENCE		0x02000000U /* none is made */
#define IOMD_MAP_UNIQUE			0x04000000U /* may be redirected */
/* These say how it is mapped by IOMD_MAP_INTO_TASK; mmap(2) has its own flags */
#define IOMD_MAP_PREFAULT		0x10000000U /* with all of its pages */
#define IOMD_MAP_OVERWRITE		0x20000000U /* over what is at its place */
#define IOMD_MAP_GUARDED_SMALL		0x40000000U /* between two idle pages */
#define IOMD_MAP_GUARDED_LARGE		0x80000000U /* between twice 64 KiB */

/* What a forked child gets of a mapping, with Mach's values (vm_inherit.h) */
#define IOMD_INHERIT_SHARE	0U /* the same mapping */
#define IOMD_INHERIT_COPY	1U /* a copy; IOMD_REMAP_COPY only */
#define IOMD_INHERIT_NONE	2U /* nothing */

/* Kinds of objects */
#define IOMD_KIND_BUFFER	1U /* a descriptor: memory that iomd allocated */
#define IOMD_KIND_MAP		2U
#define IOMD_KIND_SUB		3U /* a descriptor: a range of another */
#define IOMD_KIND_MULTI		4U /* a descriptor: others, one after the other */
#define IOMD_KIND_INTERLEAVED	5U /* a descriptor: some of each of others in turn */
#define IOMD_KIND_GUARD		6U /* a descriptor: pages without memory */
#define IOMD_KIND_ADDRESS_RANGES 7U /* a descriptor: memory of a task */
#define IOMD_KIND_MEMFD		8U /* a descriptor: memory of a file */
#define IOMD_KIND_PHYSICAL	9U /* a descriptor: physical memory */
#define IOMD_KIND_DMA_BUF	10U /* a descriptor: memory of a dma-buf */

/**
 * struct iomd_features - IOMD_FEATURES: what this kernel's iomd can do
 * @size: sizeof(struct iomd_features)
 * @flags: must be zero
 * @page_size: out, bytes
 * @reserved: out, zero
 * @client_calls: out, bit n set if call 0x00 + n exists
 * @descriptor_calls: out, bit n set if call 0x20 + n exists
 * @map_calls: out, bit n set if call 0x40 + n exists
 * @buffer_flags: out, the known IOMD_BUFFER_* bits
 * @map_flags: out, the known IOMD_MAP_CREATE_* bits
 * @map_options: out, the single-bit map options that are honoured
 * @cache_modes: out, bit n set if cache mode n << 8 is honoured
 * @redirect_flags: out, the known IOMD_REDIRECT_* bits
 * @copy_flags: out, the known IOMD_COPY_* bits
 * @task_calls: out, bit n set if call 0x60 + n exists
 * @into_task_flags: out, the known IOMD_INTO_TASK_* bits
 * @sub_flags: out, the known IOMD_SUB_* bits
 * @remap_flags: out, the known IOMD_REMAP_* bits
 * @vm_flags: out, the known IOMD_VM_FLAGS_* bits
 */
struct iomd_features {
	__u32 size;
	__u32 flags;
	__u32 page_size;
	__u32 reserved;
	__u64 client_calls;
	__u64 descriptor_calls;
	__u64 map_calls;
	__u64 buffer_flags;
	__u64 map_flags;
	__u64 map_options;
	__u64 cache_modes;
	__u64 redirect_flags;
	__u64 copy_flags;
	__u64 task_calls;
	__u64 into_task_flags;
	__u64 sub_flags;
	__u64 remap_flags;
	__u64 vm_flags;
};

/* Pages come on first touch instead of at creation */
#define IOMD_BUFFER_SPARSE	(1U << 0)
/* The memory is in pieces of 2 MiB, where they can be had */
#define IOMD_BUFFER_LARGE	(1U << 1)
/* All of it is together in physical memory; neither sparse nor large */
#define IOMD_BUFFER_CONTIGUOUS	(1U << 2)
/* Its maps are as if made with IOMD_MAP_GUARDED_SMALL, or have larger guards */
#define IOMD_BUFFER_GUARDED	(1U << 3)
/*
 * IOMD_REMAP_COPY of its maps takes each page when one side touches it; neither
 * large nor contiguous, always write-back
 */
#define IOMD_BUFFER_LAZY_COPY	(1U << 4)

/**
 * struct iomd_buffer_create - IOMD_BUFFER_CREATE: make zeroed memory
 * @size: sizeof(struct iomd_buffer_create)
 * @flags: IOMD_BUFFER_*
 * @length: bytes; neither 0 nor beyond 2^63
 * @id: out, the descriptor's id
 * @fd: out, the descriptor
 * @padding: must be zero
 */
struct iomd_buffer_create {
	__u32 size;
	__u32 flags;
	__u64 length;
	__u64 id;
	__s32 fd;
	__u32 padding;
};

/*
 * The most descriptors that one consists of: its parts, theirs, and so on, each
 * as often as it is there; and how many times it can go on so
 */
#define IOMD_PARTS_MAX		1024U
#define IOMD_NESTING_MAX	8U

/* Its memory is never written: there are read-only maps of it only */
#define IOMD_SUB_READ_ONLY	(1U << 0)

/**
 * struct iomd_sub_create - IOMD_SUB_CREATE, on a descriptor: make a descriptor
 * of a range of its memory
 * @size: sizeof(struct iomd_sub_create)
 * @flags: IOMD_SUB_*
 * @offset: where it begins, bytes
 * @length: bytes; 0 = to the descriptor's end
 * @id: out, the new descriptor's id
 * @fd: out, the new descriptor
 * @padding: must be zero
 */
struct iomd_sub_create {
	__u32 size;
	__u32 flags;
	__u64 offset;
	__u64 length;
	__u64 id;
	__s32 fd;
	__u32 padding;
};

/**
 * struct iomd_multi_create - IOMD_MULTI_CREATE: make a descriptor of the memory
 * of others, one after the other
 * @size: sizeof(struct iomd_multi_create)
 * @flags: must be zero
 * @descriptors: address of an array of __s32, a descriptor each: all writable,
 *	or none
 * @count: its length, from 1 to IOMD_PARTS_MAX
 * @fd: out, the descriptor
 * @id: out, the descriptor's id
 */
struct iomd_multi_create {
	__u32 size;
	__u32 flags;
	__u64 descriptors;
	__u32 count;
	__s32 fd;
	__u64 id;
};

/**
 * struct iomd_interleaved_create - IOMD_INTERLEAVED_CREATE: make a descriptor of
 * the memory of others, some of each in turn
 * @size: sizeof(struct iomd_interleaved_create)
 * @flags: must be zero
 * @descriptors: as of struct iomd_multi_create; all of one length, which is
 *	a multiple of @granularity, and each can be mapped from its first byte on,
 *	which begins a page
 * @granularity: how much in turn, bytes, whole pages
 * @count: as of struct iomd_multi_create
 * @fd: out, the descriptor
 * @id: out, the descriptor's id
 */
struct iomd_interleaved_create {
	__u32 size;
	__u32 flags;
	__u64 descriptors;
	__u64 granularity;
	__u32 count;
	__s32 fd;
	__u64 id;
};

/**
 * struct iomd_guard_create - IOMD_GUARD_CREATE: make a descriptor of pages that
 * nobody can access, to put between others: an access gets SIGBUS, or EFAULT
 * @size: sizeof(struct iomd_guard_create)
 * @flags: must be zero
 * @length: bytes; neither 0 nor beyond 2^63
 * @id: out, the descriptor's id
 * @fd: out, the descriptor
 * @padding: must be zero
 */
struct iomd_guard_create {
	__u32 size;
	__u32 flags;
	__u64 length;
	__u64 id;
	__s32 fd;
	__u32 padding;
};

/*
 * Which way data go between memory and device, with XNU's values (IOTypes.h).
 * What a device reads only, tasks read only.
 */
#define IOMD_DIRECTION_IN	1U /* the memory is written, and read */
#define IOMD_DIRECTION_OUT	2U /* it is read */
#define IOMD_DIRECTION_IN_OUT	(IOMD_DIRECTION_IN | IOMD_DIRECTION_OUT)

/* The most address ranges that a descriptor has */
#define IOMD_ADDRESS_RANGES_MAX	65536U

/**
 * struct iomd_address_range - some of a task's memory
 * @address: where it begins, at any byte
 * @length: bytes, not 0
 */
struct iomd_address_range {
	__u64 address;
	__u64 length;
};

/**
 * struct iomd_address_ranges_create - IOMD_ADDRESS_RANGES_CREATE: memory of a
 * task as a descriptor: the bytes of these ranges, one after the other
 * @size: sizeof(struct iomd_address_ranges_create)
 * @flags: must be zero
 * @ranges: address of an array of struct iomd_address_range
 * @count: its length, from 1 to IOMD_ADDRESS_RANGES_MAX
 * @direction: IOMD_DIRECTION_*
 * @id: out, the descriptor's id
 * @task: a task
 * @fd: out, the descriptor
 */
struct iomd_address_ranges_create {
	__u32 size;
	__u32 flags;
	__u64 ranges;
	__u32 count;
	__u32 direction;
	__u64 id;
	__s32 task;
	__s32 fd;
};

/**
 * struct iomd_memfd_import - IOMD_MEMFD_IMPORT: memory of a file as a
 * descriptor: a memfd, or another file of tmpfs or hugetlbfs
 * @size: sizeof(struct iomd_memfd_import)
 * @flags: must be zero
 * @offset: where it begins in the file, at any byte
 * @length: bytes; 0 = from @offset to the end of the file
 * @direction: IOMD_DIRECTION_*
 * @memfd: the file, open for reading and, unless @direction is
 *	IOMD_DIRECTION_OUT, for writing
 * @id: out, the descriptor's id
 * @fd: out, the descriptor
 * @padding: must be zero
 */
struct iomd_memfd_import {
	__u32 size;
	__u32 flags;
	__u64 offset;
	__u64 length;
	__u32 direction;
	__s32 memfd;
	__u64 id;
	__s32 fd;
	__u32 padding;
};

/**
 * struct iomd_physical_create - IOMD_PHYSICAL_CREATE: physical memory that the
 * kernel does not use as a descriptor (CAP_SYS_RAWIO)
 * @size: sizeof(struct iomd_physical_create)
 * @flags: must be zero
 * @address: where it begins, at any byte
 * @length: bytes, not 0
 * @direction: IOMD_DIRECTION_*
 * @fd: out, the descriptor
 * @id: out, the descriptor's id
 */
struct iomd_physical_create {
	__u32 size;
	__u32 flags;
	__u64 address;
	__u64 length;
	__u32 direction;
	__s32 fd;
	__u64 id;
};

/**
 * struct iomd_object_next - IOMD_OBJECT_NEXT: walk all objects (CAP_SYS_ADMIN)
 * @size: sizeof(struct iomd_object_next)
 * @flags: must be zero
 * @id: in, the last id seen (0 at first); out, the smallest id above it
 * @kind: out, IOMD_KIND_*
 * @padding: must be zero
 */
struct iomd_object_next {
	__u32 size;
	__u32 flags;
	__u64 id;
	__u32 kind;
	__u32 padding;
};

/* The descriptor is opened for reading only; refused for a map */
#define IOMD_OPEN_READ_ONLY	(1U << 0)

/**
 * struct iomd_object_open - IOMD_OBJECT_OPEN: open by id (CAP_SYS_ADMIN)
 * @size: sizeof(struct iomd_object_open)
 * @flags: IOMD_OPEN_*
 * @id: the object
 * @kind: out, IOMD_KIND_*
 * @fd: out, a file descriptor of it
 */
struct iomd_object_open {
	__u32 size;
	__u32 flags;
	__u64 id;
	__u32 kind;
	__s32 fd;
};

/*
 * Whether the memory of a descriptor may be taken away, with XNU's values
 * (IOMemoryDescriptor.h)
 */
#define IOMD_PURGEABLE_KEEP_CURRENT	1U /* only asks; never an answer */
#define IOMD_PURGEABLE_NON_VOLATILE	2U /* it may not */
#define IOMD_PURGEABLE_VOLATILE		3U /* it may, if the system needs it */
#define IOMD_PURGEABLE_EMPTY		4U /* it was: accesses get SIGBUS */
/* XNU's order, behavior, group, debugging and aging: refused with EOPNOTSUPP */
#define IOMD_PURGEABLE_MODIFIERS	0x00013770U

/* This file descriptor of the descriptor is read-only, or its memory is */
#define IOMD_DESCRIPTOR_READ_ONLY	(1U << 0)

/**
 * struct iomd_descriptor_info - IOMD_DESCRIPTOR_INFO
 * @size: sizeof(struct iomd_descriptor_info)
 * @flags: in, must be zero; out, IOMD_DESCRIPTOR_*
 * @id: out
 * @length: out, bytes; see IOMD_SET_LENGTH
 * @resident: out, bytes that have memory now
 * @maps: out, how many maps it backs
 * @kind: out, IOMD_KIND_*
 * @purgeable: in, must be zero; out, IOMD_PURGEABLE_*
 * @parts: out, how many descriptors it is made of; 0 for memory of its own
 * @direction: out, IOMD_DIRECTION_*
 * @tag: out, see IOMD_SET_TAG
 * @capacity: out, bytes: what @length can be at most
 * @preparation_id: out, changes when it gets other pages; never that of
 *	other pages; 0 while there are none
 */
struct iomd_descriptor_info {
	__u32 size;
	__u32 flags;
	__u64 id;
	__u64 length;
	__u64 resident;
	__u64 maps;
	__u32 kind;
	__u32 purgeable;
	__u64 parts;
	__u32 direction;
	__u32 tag;
	__u64 capacity;
	__u64 preparation_id;
};

/*
 * Where the descriptor is of memory that its task or its file has no longer
 * there: not that, but a new descriptor of what is there now
 */
#define IOMD_REOPEN_PERSISTENT	(1U << 1)

/**
 * struct iomd_descriptor_reopen - IOMD_DESCRIPTOR_REOPEN: another file
 * descriptor of the same descriptor, with the same rights or fewer
 * @size: sizeof(struct iomd_descriptor_reopen)
 * @flags: IOMD_OPEN_*, IOMD_REOPEN_*
 * @fd: out
 * @padding: must be zero
 */
struct iomd_descriptor_reopen {
	__u32 size;
	__u32 flags;
	__s32 fd;
	__u32 padding;
};

/*
 * The address space of the caller is safe: there the maps stay usable. A child
 * that it forks meanwhile can use what it had touched.
 */
#define IOMD_SUSPEND_SPARE_CALLER	(1U << 0)
/* As IOMD_REDIRECT_ABANDONED_* */
#define IOMD_SUSPEND_ABANDONED_SIGBUS	(1U << 1)
#define IOMD_SUSPEND_ABANDONED_RESUME	(1U << 2)

/**
 * struct iomd_descriptor_suspend - IOMD_DESCRIPTOR_SUSPEND: accesses through
 * every map of the descriptor wait, those to come included, apart from what
 * maps are suspended by themselves
 * @size: sizeof(struct iomd_descriptor_suspend)
 * @flags: IOMD_SUSPEND_*
 * @deadline_ns: as of struct iomd_redirect
 */
struct iomd_descriptor_suspend {
	__u32 size;
	__u32 flags;
	__u64 deadline_ns;
};

/**
 * struct iomd_descriptor_resume - IOMD_DESCRIPTOR_RESUME: the end of that
 * @size: sizeof(struct iomd_descriptor_resume)
 * @flags: must be zero
 */
struct iomd_descriptor_resume {
	__u32 size;
	__u32 flags;
};

/**
 * struct iomd_set_purgeable - IOMD_SET_PURGEABLE: let the memory be taken away,
 * or not, or take it; it is taken as a whole, and never while a page is held
 * for I/O. Memory that was taken is there again, all zeros, once it is made
 * IOMD_PURGEABLE_NON_VOLATILE.
 * @size: sizeof(struct iomd_set_purgeable)
 * @flags: must be zero
 * @state: IOMD_PURGEABLE_*
 * @old_state: out, what it was before
 */
struct iomd_set_purgeable {
	__u32 size;
	__u32 flags;
	__u32 state;
	__u32 old_state;
};

/**
 * struct iomd_prepare - IOMD_PREPARE: the memory stays where it is until
 * IOMD_COMPLETE, which is called as often, or until this open file is closed
 * @size: sizeof(struct iomd_prepare)
 * @flags: must be zero
 * @direction: IOMD_DIRECTION_*; 0 = that of the descriptor
 * @padding: must be zero
 */
struct iomd_prepare {
	__u32 size;
	__u32 flags;
	__u32 direction;
	__u32 padding;
};

/**
 * struct iomd_complete - IOMD_COMPLETE: the end of one IOMD_PREPARE through
 * this open file
 * @size: sizeof(struct iomd_complete)
 * @flags: must be zero
 */
struct iomd_complete {
	__u32 size;
	__u32 flags;
};

/**
 * struct iomd_read_bytes - IOMD_READ_BYTES: copy bytes of the descriptor to
 * the caller's memory; suspensions do not hold that up
 * @size: sizeof(struct iomd_read_bytes)
 * @flags: must be zero
 * @offset: where they begin in the descriptor
 * @length: how many
 * @address: the caller's memory
 * @done: out, how many were copied: all, or those before memory that could not
 *	be had; 0 if they are not all inside the descriptor
 */
struct iomd_read_bytes {
	__u32 size;
	__u32 flags;
	__u64 offset;
	__u64 length;
	__u64 address;
	__u64 done;
};

/**
 * struct iomd_write_bytes - IOMD_WRITE_BYTES: copy bytes from the caller's
 * memory to the descriptor; suspensions do not hold that up, a copy does
 * @size: sizeof(struct iomd_write_bytes)
 * @flags: must be zero
 * @offset: where they begin in the descriptor
 * @length: how many
 * @address: the caller's memory
 * @done: out, as of struct iomd_read_bytes
 */
struct iomd_write_bytes {
	__u32 size;
	__u32 flags;
	__u64 offset;
	__u64 length;
	__u64 address;
	__u64 done;
};

/**
 * struct iomd_set_length - IOMD_SET_LENGTH: make the descriptor shorter, or
 * longer again; maps that exist stay as they are, and so do the bytes
 * @size: sizeof(struct iomd_set_length)
 * @flags: must be zero
 * @length: bytes, at most its capacity
 */
struct iomd_set_length {
	__u32 size;
	__u32 flags;
	__u64 length;
};

/**
 * struct iomd_set_tag - IOMD_SET_TAG: a number that means something to those
 * who use the descriptor; 0 at first
 * @size: sizeof(struct iomd_set_tag)
 * @flags: must be zero
 * @tag: the number
 * @padding: must be zero
 */
struct iomd_set_tag {
	__u32 size;
	__u32 flags;
	__u32 tag;
	__u32 padding;
};

/* What is done to the processors' caches, with XNU's values */
#define IOMD_OPERATION_FLUSH	1U /* write back, and drop */
#define IOMD_OPERATION_STORE	2U /* write back */

/**
 * struct iomd_perform_operation - IOMD_PERFORM_OPERATION: for devices that do
 * not see the processors' caches
 * @size: sizeof(struct iomd_perform_operation)
 * @flags: must be zero
 * @operation: IOMD_OPERATION_*
 * @padding: must be zero
 * @offset: where the bytes begin in the descriptor
 * @length: how many; 0 = to the descriptor's end
 */
struct iomd_perform_operation {
	__u32 size;
	__u32 flags;
	__u32 operation;
	__u32 padding;
	__u64 offset;
	__u64 length;
};

/**
 * struct iomd_page_counts - IOMD_PAGE_COUNTS
 * @size: sizeof(struct iomd_page_counts)
 * @flags: must be zero
 * @resident: out, pages that have memory now
 * @dirty: out, those whose content is nowhere else
 */
struct iomd_page_counts {
	__u32 size;
	__u32 flags;
	__u64 resident;
	__u64 dirty;
};

/* The mapping lives on when the last file descriptor of the map is closed */
#define IOMD_MAP_CREATE_KEEP	(1U << 0)
/*
 * The map is in the kernel's own address space: no task maps it, but
 * IOMD_MAPPED_READ and IOMD_MAPPED_WRITE reach its memory
 */
#define IOMD_MAP_CREATE_KERNEL	(1U << 1)
/*
 * Nobody can hold its pages, as for I/O directly to and from them, which fails:
 * so there are none to count when it is redirected or suspended
 */
#define IOMD_MAP_CREATE_UNPINNABLE	(1U << 2)

/**
 * struct iomd_map_create - IOMD_MAP_CREATE: make a map of a descriptor
 * @size: sizeof(struct iomd_map_create)
 * @flags: IOMD_MAP_CREATE_*
 * @options: the IOMD_MAP_* options of XNU; out, those that the map has
 * @inheritance: IOMD_INHERIT_SHARE or IOMD_INHERIT_NONE
 * @offset: where the map starts in the descriptor, bytes
 * @length: bytes, whose pages follow one another; 0 = from offset to the
 *	descriptor's end; out, how many they are
 * @id: out, the map's id
 * @fd: out, the map
 * @page_offset: out, where in the first page the first byte is
 */
struct iomd_map_create {
	__u32 size;
	__u32 flags;
	__u32 options;
	__u32 inheritance;
	__u64 offset;
	__u64 length;
	__u64 id;
	__s32 fd;
	__u32 page_offset;
};

/**
 * struct iomd_map_existing - IOMD_MAP_EXISTING: a map for a mapping that a task
 * has already. Without IOMD_MAP_STATIC it is a look-up among the maps of the
 * descriptor, of which a compatible one is shared: if its range is the one
 * asked for, as another handle of it, otherwise as a sub-map, which keeps the
 * larger one alive. With IOMD_MAP_STATIC the mapping at @address is recorded.
 * Sub-maps and records map nothing and unmap nothing.
 * @size: sizeof(struct iomd_map_existing)
 * @flags: must be zero
 * @options: the IOMD_MAP_* options of XNU
 * @task: a task
 * @offset: where the range starts in the descriptor, bytes
 * @length: bytes, whose pages follow one another; 0 = from offset to the
 *	descriptor's end
 * @address: in, where its first page must be, page-aligned; with
 *	IOMD_MAP_ANYWHERE it may be anywhere; out, where it is
 * @id: out, the map's id
 * @fd: out, the map
 * @padding: must be zero
 */
struct iomd_map_existing {
	__u32 size;
	__u32 flags;
	__u32 options;
	__s32 task;
	__u64 offset;
	__u64 length;
	__u64 address;
	__u64 id;
	__s32 fd;
	__u32 padding;
};

/* Pages that someone holds for I/O make the call fail with EBUSY */
#define IOMD_COPY_REFUSE_PINNED		(1U << 0)
/*
 * The suspended maps show the copy then; each must be Unique and in the range,
 * and the two ranges must lie alike in their pages
 */
#define IOMD_COPY_RESUME_ON_TARGET	(1U << 1)

/**
 * struct iomd_copy - IOMD_COPY: copy memory in use, atomically
 * @size: sizeof(struct iomd_copy)
 * @flags: IOMD_COPY_*
 * @offset: where the range starts, bytes
 * @length: bytes; 0 = to the descriptor's end
 * @target_offset: where the copy goes in the target, bytes
 * @target: a writable descriptor
 * @padding: must be zero
 * @pinned: out, source pages that someone else held and may have written
 * @maps: out, how many maps the call suspended and resumed
 * @pause_ns: out, how long they were suspended, nanoseconds
 */
struct iomd_copy {
	__u32 size;
	__u32 flags;
	__u64 offset;
	__u64 length;
	__u64 target_offset;
	__s32 target;
	__u32 padding;
	__u64 pinned;
	__u64 maps;
	__u64 pause_ns;
};

/* States of a map */
#define IOMD_MAP_SUSPENDED	(1U << 0) /* accesses wait */
#define IOMD_MAP_ENDED		(1U << 1) /* accesses get SIGBUS, for good */
#define IOMD_MAP_EXPIRED	(1U << 2) /* suspended, and accesses get SIGBUS */
#define IOMD_MAP_SEALED		(1U << 3) /* only one handle controls it */
#define IOMD_MAP_DESCRIPTOR_SUSPENDED (1U << 4) /* with its descriptor */
#define IOMD_MAP_KERNEL		(1U << 5) /* of IOMD_MAP_CREATE_KERNEL */
#define IOMD_MAP_SUB_MAP	(1U << 6) /* it keeps the map that it is part of */
#define IOMD_MAP_UNPINNABLE	(1U << 7) /* of IOMD_MAP_CREATE_UNPINNABLE */

/**
 * struct iomd_map_info - IOMD_MAP_INFO
 * @size: sizeof(struct iomd_map_info)
 * @flags: must be zero
 * @state: out, IOMD_MAP_SUSPENDED, IOMD_MAP_EXPIRED, IOMD_MAP_ENDED,
 *	IOMD_MAP_SEALED, IOMD_MAP_DESCRIPTOR_SUSPENDED, IOMD_MAP_KERNEL,
 *	IOMD_MAP_SUB_MAP, IOMD_MAP_UNPINNABLE
 * @options: out, as given to IOMD_MAP_CREATE; of a sub-map or a record, as given
 *	to IOMD_MAP_EXISTING, and IOMD_MAP_STATIC
 * @inheritance: out, as given to IOMD_MAP_CREATE
 * @task: out, the process that mapped it first and still does, in the caller's
 *	pid namespace; 0 for none
 * @id: out
 * @descriptor_id: out, the backing, or the last one while suspended
 * @offset: out, where the map starts in the descriptor, bytes
 * @length: out, bytes, as asked for
 * @mapped_size: out, bytes, whole pages: what mmap(2) takes
 * @address: out, where @task has its first page; 0 for nowhere
 * @generation: out, rises by one with each redirect, suspension and resumption,
 *	and at the end
 * @redirects: out, how many times the backing was switched
 * @faults: out, page faults served
 * @waiters: out, accesses that wait now
 * @waits: out, accesses that ever waited
 * @longest_wait_ns: out, nanoseconds, of the waits that ended
 * @page_offset: out, where in the first page the first byte is
 * @wired: out, bytes of pages that are wired
 * @part_of: out, of a sub-map or a record: the map's id that it is part of; or 0
 */
struct iomd_map_info {
	__u32 size;
	__u32 flags;
	__u32 state;
	__u32 options;
	__u32 inheritance;
	__s32 task;
	__u64 id;
	__u64 descriptor_id;
	__u64 offset;
	__u64 length;
	__u64 mapped_size;
	__u64 address;
	__u64 generation;
	__u64 redirects;
	__u64 faults;
	__u64 waiters;
	__u64 waits;
	__u64 longest_wait_ns;
	__u64 page_offset;
	__u64 wired;
	__u64 part_of;
};

/* Pages that someone holds for I/O make the call fail with EBUSY */
#define IOMD_REDIRECT_REFUSE_PINNED	(1U << 0)
/*
 * What becomes of a suspension that is abandoned: when the open file through
 * which it was made is closed for the last time, also because its process was
 * killed. Without either flag it stays.
 */
#define IOMD_REDIRECT_ABANDONED_SIGBUS	(1U << 1) /* as if its deadline passed */
#define IOMD_REDIRECT_ABANDONED_RESUME	(1U << 2) /* as if by IOMD_RESUME */

/* For @descriptor: no new backing; every access waits until there is one */
#define IOMD_NO_DESCRIPTOR	(-1)

/**
 * struct iomd_redirect - IOMD_REDIRECT: switch the memory behind a map
 * @size: sizeof(struct iomd_redirect)
 * @flags: IOMD_REDIRECT_*
 * @options: 0, or the map's own options
 * @descriptor: the new backing, or IOMD_NO_DESCRIPTOR
 * @offset: where the map starts in it, bytes; in the page as before
 * @deadline_ns: of a suspension, CLOCK_MONOTONIC, nanoseconds: past it waiting
 *	and later accesses get SIGBUS until the map is redirected or resumed;
 *	0 for none, and where @descriptor is one
 * @pinned: out, pages of the old backing that someone else still held
 */
struct iomd_redirect {
	__u32 size;
	__u32 flags;
	__u32 options;
	__s32 descriptor;
	__u64 offset;
	__u64 deadline_ns;
	__u64 pinned;
};

/* The most maps that one batch redirects */
#define IOMD_BATCH_MAX	64U

/**
 * struct iomd_batch_entry - one map of a batch
 * @map: a map; each only once
 * @descriptor: its new backing
 * @offset: as of struct iomd_redirect
 */
struct iomd_batch_entry {
	__s32 map;
	__s32 descriptor;
	__u64 offset;
};

/**
 * struct iomd_redirect_batch - IOMD_REDIRECT_BATCH: switch the memory behind
 * several maps at once, or behind none: nobody sees the new memory of one and
 * after it the old of another
 * @size: sizeof(struct iomd_redirect_batch)
 * @flags: IOMD_REDIRECT_REFUSE_PINNED
 * @entries: address of an array of struct iomd_batch_entry
 * @count: its length, from 1 to IOMD_BATCH_MAX
 * @padding: must be zero
 * @pinned: out, pages of the old backings that someone else still held
 */
struct iomd_redirect_batch {
	__u32 size;
	__u32 flags;
	__u64 entries;
	__u32 count;
	__u32 padding;
	__u64 pinned;
};

/**
 * struct iomd_suspend - IOMD_SUSPEND: hold up accesses to some pages of a map
 * @size: sizeof(struct iomd_suspend)
 * @flags: IOMD_REDIRECT_*
 * @offset: where they begin in the map, bytes, page-aligned
 * @length: bytes, rounded up to whole pages; 0 = to the map's end
 * @deadline_ns: as of struct iomd_redirect, for all pages that are suspended
 * @pinned: out, pages of them that someone else still held
 */
struct iomd_suspend {
	__u32 size;
	__u32 flags;
	__u64 offset;
	__u64 length;
	__u64 deadline_ns;
	__u64 pinned;
};

/**
 * struct iomd_resume - IOMD_RESUME: end a suspension, or that of some pages,
 * on the last backing
 * @size: sizeof(struct iomd_resume)
 * @flags: must be zero
 * @offset: where they begin in the map, bytes, page-aligned
 * @length: bytes, rounded up to whole pages; 0 = to the map's end
 */
struct iomd_resume {
	__u32 size;
	__u32 flags;
	__u64 offset;
	__u64 length;
};

/**
 * struct iomd_wait - what read(2) on a map yields: an access that waits, and
 * that no read has told of since the map was suspended by the handle that
 * suspends it now. A task that waits again, after a signal, is told of again.
 * @page: where in the map, bytes, page-aligned
 * @address: where in its task
 * @flags: IOMD_WAIT_WRITE
 * @thread: the task that waits, in the reader's pid namespace; 0 for one that
 *	is not seen there
 */
struct iomd_wait {
	__u64 page;
	__u64 address;
	__u32 flags;
	__s32 thread;
};

/* It is to write */
#define IOMD_WAIT_WRITE	(1U << 0)

/**
 * struct iomd_unmap - IOMD_UNMAP: end the mapping, in every task
 * @size: sizeof(struct iomd_unmap)
 * @flags: must be zero
 */
struct iomd_unmap {
	__u32 size;
	__u32 flags;
};

/**
 * struct iomd_map_reopen - IOMD_MAP_REOPEN: another handle of the same map,
 * with the same rights: an open file, and so an owner of suspensions, of its
 * own
 * @size: sizeof(struct iomd_map_reopen)
 * @flags: must be zero
 * @fd: out
 * @padding: must be zero
 */
struct iomd_map_reopen {
	__u32 size;
	__u32 flags;
	__s32 fd;
	__u32 padding;
};

/**
 * struct iomd_map_seal - IOMD_MAP_SEAL: from now on and for good, only this
 * handle may redirect, suspend, resume and end the map, and no copy may
 * suspend it. Who was given a map by a stranger reopens it, seals it, and can
 * then rely on it.
 * @size: sizeof(struct iomd_map_seal)
 * @flags: must be zero
 */
struct iomd_map_seal {
	__u32 size;
	__u32 flags;
};

/**
 * struct iomd_mapped_read - IOMD_MAPPED_READ: one access of the kernel to the
 * memory of a map of IOMD_MAP_CREATE_KERNEL, by one instruction. As other
 * accesses it waits while it is suspended.
 * @size: sizeof(struct iomd_mapped_read)
 * @flags: must be zero
 * @offset: where in the map, bytes; not across the end of a page
 * @width: bits: 8, 16, 32 or 64
 * @padding: must be zero
 * @value: out
 */
struct iomd_mapped_read {
	__u32 size;
	__u32 flags;
	__u64 offset;
	__u32 width;
	__u32 padding;
	__u64 value;
};

/**
 * struct iomd_mapped_write - IOMD_MAPPED_WRITE: the same, to write
 * @size: sizeof(struct iomd_mapped_write)
 * @flags: must be zero
 * @offset: as of struct iomd_mapped_read
 * @width: as of struct iomd_mapped_read
 * @padding: must be zero
 * @value: no longer than @width
 */
struct iomd_mapped_write {
	__u32 size;
	__u32 flags;
	__u64 offset;
	__u32 width;
	__u32 padding;
	__u64 value;
};

/**
 * struct iomd_task_open - IOMD_TASK_OPEN: the right to map into an address
 * space: that of the calling process, which can pass the file descriptor on, or
 * that of any process (CAP_SYS_PTRACE)
 * @size: sizeof(struct iomd_task_open)
 * @flags: must be zero
 * @pid: 0 for the caller's own; or a process, in the caller's pid namespace
 * @fd: out
 */
struct iomd_task_open {
	__u32 size;
	__u32 flags;
	__s32 pid;
	__s32 fd;
};

/* The address space is gone: its process has exited or called exec */
#define IOMD_TASK_DEAD		(1U << 0)

/**
 * struct iomd_task_info - IOMD_TASK_INFO
 * @size: sizeof(struct iomd_task_info)
 * @flags: in, must be zero; out, IOMD_TASK_DEAD
 * @pid: out, its process in the caller's pid namespace; 0 for none
 * @padding: must be zero
 */
struct iomd_task_info {
	__u32 size;
	__u32 flags;
	__s32 pid;
	__u32 padding;
};

/**
 * struct iomd_flush_processor_cache - IOMD_FLUSH_PROCESSOR_CACHE: write what
 * the processors' caches have of the memory at an address of the task back,
 * and drop it from them
 * @size: sizeof(struct iomd_flush_processor_cache)
 * @flags: must be zero
 * @address: where in the task, any alignment
 * @length: bytes
 */
struct iomd_flush_processor_cache {
	__u32 size;
	__u32 flags;
	__u64 address;
	__u64 length;
};

/*
 * At @address, where nothing may be mapped unless the map has
 * IOMD_MAP_OVERWRITE; without it, near it or anywhere
 */
#define IOMD_INTO_TASK_FIXED		(1U << 0)
/* For reading only */
#define IOMD_INTO_TASK_READ_ONLY	(1U << 1)

/**
 * struct iomd_map_into_task - IOMD_MAP_INTO_TASK: map a map into the address
 * space of a task, as its own mmap(2) would, in the way that the map's options
 * say
 * @size: sizeof(struct iomd_map_into_task)
 * @flags: IOMD_INTO_TASK_*
 * @task: a task
 * @padding: must be zero
 * @offset: where it starts in the map, bytes, page-aligned
 * @length: bytes, rounded up to whole pages; 0 = to the map's end
 * @deadline_ns: until when the task may take, CLOCK_MONOTONIC, nanoseconds;
 *	0 = ten seconds from now
 * @address: in, see IOMD_INTO_TASK_FIXED; out, where it is
 */
struct iomd_map_into_task {
	__u32 size;
	__u32 flags;
	__s32 task;
	__u32 padding;
	__u64 offset;
	__u64 length;
	__u64 deadline_ns;
	__u64 address;
};

/* The target gets a copy, which nobody else sees; otherwise the same memory */
#define IOMD_REMAP_COPY			(1U << 0)
/* @cur_protection and @max_protection say what the new mapping gets */
#define IOMD_REMAP_PROTECTIONS		(1U << 1)

/* Where it goes, with Mach's values (vm_statistics.h) */
#define IOMD_VM_FLAGS_FIXED		0x00000000U /* at @target_address */
#define IOMD_VM_FLAGS_ANYWHERE		0x00000001U /* first fit from there on */
#define IOMD_VM_FLAGS_OVERWRITE		0x00004000U /* over what is there */
#define IOMD_VM_FLAGS_RETURN_DATA_ADDR	0x00100000U /* all pages of the bytes */

/* What a task may do with memory, with Mach's values (vm_prot.h) */
#define IOMD_VM_PROT_READ		1U
#define IOMD_VM_PROT_WRITE		2U
#define IOMD_VM_PROT_EXECUTE		4U

/**
 * struct iomd_remap - IOMD_REMAP: map the memory that a task has at some
 * addresses at others as well, in the same task or in another (Mach's vm_remap)
 * @size: sizeof(struct iomd_remap)
 * @flags: IOMD_REMAP_*
 * @vm_flags: IOMD_VM_FLAGS_*
 * @inheritance: IOMD_INHERIT_*
 * @target_task: the task that gets it
 * @source_task: the task that has it
 * @target_address: in, where it shall be, rounded down to whole pages; out, where
 *	it is: the first byte of its first page or, with
 *	IOMD_VM_FLAGS_RETURN_DATA_ADDR, that of the memory asked for
 * @length: bytes, not 0, rounded up to whole pages
 * @mask: bits that the address must not have
 * @source_address: where the memory is, rounded down to whole pages
 * @cur_protection: IOMD_VM_PROT_*; in with IOMD_REMAP_PROTECTIONS; out, what
 *	holds for all of the new mapping
 * @max_protection: in and out, as @cur_protection: what mprotect(2) may make it
 * @deadline_ns: until when the target may take, CLOCK_MONOTONIC, nanoseconds;
 *	0 = ten seconds from now
 */
struct iomd_remap {
	__u32 size;
	__u32 flags;
	__u32 vm_flags;
	__u32 inheritance;
	__s32 target_task;
	__s32 source_task;
	__u64 target_address;
	__u64 length;
	__u64 mask;
	__u64 source_address;
	__u32 cur_protection;
	__u32 max_protection;
	__u64 deadline_ns;
};

/**
 * struct iomd_map_segment - IOMD_MAP_SEGMENT: where a map is in physical memory
 * (CAP_SYS_ADMIN)
 * @size: sizeof(struct iomd_map_segment)
 * @flags: must be zero
 * @offset: in the map, bytes
 * @address: out, physical
 * @length: out, bytes that follow one another from there on, inside the map
 */
struct iomd_map_segment {
	__u32 size;
	__u32 flags;
	__u64 offset;
	__u64 address;
	__u64 length;
};

/**
 * struct iomd_dma_buf_import - IOMD_DMA_BUF_IMPORT: the memory of a dma-buf as a
 * descriptor, with the rights of the dma-buf's file descriptor. As with its
 * mmap(2), accesses are to be put between DMA_BUF_SYNC_START and _END.
 * @size: sizeof(struct iomd_dma_buf_import)
 * @flags: must be zero
 * @dma_buf: a dma-buf, not one of iomd's own
 * @fd: out, the descriptor
 * @offset: where it starts in the dma-buf, bytes
 * @length: bytes; 0 = to the dma-buf's end
 * @id: out, the descriptor's id
 */
struct iomd_dma_buf_import {
	__u32 size;
	__u32 flags;
	__s32 dma_buf;
	__s32 fd;
	__u64 offset;
	__u64 length;
	__u64 id;
};

/**
 * struct iomd_map_dma_buf_export - IOMD_MAP_DMA_BUF_EXPORT: a map as a dma-buf,
 * with the map's rights. The dma-buf is a handle of the map: what changes what
 * the map shows changes it too, and importers that can be told are told.
 * @size: sizeof(struct iomd_map_dma_buf_export)
 * @flags: must be zero
 * @fd: out, the dma-buf
 * @padding: must be zero
 */
struct iomd_map_dma_buf_export {
	__u32 size;
	__u32 flags;
	__s32 fd;
	__u32 padding;
};

/**
 * struct iomd_dma_buf_export - IOMD_DMA_BUF_EXPORT: a descriptor as a dma-buf,
 * which is a new map of all of it as a dma-buf, with the rights of the
 * descriptor's file descriptor
 * @size: sizeof(struct iomd_dma_buf_export)
 * @flags: must be zero
 * @fd: out, the dma-buf
 * @padding: must be zero
 * @id: out, the map's id
 */
struct iomd_dma_buf_export {
	__u32 size;
	__u32 flags;
	__s32 fd;
	__u32 padding;
	__u64 id;
};

/**
 * struct iomd_map_wire - IOMD_MAP_WIRE: pages of a map have memory from now on,
 * which is not taken away, and the map keeps it; or no longer. Wirings are
 * counted for each page, and end with the mapping.
 * @size: sizeof(struct iomd_map_wire)
 * @flags: must be zero
 * @offset: where they begin in the map, bytes, rounded down to a page
 * @length: bytes, up to the end of the last page; 0 = to the map's end
 * @direction: IOMD_DIRECTION_*, whichever: once more; 0: once less
 * @padding: must be zero
 */
struct iomd_map_wire {
	__u32 size;
	__u32 flags;
	__u64 offset;
	__u64 length;
	__u32 direction;
	__u32 padding;
};

#endif /* _UAPI_LINUX_IOMD_H */
