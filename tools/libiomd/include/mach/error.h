/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _MACH_ERROR_H_
#define _MACH_ERROR_H_

#include <mach/mach_error.h>

#endif
