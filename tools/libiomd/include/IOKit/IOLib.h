/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef __IOKIT_IOLIB_H
#define __IOKIT_IOLIB_H

#include <IOKit/IOTypes.h>

#ifdef __cplusplus
extern "C" {
#endif

IOReturn IOFlushProcessorCache(task_t task, IOVirtualAddress address,
			       IOByteCount length);

#ifdef __cplusplus
}
#endif

#endif
