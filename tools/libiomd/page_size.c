// SPDX-License-Identifier: MIT OR Apache-2.0
/* iomd's pages are of 4 KiB, and so is the processor's granule. */
#include <mach/vm_page_size.h>

vm_size_t vm_page_size = 4096;
vm_size_t vm_page_mask = 4095;
int vm_page_shift = 12;
vm_size_t vm_kernel_page_size = 4096;
