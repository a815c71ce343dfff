// SPDX-License-Identifier: MIT OR Apache-2.0
/* Memory in another task, which does nothing for that. */
#include <mach/mach_vm.h>

#include <csignal>
#include <cstring>
#include <sys/wait.h>
#include <unistd.h>

#include "objects.hh"

/* A process that does nothing but to have memory. */
struct other_task {
	other_task()
	{
		pid = fork();
		CHECK(pid >= 0);
		if (!pid)
			for (;;)
				pause();
		CHECK_DONE(task_for_pid(mach_task_self(), pid, &port));
	}

	~other_task()
	{
		kill(pid, SIGKILL);
		CHECK(waitpid(pid, nullptr, 0) == pid);
		CHECK_DONE(mach_port_deallocate(mach_task_self(), port));
	}

	/* What the other has there. */
	const char *see(mach_vm_address_t address)
	{
		mach_vm_address_t here = 0;
		vm_prot_t cur, max;

		CHECK_DONE(mach_vm_remap(mach_task_self(), &here, page, 0,
					 VM_FLAGS_ANYWHERE, port, address, TRUE,
					 &cur, &max, VM_INHERIT_DEFAULT));
		return reinterpret_cast<const char *>(here);
	}

	pid_t pid;
	task_t port;
};

int main()
{
	other_task other;
	auto *memory = buffer(page);
	IOMemoryMap *map = memory->createMappingInTask(other.port, 0,
						       kIOMapAnywhere);
	mach_vm_size_t size = page;
	mach_vm_address_t place = 0x700000000000;
	mach_port_t entry;

	CHECK(map && map->getAddressTask() == other.port);
	CHECK(memory->writeBytes(0, "theirs", 7) == 7);
	CHECK(!strcmp(other.see(map->getAddress()), "theirs"));
	IOMemoryMap *same = memory->createMappingInTask(other.port, 0,
							kIOMapAnywhere);
	CHECK(same == map);
	same->release();
	map->release();
	memory->release();

	CHECK_DONE(mach_make_memory_entry_64(
		mach_task_self(), &size, 0,
		MAP_MEM_NAMED_CREATE | VM_PROT_DEFAULT, &entry, MACH_PORT_NULL));
	CHECK_DONE(mach_vm_map(other.port, &place, page, 0, VM_FLAGS_FIXED,
			       entry, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_DEFAULT,
			       VM_INHERIT_NONE));
	CHECK(!*other.see(place));
	CHECK_RETURNS(KERN_NOT_SUPPORTED,
		      mach_vm_allocate(other.port, &place, page,
				       VM_FLAGS_ANYWHERE));
	CHECK_RETURNS(KERN_NOT_SUPPORTED,
		      mach_vm_deallocate(other.port, place, page));
	CHECK_DONE(mach_port_deallocate(mach_task_self(), entry));
	return 0;
}
