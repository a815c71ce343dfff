/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What vm_remap() says and does, by its description: the order in which it looks
 * at its parameters, and what it makes of each. Where Linux cannot do as macOS
 * does, it is what libiomd.rst says.
 */
#ifndef MODEL_H
#define MODEL_H

#include <mach/mach.h>
#include <stdbool.h>
#include <stdint.h>

#define PAGE		((uint64_t)4096)
#define KNOWN_FLAGS	(VM_FLAGS_ANYWHERE | VM_FLAGS_OVERWRITE | \
			 VM_FLAGS_RETURN_DATA_ADDR)

/* What is mapped at a page of the source. */
struct page {
	bool mapped;
	vm_prot_t cur;
	vm_prot_t max;
	/* Memory that can be mapped again as it is, to be executed too. */
	bool shared;
};

/* Where source and target are, and what is there. */
struct world {
	uint64_t source;
	const struct page *pages;
	unsigned int count;
	/* Single pages, in rising order, that nothing may go over. */
	const uint64_t *occupied;
	unsigned int occupied_count;
	/* Where a task's addresses end that it asks for, and that are found. */
	uint64_t fixed_end;
	uint64_t anywhere_end;
	uint64_t anywhere_start;
};

struct request {
	bool target, source_task;
	uint64_t address;
	uint64_t size;
	uint64_t mask;
	int flags;
	uint64_t source;
	bool copy;
	/* Of the form that takes protections. */
	bool new_form;
	vm_prot_t cur, max;
	vm_inherit_t inheritance;
};

/* What comes of it: address and protections only if it is done. */
struct outcome {
	kern_return_t result;
	uint64_t address;
	/* The first page of the target and of the source, and how many. */
	uint64_t start;
	uint64_t source_start;
	uint64_t pages;
	vm_prot_t cur, max;
};

static kern_return_t check_parameters(const struct request *request)
{
	unsigned int flags = (unsigned int)request->flags &
			     ~VM_FLAGS_ALIAS_MASK;
	vm_prot_t both = VM_PROT_WRITE | VM_PROT_EXECUTE;

	if (flags & VM_FLAGS_RANDOM_ADDR)
		return KERN_NOT_SUPPORTED;
	if (flags & ~KNOWN_FLAGS)
		return KERN_INVALID_ARGUMENT;
	if (!request->target || !request->source_task)
		return KERN_INVALID_ARGUMENT;
	if (request->inheritance > VM_INHERIT_NONE)
		return KERN_INVALID_ARGUMENT;
	/* Linux cannot copy shared memory at a fork. */
	if (request->inheritance == VM_INHERIT_COPY && !request->copy)
		return KERN_NOT_SUPPORTED;
	if (request->new_form) {
		if ((request->cur | request->max) & ~VM_PROT_ALL ||
		    request->cur & ~request->max)
			return KERN_INVALID_ARGUMENT;
		if ((request->max & both) == both)
			return KERN_PROTECTION_FAILURE;
	}
	if (!request->size || request->source + request->size < request->source)
		return KERN_INVALID_ARGUMENT;
	return KERN_SUCCESS;
}

/* Which pages of the source it is about. */
static kern_return_t source_pages(const struct request *request,
				  struct outcome *outcome)
{
	uint64_t bytes = request->size;

	outcome->source_start = request->source / PAGE * PAGE;
	if (request->flags & VM_FLAGS_RETURN_DATA_ADDR)
		bytes += request->source % PAGE;
	outcome->pages = bytes / PAGE + (bytes % PAGE != 0);
	/* The end of the last page is beyond the last address. */
	if (outcome->pages > (UINT64_MAX - outcome->source_start) / PAGE)
		return KERN_INVALID_ARGUMENT;
	return KERN_SUCCESS;
}

static const struct page *page_at(const struct world *world, uint64_t address)
{
	uint64_t index = (address - world->source) / PAGE;

	if (address < world->source || index >= world->count ||
	    !world->pages[index].mapped)
		return NULL;
	return &world->pages[index];
}

/* What may be done with the new mapping of a page at most. */
static vm_prot_t possible(const struct request *request,
			  const struct page *page)
{
	bool whole = request->inheritance != VM_INHERIT_NONE;

	if (request->copy)
		whole = whole && !request->new_form && page->max == VM_PROT_ALL;
	else
		whole = whole && page->shared &&
			(!request->new_form || request->max == page->max);
	return whole ? VM_PROT_ALL : VM_PROT_DEFAULT;
}

static kern_return_t protections(const struct world *world,
				 const struct request *request,
				 struct outcome *outcome)
{
	outcome->cur = VM_PROT_ALL;
	outcome->max = VM_PROT_ALL;
	for (uint64_t i = 0; i < outcome->pages; i++)
		if (!page_at(world, outcome->source_start + i * PAGE))
			return KERN_INVALID_ADDRESS;
	for (uint64_t i = 0; i < outcome->pages; i++) {
		const struct page *page =
			page_at(world, outcome->source_start + i * PAGE);
		vm_prot_t most = possible(request, page);
		vm_prot_t cur = page->cur & most, max = page->max & most;

		if (request->copy && !(page->max & VM_PROT_READ))
			return KERN_PROTECTION_FAILURE;
		if (request->new_form) {
			if (!request->copy && (request->cur & ~page->cur ||
					       request->max & ~page->max))
				return KERN_PROTECTION_FAILURE;
			if (request->max & ~most)
				return KERN_PROTECTION_FAILURE;
			cur = request->cur;
			max = request->max;
		}
		outcome->cur &= cur;
		outcome->max &= max;
	}
	return KERN_SUCCESS;
}

/* The end of what is first in the way of a range; 0 if nothing is. */
static uint64_t in_the_way(const struct world *world, uint64_t start,
			   uint64_t bytes)
{
	for (unsigned int i = 0; i < world->occupied_count; i++) {
		uint64_t begin = world->occupied[i];

		if (begin < start + bytes && begin + PAGE > start)
			return begin + PAGE;
	}
	return 0;
}

static kern_return_t place(const struct world *world,
			   const struct request *request,
			   struct outcome *outcome)
{
	uint64_t bytes = outcome->pages * PAGE;
	uint64_t start = request->address / PAGE * PAGE;

	if (!(request->flags & VM_FLAGS_ANYWHERE)) {
		if (start & request->mask)
			return KERN_NO_SPACE;
		if (start > world->fixed_end || bytes > world->fixed_end - start)
			return KERN_INVALID_ADDRESS;
		if (!(request->flags & VM_FLAGS_OVERWRITE) &&
		    in_the_way(world, start, bytes))
			return KERN_NO_SPACE;
		outcome->start = start;
		return KERN_SUCCESS;
	}
	if (start < world->anywhere_start)
		start = world->anywhere_start;
	for (;;) {
		uint64_t next;

		if (start > UINT64_MAX - request->mask)
			return KERN_NO_SPACE;
		start = (start + request->mask) & ~request->mask;
		if (start > world->anywhere_end ||
		    bytes > world->anywhere_end - start)
			return KERN_NO_SPACE;
		next = in_the_way(world, start, bytes);
		if (!next)
			break;
		start = next;
	}
	outcome->start = start;
	return KERN_SUCCESS;
}

static struct outcome model(const struct world *world,
			    const struct request *request)
{
	struct outcome outcome = { .result = check_parameters(request) };

	if (!outcome.result)
		outcome.result = source_pages(request, &outcome);
	if (!outcome.result)
		outcome.result = protections(world, request, &outcome);
	if (!outcome.result)
		outcome.result = place(world, request, &outcome);
	outcome.address = outcome.start;
	if (request->flags & VM_FLAGS_RETURN_DATA_ADDR)
		outcome.address += request->source % PAGE;
	return outcome;
}

#endif
