// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A heap as collectors of Java's have it on macOS: the same memory at three
 * addresses, which differ in one bit, the colour. Pointers of each colour lead
 * to the same object; pages of the heap come from wherever memory is free, and
 * change their place while the other views stay.
 */
#include <mach/mach.h>
#include <mach/mach_vm.h>
#include <stdint.h>
#include <sys/mman.h>

#include "check.h"

#define GRANULE		((uintptr_t)2 << 20)
#define GRANULES	4
#define HEAP		(GRANULES * GRANULE)

#define COLOURS		3

static const uintptr_t colours[COLOURS] = {
	(uintptr_t)1 << 42, (uintptr_t)1 << 43, (uintptr_t)1 << 44,
};

/* Where the memory itself is. */
static uintptr_t backing;

static uint64_t *at(uintptr_t colour, uintptr_t offset)
{
	return (uint64_t *)(colour | offset);
}

static void reserve(uintptr_t start)
{
	void *address = mmap((void *)start, HEAP, PROT_NONE,
			     MAP_PRIVATE | MAP_ANON | MAP_NORESERVE |
			     MAP_FIXED, -1, 0);

	CHECK(address == (void *)start);
}

/* Puts a granule of the memory into one of the heap, in one view. */
static void map_view(uintptr_t colour, uintptr_t granule, uintptr_t physical)
{
	mach_vm_address_t address = colour | granule * GRANULE;
	vm_prot_t cur, max;

	CHECK_DONE(mach_vm_remap(mach_task_self(), &address, GRANULE, 0,
				 VM_FLAGS_FIXED | VM_FLAGS_OVERWRITE,
				 mach_task_self(),
				 backing + physical * GRANULE, FALSE, &cur,
				 &max, VM_INHERIT_COPY));
	CHECK(address == (colour | granule * GRANULE));
	CHECK((cur & VM_PROT_DEFAULT) == VM_PROT_DEFAULT);
	CHECK((max & VM_PROT_DEFAULT) == VM_PROT_DEFAULT);
}

static void map(uintptr_t granule, uintptr_t physical)
{
	for (unsigned int i = 0; i < COLOURS; i++)
		map_view(colours[i], granule, physical);
}

/* Where an object is that is allocated in a granule. */
static uintptr_t object(uintptr_t granule)
{
	return granule * GRANULE + 0x1230;
}

int main(void)
{
	mach_vm_address_t memory = 0;

	CHECK_DONE(mach_vm_allocate(mach_task_self(), &memory, HEAP,
				    VM_FLAGS_ANYWHERE));
	backing = memory;
	for (unsigned int i = 0; i < COLOURS; i++)
		reserve(colours[i]);

	/* The heap's order is the reverse of the memory's. */
	for (uintptr_t granule = 0; granule < GRANULES; granule++)
		map(granule, GRANULES - 1 - granule);

	/* What is written through one colour is seen through all. */
	for (uintptr_t granule = 0; granule < GRANULES; granule++) {
		for (unsigned int i = 0; i < COLOURS; i++) {
			uint64_t value = granule << 8 | i;
			uintptr_t physical = GRANULES - 1 - granule;

			*at(colours[i], object(granule)) = value;
			for (unsigned int j = 0; j < COLOURS; j++)
				CHECK(*at(colours[j], object(granule)) ==
				      value);
			CHECK(*at(backing + physical * GRANULE, 0x1230) ==
			      value);
		}
	}

	/* The barrier: a pointer of an old colour becomes one of the new. */
	uint64_t *stale = at(colours[0], object(1));
	uint64_t *good = at(colours[2], (uintptr_t)stale & (HEAP - 1));

	*stale = 77;
	CHECK(*good == 77);

	/* A granule is relocated: its object is copied, its memory is reused. */
	*at(colours[2], object(2)) = *good;
	map(1, GRANULES - 1 - 2);
	CHECK(*at(colours[0], object(1)) == 77);
	*at(colours[1], object(1)) = 78;
	CHECK(*at(colours[2], object(2)) == 78);

	/* And uncommitted, in all of its views. */
	for (unsigned int i = 0; i < COLOURS; i++)
		CHECK(mmap((void *)(colours[i] | 3 * GRANULE), GRANULE,
			   PROT_NONE, MAP_PRIVATE | MAP_ANON | MAP_NORESERVE |
			   MAP_FIXED, -1, 0) != MAP_FAILED);
	CHECK(*at(colours[0], object(1)) == 78);
	CHECK_DONE(mach_vm_deallocate(mach_task_self(), memory, HEAP));
	/* The views keep it. */
	CHECK(*at(colours[0], object(1)) == 78);
	return 0;
}
