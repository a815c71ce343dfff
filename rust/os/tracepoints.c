// SPDX-License-Identifier: GPL-2.0
/*
 * The tracepoints, and a function for each: to fire one is a macro, of which
 * only the declarations can be used in Rust.
 */

#define CREATE_TRACE_POINTS
#include "tracepoints.h"
#include "helpers.h"

void iomd_trace_descriptor_create(u64 descriptor, u64 pages, bool sparse)
{
	trace_iomd_descriptor_create(descriptor, pages, sparse);
}

void iomd_trace_map_create(u64 map, u64 descriptor, u64 first_page)
{
	trace_iomd_map_create(map, descriptor, first_page, 0);
}

void iomd_trace_redirect(u64 map, u64 descriptor, u64 first_page, u64 pinned)
{
	trace_iomd_redirect(map, descriptor, first_page, pinned);
}

void iomd_trace_suspend(u64 map)
{
	trace_iomd_suspend(map);
}

void iomd_trace_resume(u64 map)
{
	trace_iomd_resume(map);
}

void iomd_trace_descriptor_suspend(u64 descriptor)
{
	trace_iomd_descriptor_suspend(descriptor);
}

void iomd_trace_descriptor_resume(u64 descriptor)
{
	trace_iomd_descriptor_resume(descriptor);
}

void iomd_trace_end(u64 map)
{
	trace_iomd_end(map);
}

void iomd_trace_static_map_create(u64 map, u64 part_of, u64 descriptor,
				  u64 first_page, u64 address, bool sub_map)
{
	trace_iomd_static_map_create(map, part_of, descriptor, first_page,
				     address, sub_map);
}

void iomd_trace_static_map_end(u64 map)
{
	trace_iomd_static_map_end(map);
}

void iomd_trace_map_into_task(u64 map, int process, u64 address, u64 pages)
{
	trace_iomd_map_into_task(map, process, address, pages);
}

void iomd_trace_purge(u64 descriptor, u64 pages)
{
	trace_iomd_purge(descriptor, pages);
}

void iomd_trace_fault(u64 map, u64 page)
{
	trace_iomd_fault(map, page);
}

void iomd_trace_wait(u64 map, u64 page, u64 nanoseconds)
{
	trace_iomd_wait(map, page, nanoseconds);
}
