// SPDX-License-Identifier: MIT OR Apache-2.0
/* Where there is no /dev/iomd, a call fails and changes nothing. */
#include <mach/mach.h>
#include <mach/mach_vm.h>
#include <unistd.h>

#include "check.h"

int main(void)
{
	mach_vm_address_t memory = 0, place = 42;
	vm_prot_t cur = 42, max = 43;
	mach_vm_size_t size = 4096;
	mach_port_t port = 44;

	CHECK_DONE(mach_vm_allocate(mach_task_self(), &memory, size,
				    VM_FLAGS_ANYWHERE));
	CHECK(!chroot("/proc"));
	CHECK_RETURNS(KERN_FAILURE,
		      mach_vm_remap(mach_task_self(), &place, size, 0,
				    VM_FLAGS_ANYWHERE, mach_task_self(), memory,
				    FALSE, &cur, &max, VM_INHERIT_NONE));
	CHECK(place == 42 && cur == 42 && max == 43);
	CHECK_RETURNS(KERN_FAILURE,
		      mach_make_memory_entry_64(mach_task_self(), &size, memory,
						VM_PROT_DEFAULT, &port,
						MACH_PORT_NULL));
	CHECK_RETURNS(KERN_FAILURE,
		      task_for_pid(mach_task_self(), getpid(), &port));
	CHECK(size == 4096 && port == 44);
	CHECK_DONE(mach_vm_deallocate(mach_task_self(), memory, size));
	return 0;
}
