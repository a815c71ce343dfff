// SPDX-License-Identifier: MIT OR Apache-2.0
/* Memory entries: made, mapped, given to a child, kept when all else is gone. */
#include <mach/mach.h>
#include <mach/mach_vm.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define PAGE	4096

static mach_port_t self(void)
{
	return mach_task_self();
}

static kern_return_t map(mach_port_t entry, mach_vm_size_t offset,
			 mach_vm_size_t size, vm_prot_t max, boolean_t copy,
			 char **memory)
{
	mach_vm_address_t address = 0;
	kern_return_t result;

	result = mach_vm_map(self(), &address, size, 0, VM_FLAGS_ANYWHERE,
			     entry, offset, copy, max, max,
			     copy ? VM_INHERIT_COPY : VM_INHERIT_NONE);
	*memory = (char *)address;
	return result;
}

static void unmap(char *memory, mach_vm_size_t size)
{
	CHECK_DONE(mach_vm_deallocate(self(), (mach_vm_address_t)memory, size));
}

static mach_port_t make(mach_vm_address_t address, mach_vm_size_t size,
			vm_prot_t permission, mach_port_t parent)
{
	mach_vm_size_t whole = size;
	mach_port_t entry;

	CHECK_DONE(mach_make_memory_entry_64(self(), &whole, address, permission,
					     &entry, parent));
	CHECK(whole == mach_vm_round_page(address + size) -
			       mach_vm_trunc_page(address));
	return entry;
}

static void fresh_memory(void)
{
	mach_port_t entry = make(0, 2 * PAGE + 1,
				 MAP_MEM_NAMED_CREATE | VM_PROT_DEFAULT,
				 MACH_PORT_NULL);
	char *one, *other, *copy;

	CHECK_DONE(map(entry, 0, 3 * PAGE, VM_PROT_DEFAULT, FALSE, &one));
	CHECK(!one[0] && !one[3 * PAGE - 1]);
	CHECK_DONE(map(entry, PAGE, PAGE, VM_PROT_READ, FALSE, &other));
	CHECK_DONE(map(entry, 0, PAGE, VM_PROT_DEFAULT, TRUE, &copy));
	strcpy(one + PAGE, "shared");
	strcpy(one, "not in the copy");
	CHECK(!strcmp(other, "shared"));
	CHECK(!copy[0]);
	CHECK_RETURNS(KERN_PROTECTION_FAILURE,
		      mach_vm_protect(self(), (mach_vm_address_t)other, PAGE,
				      FALSE, VM_PROT_DEFAULT));
	CHECK_RETURNS(KERN_INVALID_ARGUMENT,
		      map(entry, PAGE, 3 * PAGE, VM_PROT_READ, FALSE, &copy));
	CHECK_RETURNS(KERN_INVALID_ARGUMENT,
		      map(entry, 1, PAGE, VM_PROT_READ, FALSE, &copy));
	CHECK_RETURNS(KERN_INVALID_RIGHT,
		      map(entry, 0, PAGE, VM_PROT_ALL, FALSE, &copy));
	CHECK_RETURNS(KERN_INVALID_ARGUMENT,
		      map(self(), 0, PAGE, VM_PROT_READ, FALSE, &copy));
	/* Mappings keep the memory. */
	/* An empty range is none, wherever it begins. */
	CHECK_DONE(mach_vm_deallocate(self(), (mach_vm_address_t)one + 5, 0));
	CHECK_DONE(mach_port_deallocate(self(), entry));
	CHECK_RETURNS(KERN_INVALID_NAME, mach_port_deallocate(self(), entry));
	strcpy(one + PAGE, "still");
	CHECK(!strcmp(other, "still"));
	unmap(one, 3 * PAGE);
	unmap(other, PAGE);
}

static void placed(void)
{
	/* Where it would begin does not matter to new memory. */
	mach_port_t entry = make(PAGE, PAGE, MAP_MEM_NAMED_CREATE | VM_PROT_DEFAULT,
				 MACH_PORT_NULL);
	mach_vm_address_t place = 0x700000000123, again = place, masked = place;

	CHECK_DONE(mach_vm_map(self(), &place, PAGE, 0, VM_FLAGS_FIXED, entry, 0,
			       FALSE, VM_PROT_READ, VM_PROT_DEFAULT,
			       VM_INHERIT_SHARE));
	CHECK(place == 0x700000000000);
	CHECK_RETURNS(KERN_NO_SPACE,
		      mach_vm_map(self(), &again, PAGE, 0, VM_FLAGS_FIXED,
				  entry, 0, FALSE, VM_PROT_READ,
				  VM_PROT_DEFAULT, VM_INHERIT_SHARE));
	CHECK(again == 0x700000000123);
	CHECK_DONE(mach_vm_map(self(), &again, PAGE, 0, VM_FLAGS_OVERWRITE,
			       entry, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_DEFAULT,
			       VM_INHERIT_SHARE));
	CHECK(again == place);
	CHECK_DONE(mach_vm_map(self(), &masked, PAGE, 0xffff, VM_FLAGS_ANYWHERE,
			       entry, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_DEFAULT,
			       VM_INHERIT_SHARE));
	CHECK(masked == 0x700000010000);
	*(char *)place = 7;
	CHECK(*(char *)masked == 7);
	CHECK_RETURNS(KERN_NOT_SUPPORTED,
		      mach_vm_map(self(), &masked, PAGE, 0, VM_FLAGS_ANYWHERE,
				  entry, 0, FALSE, VM_PROT_READ, VM_PROT_READ,
				  VM_INHERIT_COPY));
	unmap((char *)place, PAGE);
	unmap((char *)masked, PAGE);
	CHECK_DONE(mach_port_deallocate(self(), entry));
}

static void memory_of_the_task(void)
{
	mach_vm_address_t memory = 0;
	mach_vm_size_t size = 3 * PAGE;
	mach_port_t entry, part, read_only;
	char *one, *other;
	int status;
	pid_t child;

	CHECK_DONE(mach_vm_allocate(self(), &memory, 3 * PAGE,
				    VM_FLAGS_ANYWHERE));
	strcpy((char *)memory + PAGE, "mine");
	entry = make(memory + 5, 2 * PAGE, VM_PROT_DEFAULT, MACH_PORT_NULL);
	part = make(PAGE, PAGE, VM_PROT_DEFAULT, entry);
	read_only = make(PAGE, PAGE, VM_PROT_READ, entry);

	/* A child has the names that its parent has. */
	child = fork();
	if (!child) {
		CHECK_DONE(map(part, 0, PAGE, VM_PROT_DEFAULT, FALSE, &one));
		CHECK(!strcmp(one, "mine"));
		strcpy(one, "the child's");
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child && !status);
	CHECK(!strcmp((char *)memory + PAGE, "the child's"));

	CHECK_RETURNS(KERN_INVALID_RIGHT, map(read_only, 0, PAGE,
					      VM_PROT_DEFAULT, FALSE, &one));
	CHECK_DONE(map(read_only, 0, PAGE, VM_PROT_READ, FALSE, &one));
	CHECK(!strcmp(one, "the child's"));
	CHECK_RETURNS(KERN_PROTECTION_FAILURE,
		      mach_make_memory_entry_64(self(), &size, 0, VM_PROT_DEFAULT,
						&part, read_only));
	CHECK_RETURNS(KERN_INVALID_ARGUMENT,
		      mach_make_memory_entry_64(self(), &size, PAGE,
						VM_PROT_DEFAULT, &part, entry));
	/* Whatever becomes of the addresses. */
	unmap((char *)memory, 3 * PAGE);
	CHECK_DONE(map(entry, PAGE, PAGE, VM_PROT_DEFAULT, FALSE, &other));
	strcpy(other, "kept");
	CHECK(!strcmp(one, "kept"));
	CHECK_RETURNS(KERN_INVALID_ADDRESS,
		      mach_make_memory_entry_64(self(), &size, memory,
						VM_PROT_DEFAULT, &part,
						MACH_PORT_NULL));
	CHECK(size == 3 * PAGE);
	CHECK_RETURNS(KERN_NOT_SUPPORTED,
		      mach_make_memory_entry_64(self(), &size, memory,
						VM_PROT_DEFAULT |
							MAP_MEM_ONLY,
						&part, entry));
}

/* Memory without an entry, by what a child sees of it. */
static void inherited(void)
{
	static const vm_inherit_t ways[] = { VM_INHERIT_SHARE, VM_INHERIT_COPY };
	mach_vm_address_t gone = 0x700000100000;
	int status;
	pid_t child;

	for (int i = 0; i < 2; i++) {
		mach_vm_address_t place = 0x700000000000;

		CHECK_DONE(mach_vm_map(self(), &place, PAGE, 0, VM_FLAGS_FIXED,
				       MACH_PORT_NULL, 0, FALSE, VM_PROT_DEFAULT,
				       VM_PROT_ALL, ways[i]));
		child = fork();
		if (!child) {
			*(char *)place = 9;
			_exit(0);
		}
		CHECK(waitpid(child, &status, 0) == child && !status);
		CHECK(*(char *)place == (ways[i] == VM_INHERIT_SHARE ? 9 : 0));
		unmap((char *)place, PAGE);
	}
	CHECK_DONE(mach_vm_map(self(), &gone, PAGE, 0, VM_FLAGS_FIXED,
			       MACH_PORT_NULL, 0, FALSE, VM_PROT_DEFAULT,
			       VM_PROT_ALL, VM_INHERIT_NONE));
	child = fork();
	if (!child)
		_exit(mach_vm_protect(self(), gone, PAGE, FALSE, VM_PROT_READ));
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WEXITSTATUS(status) == KERN_INVALID_ADDRESS);
}

int main(void)
{
	fresh_memory();
	placed();
	memory_of_the_task();
	inherited();
	return 0;
}
