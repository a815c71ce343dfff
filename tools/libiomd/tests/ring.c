// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A ring buffer whose memory is there twice, one after the other, so that what
 * is in it is never in two pieces: as programs for macOS make it.
 */
#include <mach/mach.h>
#include <string.h>

#include "check.h"

struct ring {
	vm_address_t start;
	vm_size_t length;
};

static void ring_create(struct ring *ring, vm_size_t length)
{
	for (;;) {
		vm_address_t address, mirror;
		vm_prot_t cur, max;
		kern_return_t result;

		length = round_page(length);
		CHECK_DONE(vm_allocate(mach_task_self(), &address, 2 * length,
				       VM_FLAGS_ANYWHERE));
		CHECK_DONE(vm_deallocate(mach_task_self(), address + length,
					 length));
		mirror = address + length;
		result = vm_remap(mach_task_self(), &mirror, length, 0,
				  VM_MAKE_TAG(VM_MEMORY_APPLICATION_SPECIFIC_1),
				  mach_task_self(), address, 0, &cur, &max,
				  VM_INHERIT_DEFAULT);
		if (result == KERN_NO_SPACE) {
			/* Another thread was faster. */
			vm_deallocate(mach_task_self(), address, length);
			continue;
		}
		CHECK_DONE(result);
		CHECK(mirror == address + length);
		ring->start = address;
		ring->length = length;
		return;
	}
}

int main(void)
{
	static const char words[] = "over the edge";
	struct ring ring;
	char *tail;

	ring_create(&ring, 3 * PAGE_SIZE - 7);
	CHECK(ring.length == 3 * PAGE_SIZE);
	tail = (char *)(ring.start + ring.length - 4);
	memcpy(tail, words, sizeof(words));
	CHECK(!memcmp((char *)ring.start, words + 4, sizeof(words) - 4));
	CHECK_DONE(vm_protect(mach_task_self(), ring.start, ring.length, FALSE,
			      VM_PROT_READ));
	CHECK(!strcmp(tail, words));
	CHECK_DONE(vm_deallocate(mach_task_self(), ring.start,
				 2 * ring.length));
	CHECK_RETURNS(KERN_INVALID_ADDRESS,
		      vm_protect(mach_task_self(), ring.start, ring.length,
				 FALSE, VM_PROT_READ));
	return 0;
}
