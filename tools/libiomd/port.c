// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Ports: the right to an address space, or to memory. Each is a file descriptor,
 * and the name is made of its number. The task's own name is made of none: a
 * forked child has the same one, and means itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/fileport.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <mach/mach_init.h>
#include <mach/mach_port.h>
#include <mach/mach_traps.h>

#include "internal.h"

/* Where the number is, and what Mach has in the bits below it. */
#define NUMBER_SHIFT	8
#define NUMBER_MAX	0xfffff0
#define LOW_BITS	0x03
/* The first file descriptor's; below are the task's own, and none. */
#define FIRST		2

#define OWN	((mach_port_t)(1 << NUMBER_SHIFT | LOW_BITS))

mach_port_t mach_task_self_ = OWN;

mach_port_t iomd_port_of(int fd)
{
	return ((mach_port_t)fd + FIRST) << NUMBER_SHIFT | LOW_BITS;
}

/* The file descriptor of a port; or -1 with errno. */
static int fd_of(mach_port_t port)
{
	mach_port_t number = port >> NUMBER_SHIFT;

	if ((port & ((1 << NUMBER_SHIFT) - 1)) != LOW_BITS || number < FIRST ||
	    number > NUMBER_MAX) {
		errno = EBADF;
		return -1;
	}
	return (int)(number - FIRST);
}

int iomd_client_open(void)
{
	int client = open("/dev/iomd", O_RDWR | O_CLOEXEC);

	/* Nothing is wrong with the call: KERN_FAILURE. */
	if (client < 0)
		errno = ENXIO;
	return client;
}

/* A task of that number, or the caller's own for 0; or -1 with errno. */
static int task_open(int pid)
{
	struct iomd_task_open task = { .size = sizeof(task), .pid = pid };
	int client = iomd_client_open();
	int error;

	if (client < 0)
		return -1;
	error = iomd_call(client, IOMD_TASK_OPEN, &task);
	iomd_drop(client);
	return error ? -1 : task.fd;
}

int iomd_port_open(mach_port_t port)
{
	int fd;

	if (port == OWN)
		return task_open(0);
	fd = fd_of(port);
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

int iomd_call(int fd, unsigned long request, void *argument)
{
	int error;

	do {
		error = ioctl(fd, request, argument);
	} while (error && errno == EINTR);
	return error;
}

void iomd_drop(int fd)
{
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
}

int fileport_makeport(int fd, fileport_t *port)
{
	int ours = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (ours < 0)
		return -1;
	*port = iomd_port_of(ours);
	return 0;
}

int fileport_makefd(fileport_t port)
{
	return iomd_port_open(port);
}

kern_return_t task_for_pid(mach_port_name_t target_tport, int pid,
			   mach_port_name_t *t)
{
	int fd;

	if (target_tport != OWN || pid <= 0)
		return KERN_FAILURE;
	fd = task_open(pid);
	/* As macOS, which does not tell why. */
	if (fd < 0)
		return KERN_FAILURE;
	*t = iomd_port_of(fd);
	return KERN_SUCCESS;
}

kern_return_t pid_for_task(mach_port_name_t t, int *x)
{
	struct iomd_task_info info = { .size = sizeof(info) };
	int fd = iomd_port_open(t);
	int error;

	if (fd < 0)
		return KERN_FAILURE;
	error = iomd_call(fd, IOMD_TASK_INFO, &info);
	iomd_drop(fd);
	if (error || !info.pid)
		return KERN_FAILURE;
	*x = info.pid;
	return KERN_SUCCESS;
}

kern_return_t mach_port_deallocate(ipc_space_t task, mach_port_name_t name)
{
	int fd;

	if (task != OWN)
		return KERN_NOT_SUPPORTED;
	if (name == OWN)
		return KERN_SUCCESS;
	fd = fd_of(name);
	return fd < 0 || close(fd) ? KERN_INVALID_NAME : KERN_SUCCESS;
}
