// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * vm_remap() with each parameter at and around its edges: alone, and several at
 * a time. What comes of it is what the model says; a refusal changes nothing.
 */
#include <mach/mach.h>
#include <mach/mach_vm.h>
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "model.h"

#define CASES		400
/* The least that must not be refused: else it tries refusals only. */
#define DONE		100

#define SOURCE		0x3000000000
#define TARGET		0x1000000000

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

static const struct page pages[] = {
	{ .mapped = true, .cur = 3, .max = 7 },
	{ .mapped = true, .cur = 1, .max = 7 },
	{ .mapped = false },
	{ .mapped = true, .cur = 3, .max = 7, .shared = true },
	{ .mapped = true, .cur = 1, .max = 1 },
	{ .mapped = true, .cur = 3, .max = 7 },
};

static const uint64_t occupied[] = {
	TARGET + 2 * PAGE, TARGET + 3 * PAGE, TARGET + 7 * PAGE,
};

static struct world world = {
	.source = SOURCE,
	.pages = pages,
	.count = COUNT(pages),
	.occupied = occupied,
	.occupied_count = COUNT(occupied),
	.anywhere_end = ((uint64_t)1 << 47) - PAGE,
	.anywhere_start = 64 << 10,
};

/* The first of each is what suits all others. */
static const uint64_t addresses[] = {
	TARGET + 4 * PAGE, TARGET, TARGET + PAGE - 1, TARGET + PAGE,
	TARGET + 2 * PAGE, TARGET + 6 * PAGE, TARGET + 7 * PAGE + 1,
	TARGET + 8 * PAGE, ((uint64_t)1 << 47) - 2 * PAGE,
	((uint64_t)1 << 47) - PAGE, (uint64_t)1 << 56,
	UINT64_MAX - PAGE + 1, UINT64_MAX,
};

static const uint64_t sizes[] = {
	PAGE, 1, PAGE - 1, PAGE + 1, 2 * PAGE, 2 * PAGE + 1, 3 * PAGE, 0,
	(uint64_t)1 << 47, UINT64_MAX - SOURCE, UINT64_MAX,
};

static const uint64_t masks[] = {
	0, 1, PAGE - 1, PAGE, 2 * PAGE - 1, 4 * PAGE - 1, 5 * PAGE,
	(uint64_t)1 << 46, UINT64_MAX,
};

static const int flags[] = {
	VM_FLAGS_FIXED, VM_FLAGS_ANYWHERE, VM_FLAGS_OVERWRITE,
	VM_FLAGS_RETURN_DATA_ADDR,
	VM_FLAGS_ANYWHERE | VM_FLAGS_RETURN_DATA_ADDR,
	VM_FLAGS_OVERWRITE | VM_FLAGS_RETURN_DATA_ADDR,
	VM_FLAGS_ANYWHERE | 0x12000000, VM_FLAGS_RANDOM_ADDR, 0x2000,
};

static const uint64_t sources[] = {
	SOURCE, SOURCE + 1, SOURCE + PAGE - 1, SOURCE + PAGE, SOURCE + 2 * PAGE,
	SOURCE + 3 * PAGE, SOURCE + 4 * PAGE + 5, SOURCE + 5 * PAGE, SOURCE - 1,
	SOURCE + 6 * PAGE, 0, UINT64_MAX,
};

static const vm_inherit_t inheritances[] = {
	VM_INHERIT_SHARE, VM_INHERIT_NONE, VM_INHERIT_COPY, 3, ~0U,
};

/* As the source has it, and then as is asked for. */
static const vm_prot_t wanted[][2] = {
	{ -1, -1 }, { 3, 3 }, { 1, 3 }, { 1, 1 }, { 0, 0 }, { 0, 1 }, { 2, 3 },
	{ 3, 1 }, { 5, 5 }, { 1, 7 }, { 0, 6 }, { 8, 8 }, { 1, 9 },
};

enum parameter {
	ADDRESS, SIZE, MASK, FLAGS, FROM, COPY, INHERITANCE, WANTED, TARGET_TASK,
	SOURCE_TASK, PARAMETERS
};

static const unsigned int counts[PARAMETERS] = {
	COUNT(addresses), COUNT(sizes), COUNT(masks), COUNT(flags),
	COUNT(sources), 2, COUNT(inheritances), COUNT(wanted), 3, 3,
};

static mach_port_t entry;

static mach_port_t task(unsigned int which)
{
	return which == 0 ? mach_task_self() :
	       which == 1 ? MACH_PORT_NULL : entry;
}

static void occupy(void)
{
	for (unsigned int i = 0; i < COUNT(occupied); i++) {
		mach_vm_address_t place = occupied[i];

		CHECK_DONE(mach_vm_allocate(mach_task_self(), &place, PAGE,
					    VM_FLAGS_OVERWRITE));
		*(uint64_t *)place = 77;
	}
}

/* Each page begins with its number. */
static void make_source(void)
{
	mach_vm_size_t size = PAGE;
	vm_prot_t permission = MAP_MEM_NAMED_CREATE | VM_PROT_DEFAULT;
	mach_port_t read_only;

	CHECK_DONE(mach_make_memory_entry_64(mach_task_self(), &size, 0,
					     permission, &entry,
					     MACH_PORT_NULL));
	CHECK_DONE(mach_make_memory_entry_64(mach_task_self(), &size, 0,
					     VM_PROT_READ, &read_only, entry));
	for (unsigned int i = 0; i < COUNT(pages); i++) {
		mach_vm_address_t place = SOURCE + i * PAGE;
		bool is_entry = pages[i].mapped && pages[i].max == VM_PROT_READ;

		if (!pages[i].mapped)
			continue;
		CHECK_DONE(mach_vm_map(mach_task_self(), &place, PAGE, 0,
				       VM_FLAGS_FIXED,
				       is_entry ? entry : MACH_PORT_NULL, 0,
				       FALSE, VM_PROT_DEFAULT,
				       is_entry ? VM_PROT_DEFAULT : VM_PROT_ALL,
				       is_entry || pages[i].shared ?
					       VM_INHERIT_SHARE :
					       VM_INHERIT_COPY));
		*(uint64_t *)place = i;
		if (is_entry)
			CHECK_DONE(mach_vm_map(mach_task_self(), &place, PAGE,
					       0, VM_FLAGS_OVERWRITE, read_only,
					       0, FALSE, VM_PROT_READ,
					       VM_PROT_READ, VM_INHERIT_SHARE));
		else
			CHECK_DONE(mach_vm_protect(mach_task_self(), place,
						   PAGE, FALSE, pages[i].cur));
	}
}

/* Later on processors with a fifth level of page tables. */
static uint64_t end_of_addresses(void)
{
	FILE *file = fopen("/proc/cpuinfo", "r");
	char line[8192];
	int bits = 47;

	CHECK(file);
	while (fgets(line, sizeof(line), file))
		if (strstr(line, " la57"))
			bits = 56;
	fclose(file);
	return ((uint64_t)1 << bits) - PAGE;
}

static void show(const unsigned int choice[PARAMETERS])
{
	fprintf(stderr, "case:");
	for (int i = 0; i < PARAMETERS; i++)
		fprintf(stderr, " %u", choice[i]);
	fprintf(stderr, "\n");
}

/* Whether the new mapping is there, and is what was asked for; and away with it. */
static void look(const struct request *request, const struct outcome *outcome)
{
	uint64_t first = (outcome->source_start - SOURCE) / PAGE;

	for (uint64_t i = 0; i < outcome->pages; i++) {
		uint64_t *word = (uint64_t *)(outcome->start + i * PAGE);
		uint64_t *theirs = (uint64_t *)(SOURCE + (first + i) * PAGE);

		if (!(outcome->cur & VM_PROT_READ))
			break;
		CHECK(*word == first + i);
		if (!(outcome->cur & VM_PROT_WRITE))
			continue;
		*word = 99;
		CHECK(*theirs == (request->copy ? first + i : 99));
		*word = first + i;
	}
	CHECK_DONE(mach_vm_deallocate(mach_task_self(), outcome->start,
				      outcome->pages * PAGE));
	if (request->flags & VM_FLAGS_OVERWRITE)
		occupy();
}

/* Tries one; whether it is done. */
static bool try(const unsigned int choice[PARAMETERS])
{
	struct request request = {
		.target = !choice[TARGET_TASK],
		.source_task = !choice[SOURCE_TASK],
		.address = addresses[choice[ADDRESS]],
		.size = sizes[choice[SIZE]],
		.mask = masks[choice[MASK]],
		.flags = flags[choice[FLAGS]],
		.source = sources[choice[FROM]],
		.copy = choice[COPY],
		.new_form = choice[WANTED],
		.cur = wanted[choice[WANTED]][0],
		.max = wanted[choice[WANTED]][1],
		.inheritance = inheritances[choice[INHERITANCE]],
	};
	struct outcome outcome = model(&world, &request);
	mach_vm_address_t address = request.address;
	vm_prot_t cur = request.cur, max = request.max;
	mach_port_t target = task(choice[TARGET_TASK]);
	mach_port_t source = task(choice[SOURCE_TASK]);
	kern_return_t result;

	if (request.new_form)
		result = mach_vm_remap_new(target, &address, request.size,
					   request.mask, request.flags, source,
					   request.source, request.copy, &cur,
					   &max, request.inheritance);
	else
		result = mach_vm_remap(target, &address, request.size,
				       request.mask, request.flags, source,
				       request.source, request.copy, &cur,
				       &max, request.inheritance);
	if (result != outcome.result) {
		show(choice);
		CHECK_RETURNS(outcome.result, result);
	}
	if (result) {
		CHECK(address == request.address);
		CHECK(cur == request.cur && max == request.max);
		return false;
	}
	if (address != outcome.address || cur != outcome.cur ||
	    max != outcome.max)
		show(choice);
	CHECK(address == outcome.address);
	CHECK(cur == outcome.cur && max == outcome.max);
	look(&request, &outcome);
	return true;
}

/* The same numbers each time. */
static unsigned int below(unsigned int end)
{
	static uint64_t state = 7;

	state = state * 6364136223846793005 + 1442695040888963407;
	return (unsigned int)(state >> 33) % end;
}

int main(void)
{
	int done = 0;

	world.fixed_end = end_of_addresses();
	make_source();
	occupy();
	for (int i = 0; i < PARAMETERS; i++) {
		unsigned int choice[PARAMETERS] = { 0 };

		for (; choice[i] < counts[i]; choice[i]++)
			done += try(choice);
	}
	for (int number = 0; number < CASES; number++) {
		unsigned int choice[PARAMETERS] = { 0 };

		for (int i = 0; i < TARGET_TASK; i++)
			if (below(3) == 0)
				choice[i] = below(counts[i]);
		done += try(choice);
	}
	CHECK(done >= DONE);
	for (unsigned int i = 0; i < COUNT(occupied); i++)
		CHECK(*(uint64_t *)occupied[i] == 77);
	return 0;
}
