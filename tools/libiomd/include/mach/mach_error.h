/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _MACH_MACH_ERROR_H_
#define _MACH_MACH_ERROR_H_

#include <mach/kern_return.h>

typedef kern_return_t mach_error_t;

#ifdef __cplusplus
extern "C" {
#endif

char *mach_error_string(mach_error_t error_value);
void mach_error(const char *str, mach_error_t error_value);

#ifdef __cplusplus
}
#endif

#endif
