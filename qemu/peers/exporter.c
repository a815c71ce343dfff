// SPDX-License-Identifier: GPL-2.0
/*
 * An exporter of dma-bufs, some of which lack what others have.
 */

#include <linux/atomic.h>
#include <linux/dma-buf.h>
#include <linux/fcntl.h>
#include <linux/iosys-map.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "peers.h"

#define PAGES 2

struct exporter {
	unsigned long kind;
	struct page *pages[PAGES];
};

static atomic_t begun, ended;

int peers_begun(void)
{
	return atomic_read(&begun);
}

int peers_ended(void)
{
	return atomic_read(&ended);
}

static struct sg_table *map_dma_buf(struct dma_buf_attachment *attachment,
				    enum dma_data_direction direction)
{
	return ERR_PTR(-EOPNOTSUPP);
}

static void unmap_dma_buf(struct dma_buf_attachment *attachment,
			  struct sg_table *table,
			  enum dma_data_direction direction)
{
}

static int begin_cpu_access(struct dma_buf *dma_buf,
			    enum dma_data_direction direction)
{
	struct exporter *exporter = dma_buf->priv;

	if (exporter->kind == EXPORTER_NO_ACCESS)
		return -EIO;
	atomic_inc(&begun);
	return 0;
}

static int end_cpu_access(struct dma_buf *dma_buf,
			  enum dma_data_direction direction)
{
	atomic_inc(&ended);
	return 0;
}

static int exporter_mmap(struct dma_buf *dma_buf, struct vm_area_struct *vma)
{
	struct exporter *exporter = dma_buf->priv;

	return vm_map_pages(vma, exporter->pages, PAGES);
}

static int exporter_vmap(struct dma_buf *dma_buf, struct iosys_map *map)
{
	struct exporter *exporter = dma_buf->priv;
	pgprot_t mode = PAGE_KERNEL;
	void *address;

	if (exporter->kind == EXPORTER_UNCACHED)
		mode = pgprot_noncached(mode);
	address = vmap(exporter->pages, PAGES, VM_MAP, mode);
	if (!address)
		return -ENOMEM;
	if (exporter->kind == EXPORTER_IO_MEMORY)
		iosys_map_set_vaddr_iomem(map, (void __iomem *)address);
	else
		iosys_map_set_vaddr(map, address);
	return 0;
}

static void exporter_vunmap(struct dma_buf *dma_buf, struct iosys_map *map)
{
	vunmap(map->is_iomem ? (void __force *)map->vaddr_iomem : map->vaddr);
}

static void free_exporter(struct exporter *exporter)
{
	int i;

	for (i = 0; i < PAGES; i++)
		if (exporter->pages[i])
			put_page(exporter->pages[i]);
	kfree(exporter);
}

static void release(struct dma_buf *dma_buf)
{
	free_exporter(dma_buf->priv);
}

#define OPS						\
	.map_dma_buf		= map_dma_buf,		\
	.unmap_dma_buf		= unmap_dma_buf,	\
	.begin_cpu_access	= begin_cpu_access,	\
	.end_cpu_access		= end_cpu_access,	\
	.release		= release

static const struct dma_buf_ops ops = {
	OPS, .mmap = exporter_mmap, .vmap = exporter_vmap,
	.vunmap = exporter_vunmap,
};

static const struct dma_buf_ops no_vmap_ops = { OPS, .mmap = exporter_mmap };

static const struct dma_buf_ops no_mmap_ops = {
	OPS, .vmap = exporter_vmap, .vunmap = exporter_vunmap,
};

int peers_export(unsigned long kind)
{
	struct exporter *exporter = kzalloc_obj(*exporter);
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct dma_buf *dma_buf;
	int i, fd;

	if (!exporter)
		return -ENOMEM;
	exporter->kind = kind;
	for (i = 0; i < PAGES; i++) {
		exporter->pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!exporter->pages[i]) {
			free_exporter(exporter);
			return -ENOMEM;
		}
	}
	info.ops = kind == EXPORTER_NO_VMAP ? &no_vmap_ops :
		   kind == EXPORTER_NO_MMAP ? &no_mmap_ops : &ops;
	info.size = PAGES * PAGE_SIZE;
	info.flags = O_RDWR;
	info.priv = exporter;
	dma_buf = dma_buf_export(&info);
	if (IS_ERR(dma_buf)) {
		free_exporter(exporter);
		return PTR_ERR(dma_buf);
	}
	fd = dma_buf_fd(dma_buf, O_CLOEXEC);
	if (fd < 0)
		dma_buf_put(dma_buf);
	return fd;
}
