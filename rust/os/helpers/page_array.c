// SPDX-License-Identifier: GPL-2.0
/* Arrays of pages. */

#include <linux/mm.h>
#include <linux/xarray.h>

#include "../helpers.h"

/* The nodes are charged like the pages that they hold. */
void iomd_xa_init_accounted(struct xarray *xa)
{
	xa_init_flags(xa, XA_FLAGS_ACCOUNT);
}

/* As xa_insert(), for all the indices that a folio takes. */
int iomd_xa_insert_folio(struct xarray *xa, unsigned long index,
			 struct page *first)
{
	XA_STATE_ORDER(xas, xa, index, compound_order(first));

	do {
		xas_lock(&xas);
		if (xas_find_conflict(&xas))
			xas_set_err(&xas, -EBUSY);
		else
			xas_store(&xas, first);
		xas_unlock(&xas);
	} while (xas_nomem(&xas, GFP_KERNEL | __GFP_RETRY_MAYFAIL |
				 __GFP_NOWARN));

	return xas_error(&xas);
}

/*
 * For what else is in a node of single pages: gaps, and marks of the array's own,
 * which are small numbers too (as xa_is_node() has it).
 */
static bool is_page(const void *entry)
{
	return (unsigned long)entry > 4096;
}

/* Where an index is in a node, and above that how far beyond it. */
static unsigned long xa_slot(const void *node, unsigned long index)
{
	return index >> (xa_to_node(node)->shift % BITS_PER_LONG);
}

/*
 * The first page of the folio that has an index, if it is found at once: what
 * faults mostly look for, without an XA_STATE.
 */
static __always_inline struct page *load_first(struct xarray *xa,
					       unsigned long index)
{
	unsigned long slot;
	void *entry;

	guard(rcu)();
	entry = rcu_dereference(xa->xa_head);
	if (!xa_is_node(entry))
		return !index && is_page(entry) ? entry : NULL;
	slot = xa_slot(entry, index);
	while (slot < XA_CHUNK_SIZE) {
		entry = rcu_dereference(xa_to_node(entry)->slots[slot]);
		if (!xa_is_node(entry))
			return is_page(entry) ? entry : NULL;
		slot = xa_slot(entry, index) % XA_CHUNK_SIZE;
	}
	return NULL;
}

/* The page at an index, if it is there and is all of its folio. */
struct page *iomd_xa_load_single(struct xarray *xa, unsigned long index)
{
	struct page *page = load_first(xa, index);

	return page && !PageHead(page) ? page : NULL;
}

/* The first page of the piece that begins at an index, if one does. */
struct page *iomd_xa_load_piece(struct xarray *xa, unsigned long index)
{
	struct page *page = load_first(xa, index);

	if (!page || compound_order(page) != PMD_ORDER)
		return NULL;
	return index % compound_nr(page) ? NULL : page;
}

/*
 * The pages from an index on up to the first gap, so many at most; of one node,
 * or of one large folio.
 */
unsigned long iomd_xa_load_run(struct xarray *xa, unsigned long index,
			       struct page **pages, unsigned long most)
{
	XA_STATE(xas, xa, index);
	unsigned long count = 0, size;
	void __rcu **slots;
	struct page *page;

	guard(rcu)();
	do {
		page = xas_load(&xas);
	} while (xas_retry(&xas, page));
	if (!page)
		return 0;

	size = compound_nr(page);
	if (size > 1 || !xas.xa_node) {
		for (index %= size; index < size && count < most; index++)
			pages[count++] = page + index;
		return count;
	}
	most = min(most, XA_CHUNK_SIZE - xas.xa_offset);
	slots = xas.xa_node->slots + xas.xa_offset;
	do {
		pages[count++] = page;
		if (count >= most)
			break;
		page = rcu_dereference(slots[count]);
	} while (is_page(page));
	return count;
}

/*
 * How many pages from an index on have no reference but the array's, so many at
 * most; of one node, and of folios of one size. 0 if the first is not there, or
 * has another.
 */
unsigned long iomd_xa_unshared_pages(struct xarray *xa, unsigned long index,
				     unsigned long most)
{
	XA_STATE(xas, xa, index);
	void __rcu **first, **slot, **end;
	unsigned long pages, count, offset, slots;
	struct folio *folio;

	guard(rcu)();
	do {
		folio = xas_load(&xas);
	} while (xas_retry(&xas, folio));
	if (!folio || folio_ref_count(folio) != 1)
		return 0;

	pages = folio_nr_pages(folio);
	count = pages - index % pages;
	if (!xas.xa_node)
		return min(most, count);
	if (pages == 1) {
		first = xas.xa_node->slots + xas.xa_offset;
		end = first + min(most, XA_CHUNK_SIZE - xas.xa_offset);
		for (slot = first + 1; slot < end; slot++) {
			folio = rcu_dereference(*slot);
			if (!is_page(folio) || folio_ref_count(folio) != 1)
				break;
		}
		return slot - first;
	}

	/*
	 * A folio is in the first slot of those that are for its pages, and
	 * there are large ones of one size only: what else is there is a node.
	 */
	slots = pages >> xas.xa_node->shift;
	for (offset = round_down(xas.xa_offset, slots) + slots;
	     offset < XA_CHUNK_SIZE && count < most; offset += slots) {
		folio = rcu_dereference(xas.xa_node->slots[offset]);
		if (!folio || xa_is_internal(folio) || folio_ref_count(folio) != 1)
			break;
		count += pages;
	}
	return min(most, count);
}

/* The page for an index that is one of those that a folio takes. */
struct page *iomd_page_at(struct page *first, unsigned long index)
{
	return first + index % compound_nr(first);
}
