// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Memory of an emulated machine: its first half megabyte is seen once more at
 * 8 MiB and, as the ROM of a device that only reads it, at 16 MiB.
 */
#include <mach/mach.h>
#include <mach/mach_vm.h>
#include <stdint.h>
#include <string.h>

#include "check.h"

#define LOW		0x80000
#define MIRROR		0x800000
#define WINDOW		0x1000000
#define RAM		0x400000

int main(void)
{
	mach_vm_address_t ram = 0, place;
	vm_prot_t cur = VM_PROT_NONE, max = VM_PROT_NONE;

	/* The machine's addresses begin at a round one of ours. */
	CHECK_DONE(mach_vm_map(mach_task_self(), &ram, RAM, 0x1ffffff,
			       VM_FLAGS_ANYWHERE, MACH_PORT_NULL, 0, FALSE,
			       VM_PROT_DEFAULT, VM_PROT_ALL,
			       VM_INHERIT_DEFAULT));
	CHECK(ram && !(ram & 0x1ffffff));
	memcpy((void *)(ram + 0x7c00), "boot", 5);

	place = ram + MIRROR;
	CHECK_DONE(mach_vm_remap(mach_task_self(), &place, LOW, 0,
				 VM_FLAGS_FIXED, mach_task_self(), ram, FALSE,
				 &cur, &max, VM_INHERIT_SHARE));
	CHECK(place == ram + MIRROR);
	CHECK(!strcmp((char *)(place + 0x7c00), "boot"));
	strcpy((char *)(place + 0x7c00), "BOOT");
	CHECK(!strcmp((char *)(ram + 0x7c00), "BOOT"));

	/* What is there stays there. */
	place = ram + MIRROR + LOW - 1;
	cur = 42;
	CHECK_RETURNS(KERN_NO_SPACE,
		      mach_vm_remap(mach_task_self(), &place, LOW, 0,
				    VM_FLAGS_FIXED, mach_task_self(), ram,
				    FALSE, &cur, &max, VM_INHERIT_SHARE));
	CHECK(place == ram + MIRROR + LOW - 1 && cur == 42);

	place = ram + WINDOW;
	cur = VM_PROT_READ;
	max = VM_PROT_READ;
	CHECK_DONE(mach_vm_remap_new(mach_task_self(), &place, LOW, 0,
				     VM_FLAGS_FIXED, mach_task_self(), ram,
				     FALSE, &cur, &max, VM_INHERIT_NONE));
	CHECK(cur == VM_PROT_READ && max == VM_PROT_READ);
	CHECK(!strcmp((char *)(place + 0x7c00), "BOOT"));
	CHECK_RETURNS(KERN_PROTECTION_FAILURE,
		      mach_vm_protect(mach_task_self(), place, LOW, FALSE,
				      VM_PROT_DEFAULT));

	/* A page of the mirror is a device's from now on. */
	place = ram + MIRROR + 0x1000;
	CHECK_DONE(mach_vm_deallocate(mach_task_self(), place, 0x1000));
	CHECK_DONE(mach_vm_allocate(mach_task_self(), &place, 0x1000,
				    VM_FLAGS_FIXED));
	*(char *)place = 1;
	CHECK(*(char *)(ram + 0x1000) == 0);
	return 0;
}
