/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _IOMD_PEERS_H
#define _IOMD_PEERS_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Every open file of /dev/iomd_peers is a device that can import one dma-buf. */

/* Attaches a dma-buf; an importer of IMPORTER_* */
#define PEERS_ATTACH	_IO('p', 0)
/* Pins it, and unpins it */
#define PEERS_PIN	_IO('p', 1)
#define PEERS_UNPIN	_IO('p', 2)
/* Maps it for the device, in a direction of enum dma_data_direction */
#define PEERS_MAP	_IO('p', 3)
#define PEERS_UNMAP	_IO('p', 4)
/* Maps it for the kernel */
#define PEERS_VMAP	_IO('p', 5)
#define PEERS_VUNMAP	_IO('p', 6)
/* A word at an offset, as the device or the kernel sees it */
#define PEERS_READ	_IO('p', 7)
#define PEERS_WRITE	_IO('p', 8)
/* Returns how often it was told that the memory moves */
#define PEERS_TOLD	_IO('p', 9)
/* Returns a new dma-buf of two pages, of EXPORTER_* */
#define PEERS_EXPORT	_IO('p', 10)
/* Returns how often processors' accesses to such began, and ended */
#define PEERS_BEGUN	_IO('p', 11)
#define PEERS_ENDED	_IO('p', 12)

/* It is never told. */
#define IMPORTER_STATIC	0
/* Told, it unmaps at once. */
#define IMPORTER_PROMPT	1
/* Told, it unmaps when it is asked to. */
#define IMPORTER_LAZY	2

/* It has all that is wanted of an exporter. */
#define EXPORTER_WHOLE	0
/* The kernel cannot map it. */
#define EXPORTER_NO_VMAP	1
/* Programs cannot map it. */
#define EXPORTER_NO_MMAP	2
/* It says that it is a device's memory. */
#define EXPORTER_IO_MEMORY	3
/* The kernel maps it uncached. */
#define EXPORTER_UNCACHED	4
/* Accesses of processors cannot begin. */
#define EXPORTER_NO_ACCESS	5

struct peers_attach {
	__s32 dma_buf;
	__u32 importer;
};

struct peers_word {
	__u64 offset;
	__u64 value;
};

#ifdef __KERNEL__
struct device;

int peers_export(unsigned long kind);
int peers_begun(void);
int peers_ended(void);
#endif

#endif /* _IOMD_PEERS_H */
