/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* From ports to file descriptors and back, which are passed over sockets. */
#ifndef _SYS_FILEPORT_H_
#define _SYS_FILEPORT_H_

#include <mach/port.h>

typedef mach_port_t fileport_t;

#define FILEPORT_NULL	((fileport_t)0)

#ifdef __cplusplus
extern "C" {
#endif

/* A port of another file descriptor of the same file; 0, or -1 with errno */
int fileport_makeport(int fd, fileport_t *port);
/* A new file descriptor of the port, closed on exec; or -1 with errno */
int fileport_makefd(fileport_t port);

#ifdef __cplusplus
}
#endif

#endif
