// SPDX-License-Identifier: GPL-2.0
/*
 * An importer of dma-bufs. Its device is played by the processor, which finds
 * the memory at the addresses that it was given for the device: without an
 * IOMMU those are physical ones.
 */

#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/iosys-map.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "peers.h"

static struct miscdevice peers_device;

struct importer {
	/* One call at a time. */
	struct mutex calls;
	struct dma_buf *dma_buf;
	struct dma_buf_attachment *attachment;
	/* These belong to who has the reservation. */
	struct sg_table *table;
	enum dma_data_direction direction;
	bool lazy;
	bool pinned;
	int told;
	struct iosys_map address;
};

static void unmap(struct importer *importer)
{
	if (importer->table)
		dma_buf_unmap_attachment(importer->attachment, importer->table,
					 importer->direction);
	importer->table = NULL;
}

static void invalidate_mappings(struct dma_buf_attachment *attachment)
{
	struct importer *importer = attachment->importer_priv;

	importer->told++;
	if (!importer->lazy)
		unmap(importer);
}

static const struct dma_buf_attach_ops attach_ops = {
	.invalidate_mappings = invalidate_mappings,
};

static long attach(struct importer *importer, const void __user *argument)
{
	struct dma_buf_attachment *attachment;
	struct peers_attach attach;
	struct dma_buf *dma_buf;

	if (copy_from_user(&attach, argument, sizeof(attach)))
		return -EFAULT;
	if (importer->dma_buf)
		return -EBUSY;
	dma_buf = dma_buf_get(attach.dma_buf);
	if (IS_ERR(dma_buf))
		return PTR_ERR(dma_buf);
	importer->lazy = attach.importer == IMPORTER_LAZY;
	attachment = dma_buf_dynamic_attach(dma_buf, peers_device.this_device,
					    attach.importer == IMPORTER_STATIC ?
						    NULL :
						    &attach_ops,
					    importer);
	if (IS_ERR(attachment)) {
		dma_buf_put(dma_buf);
		return PTR_ERR(attachment);
	}
	importer->attachment = attachment;
	/* From here on it can be mapped. */
	smp_store_release(&importer->dma_buf, dma_buf);
	return 0;
}

static long map(struct importer *importer, unsigned long direction)
{
	struct sg_table *table;

	if (importer->table)
		return -EBUSY;
	table = dma_buf_map_attachment(importer->attachment, direction);
	if (IS_ERR(table))
		return PTR_ERR(table);
	importer->table = table;
	importer->direction = direction;
	return 0;
}

static void unpin(struct importer *importer)
{
	if (importer->pinned)
		dma_buf_unpin(importer->attachment);
	importer->pinned = false;
}

static void vunmap_all(struct importer *importer)
{
	if (iosys_map_is_set(&importer->address))
		dma_buf_vunmap(importer->dma_buf, &importer->address);
	iosys_map_clear(&importer->address);
}

/* Where the device or, if it has it mapped, the kernel finds a word. */
static u64 *find(struct importer *importer, u64 offset)
{
	struct scatterlist *part;
	int i;

	if (offset > importer->dma_buf->size - sizeof(u64))
		return NULL;
	if (iosys_map_is_set(&importer->address))
		return importer->address.vaddr + offset;
	if (!importer->table)
		return NULL;
	for_each_sgtable_dma_sg(importer->table, part, i) {
		if (offset < sg_dma_len(part))
			return phys_to_virt(sg_dma_address(part) + offset);
		offset -= sg_dma_len(part);
	}
	return NULL;
}

static long access(struct importer *importer, bool write, void __user *argument)
{
	struct peers_word word;
	u64 *place;

	if (copy_from_user(&word, argument, sizeof(word)))
		return -EFAULT;
	/* Until it is done nobody unmaps. */
	dma_resv_lock(importer->dma_buf->resv, NULL);
	place = find(importer, word.offset);
	if (place && write)
		WRITE_ONCE(*place, word.value);
	else if (place)
		word.value = READ_ONCE(*place);
	dma_resv_unlock(importer->dma_buf->resv);
	if (!place)
		return -ENXIO;
	return copy_to_user(argument, &word, sizeof(word)) ? -EFAULT : 0;
}

/* A call on what is attached, with its reservation. */
static long call(struct importer *importer, unsigned int command,
		 unsigned long argument)
{
	long result = 0;

	switch (command) {
	case PEERS_PIN:
		result = dma_buf_pin(importer->attachment);
		importer->pinned = !result;
		return result;
	case PEERS_UNPIN:
		unpin(importer);
		return 0;
	case PEERS_MAP:
		return map(importer, argument);
	case PEERS_UNMAP:
		unmap(importer);
		return 0;
	case PEERS_VMAP:
		return dma_buf_vmap(importer->dma_buf, &importer->address);
	case PEERS_VUNMAP:
		vunmap_all(importer);
		return 0;
	case PEERS_TOLD:
		return importer->told;
	default:
		return -ENOTTY;
	}
}

static long importer_ioctl(struct file *file, unsigned int command,
			   unsigned long argument)
{
	struct importer *importer = file->private_data;
	void __user *pointer = (void __user *)argument;
	long result;

	switch (command) {
	case PEERS_EXPORT:
		return peers_export(argument);
	case PEERS_BEGUN:
		return peers_begun();
	case PEERS_ENDED:
		return peers_ended();
	}
	guard(mutex)(&importer->calls);
	if (command == PEERS_ATTACH)
		return attach(importer, pointer);
	if (!importer->dma_buf)
		return -ENXIO;
	if (command == PEERS_READ || command == PEERS_WRITE)
		return access(importer, command == PEERS_WRITE, pointer);
	dma_resv_lock(importer->dma_buf->resv, NULL);
	result = call(importer, command, argument);
	dma_resv_unlock(importer->dma_buf->resv);
	return result;
}

static int importer_open(struct inode *inode, struct file *file)
{
	struct importer *importer = kzalloc_obj(*importer);

	if (!importer)
		return -ENOMEM;
	mutex_init(&importer->calls);
	file->private_data = importer;
	return 0;
}

static int importer_release(struct inode *inode, struct file *file)
{
	struct importer *importer = file->private_data;

	if (importer->dma_buf) {
		dma_resv_lock(importer->dma_buf->resv, NULL);
		vunmap_all(importer);
		unmap(importer);
		unpin(importer);
		dma_resv_unlock(importer->dma_buf->resv);
		dma_buf_detach(importer->dma_buf, importer->attachment);
		dma_buf_put(importer->dma_buf);
	}
	kfree(importer);
	return 0;
}

/* What the device has attached, by way of its own file. */
static int importer_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct importer *importer = file->private_data;
	/* Without the lock, under which user space is accessed. */
	struct dma_buf *dma_buf = smp_load_acquire(&importer->dma_buf);

	if (!dma_buf)
		return -ENXIO;
	return dma_buf_mmap(dma_buf, vma, vma->vm_pgoff);
}

static const struct file_operations importer_fops = {
	.owner		= THIS_MODULE,
	.open		= importer_open,
	.release	= importer_release,
	.unlocked_ioctl	= importer_ioctl,
	.mmap		= importer_mmap,
};

static struct miscdevice peers_device = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "iomd_peers",
	.fops	= &importer_fops,
};

static int __init peers_init(void)
{
	int result = misc_register(&peers_device);

	if (result)
		return result;
	result = dma_coerce_mask_and_coherent(peers_device.this_device,
					      DMA_BIT_MASK(64));
	if (result)
		misc_deregister(&peers_device);
	return result;
}
module_init(peers_init);

static void __exit peers_exit(void)
{
	misc_deregister(&peers_device);
}
module_exit(peers_exit);

MODULE_DESCRIPTION("An importer and an exporter of dma-bufs, for tests");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("DMA_BUF");
