/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Objects that count who holds them. */
#ifndef _LIBKERN_OSOBJECT_H
#define _LIBKERN_OSOBJECT_H

#include <atomic>

class OSObject {
public:
	OSObject(const OSObject &) = delete;
	OSObject &operator=(const OSObject &) = delete;

	virtual void retain() const
	{
		references.fetch_add(1, std::memory_order_relaxed);
	}

	virtual void release() const
	{
		if (references.fetch_sub(1, std::memory_order_acq_rel) == 1)
			const_cast<OSObject *>(this)->free();
	}

	virtual void taggedRetain(const void * = nullptr) const
	{
		retain();
	}

	virtual void taggedRelease(const void * = nullptr) const
	{
		release();
	}

	virtual int getRetainCount() const
	{
		return references.load(std::memory_order_relaxed);
	}

protected:
	OSObject() = default;
	virtual ~OSObject() = default;

	/* The last reference is gone. */
	virtual void free()
	{
		delete this;
	}

	/* retain(), unless the last reference is gone already. */
	bool retainIfHeld() const
	{
		int count = references.load(std::memory_order_relaxed);

		while (count > 0)
			if (references.compare_exchange_weak(count, count + 1))
				return true;
		return false;
	}

private:
	mutable std::atomic<int> references{1};
};

#define OSDynamicCast(type, object)	dynamic_cast<type *>(object)

#define OSSafeReleaseNULL(object)		\
	do {					\
		if (object)			\
			(object)->release();	\
		(object) = nullptr;		\
	} while (0)

#endif
