/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What can be watched: under events/iomd in tracefs. Ids are those of
 * Documentation/uapi.rst; pages count from the start of the map.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM iomd

#if !defined(_IOMD_TRACEPOINTS_H) || defined(TRACE_HEADER_MULTI_READ)
#define _IOMD_TRACEPOINTS_H

#include <linux/tracepoint.h>

TRACE_EVENT(iomd_descriptor_create,
	TP_PROTO(u64 descriptor, u64 pages, bool sparse),
	TP_ARGS(descriptor, pages, sparse),
	TP_STRUCT__entry(
		__field(u64, descriptor)
		__field(u64, pages)
		__field(bool, sparse)
	),
	TP_fast_assign(
		__entry->descriptor = descriptor;
		__entry->pages = pages;
		__entry->sparse = sparse;
	),
	TP_printk("descriptor=%llu pages=%llu sparse=%d",
		  __entry->descriptor, __entry->pages, __entry->sparse)
);

DECLARE_EVENT_CLASS(iomd_shown,
	TP_PROTO(u64 map, u64 descriptor, u64 first_page, u64 pinned),
	TP_ARGS(map, descriptor, first_page, pinned),
	TP_STRUCT__entry(
		__field(u64, map)
		__field(u64, descriptor)
		__field(u64, first_page)
		__field(u64, pinned)
	),
	TP_fast_assign(
		__entry->map = map;
		__entry->descriptor = descriptor;
		__entry->first_page = first_page;
		__entry->pinned = pinned;
	),
	TP_printk("map=%llu descriptor=%llu first_page=%llu pinned=%llu",
		  __entry->map, __entry->descriptor, __entry->first_page,
		  __entry->pinned)
);

/* A map shows this part of a descriptor, nothing yet mapped through it */
DEFINE_EVENT(iomd_shown, iomd_map_create,
	TP_PROTO(u64 map, u64 descriptor, u64 first_page, u64 pinned),
	TP_ARGS(map, descriptor, first_page, pinned)
);

/* A map shows this part of a descriptor from now on */
DEFINE_EVENT(iomd_shown, iomd_redirect,
	TP_PROTO(u64 map, u64 descriptor, u64 first_page, u64 pinned),
	TP_ARGS(map, descriptor, first_page, pinned)
);

DECLARE_EVENT_CLASS(iomd_map,
	TP_PROTO(u64 map),
	TP_ARGS(map),
	TP_STRUCT__entry(
		__field(u64, map)
	),
	TP_fast_assign(
		__entry->map = map;
	),
	TP_printk("map=%llu", __entry->map)
);

/* Accesses through a map wait until it is redirected or resumed */
DEFINE_EVENT(iomd_map, iomd_suspend,
	TP_PROTO(u64 map),
	TP_ARGS(map)
);

/* A suspension is over, on the last memory */
DEFINE_EVENT(iomd_map, iomd_resume,
	TP_PROTO(u64 map),
	TP_ARGS(map)
);

DECLARE_EVENT_CLASS(iomd_descriptor,
	TP_PROTO(u64 descriptor),
	TP_ARGS(descriptor),
	TP_STRUCT__entry(
		__field(u64, descriptor)
	),
	TP_fast_assign(
		__entry->descriptor = descriptor;
	),
	TP_printk("descriptor=%llu", __entry->descriptor)
);

/* Accesses through all maps of a descriptor wait until it is resumed */
DEFINE_EVENT(iomd_descriptor, iomd_descriptor_suspend,
	TP_PROTO(u64 descriptor),
	TP_ARGS(descriptor)
);

/* Such a suspension is over */
DEFINE_EVENT(iomd_descriptor, iomd_descriptor_resume,
	TP_PROTO(u64 descriptor),
	TP_ARGS(descriptor)
);

/* A mapping has ended: accesses get SIGBUS */
DEFINE_EVENT(iomd_map, iomd_end,
	TP_PROTO(u64 map),
	TP_ARGS(map)
);

/* A sub-map or a record was made, of what is mapped somewhere */
TRACE_EVENT(iomd_static_map_create,
	TP_PROTO(u64 map, u64 part_of, u64 descriptor, u64 first_page,
		 u64 address, bool sub_map),
	TP_ARGS(map, part_of, descriptor, first_page, address, sub_map),
	TP_STRUCT__entry(
		__field(u64, map)
		__field(u64, part_of)
		__field(u64, descriptor)
		__field(u64, first_page)
		__field(u64, address)
		__field(bool, sub_map)
	),
	TP_fast_assign(
		__entry->map = map;
		__entry->part_of = part_of;
		__entry->descriptor = descriptor;
		__entry->first_page = first_page;
		__entry->address = address;
		__entry->sub_map = sub_map;
	),
	TP_printk("map=%llu part_of=%llu descriptor=%llu first_page=%llu address=%llu sub_map=%d",
		  __entry->map, __entry->part_of, __entry->descriptor,
		  __entry->first_page, __entry->address, __entry->sub_map)
);

/* A sub-map or a record has ended, which the mapping need not have */
DEFINE_EVENT(iomd_map, iomd_static_map_end,
	TP_PROTO(u64 map),
	TP_ARGS(map)
);

/* A map was mapped into a task; the process is that of the caller's namespace */
TRACE_EVENT(iomd_map_into_task,
	TP_PROTO(u64 map, int process, u64 address, u64 pages),
	TP_ARGS(map, process, address, pages),
	TP_STRUCT__entry(
		__field(u64, map)
		__field(int, process)
		__field(u64, address)
		__field(u64, pages)
	),
	TP_fast_assign(
		__entry->map = map;
		__entry->process = process;
		__entry->address = address;
		__entry->pages = pages;
	),
	TP_printk("map=%llu process=%d address=%llu pages=%llu", __entry->map,
		  __entry->process, __entry->address, __entry->pages)
);

/* The memory of a descriptor was taken away */
TRACE_EVENT(iomd_purge,
	TP_PROTO(u64 descriptor, u64 pages),
	TP_ARGS(descriptor, pages),
	TP_STRUCT__entry(
		__field(u64, descriptor)
		__field(u64, pages)
	),
	TP_fast_assign(
		__entry->descriptor = descriptor;
		__entry->pages = pages;
	),
	TP_printk("descriptor=%llu pages=%llu", __entry->descriptor,
		  __entry->pages)
);

/* An access was given a page */
TRACE_EVENT(iomd_fault,
	TP_PROTO(u64 map, u64 page),
	TP_ARGS(map, page),
	TP_STRUCT__entry(
		__field(u64, map)
		__field(u64, page)
	),
	TP_fast_assign(
		__entry->map = map;
		__entry->page = page;
	),
	TP_printk("map=%llu page=%llu", __entry->map, __entry->page)
);

/* An access has waited */
TRACE_EVENT(iomd_wait,
	TP_PROTO(u64 map, u64 page, u64 nanoseconds),
	TP_ARGS(map, page, nanoseconds),
	TP_STRUCT__entry(
		__field(u64, map)
		__field(u64, page)
		__field(u64, nanoseconds)
	),
	TP_fast_assign(
		__entry->map = map;
		__entry->page = page;
		__entry->nanoseconds = nanoseconds;
	),
	TP_printk("map=%llu page=%llu nanoseconds=%llu", __entry->map,
		  __entry->page, __entry->nanoseconds)
);

#endif /* _IOMD_TRACEPOINTS_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE tracepoints
#include <trace/define_trace.h>
