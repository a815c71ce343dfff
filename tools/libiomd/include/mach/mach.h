/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef _MACH_MACH_H_
#define _MACH_MACH_H_

#include <mach/mach_error.h>
#include <mach/mach_init.h>
#include <mach/mach_port.h>
#include <mach/mach_traps.h>
#include <mach/mach_types.h>
#include <mach/vm_map.h>
#include <mach/vm_param.h>

#endif
