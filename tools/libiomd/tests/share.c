// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Two processes share 140 MiB and a bit, which begin and end in the middle of
 * pages: the second has the first one's task port, by a socket.
 */
#include <mach/mach.h>
#include <mach/mach_vm.h>
#include <stdint.h>
#include <string.h>
#include <sys/fileport.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define LENGTH	((mach_vm_size_t)(140 << 20) + 0x123)
#define WITHIN	0x456
#define PAGE	4096

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

static void send_port(int socket, mach_port_t port, mach_vm_address_t address)
{
	union control control = { .header = { 0 } };
	struct iovec word = { &address, sizeof(address) };
	struct msghdr message = {
		.msg_iov = &word,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int fd = fileport_makefd(port);

	CHECK(fd >= 0);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	CHECK(sendmsg(socket, &message, 0) == sizeof(address));
	close(fd);
}

static mach_port_t receive_port(int socket, mach_vm_address_t *address)
{
	union control control;
	struct iovec word = { address, sizeof(*address) };
	struct msghdr message = {
		.msg_iov = &word,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	mach_port_t port;
	int fd;

	CHECK(recvmsg(socket, &message, 0) == sizeof(*address));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	CHECK(!fileport_makeport(fd, &port));
	close(fd);
	return port;
}

static void await(int socket)
{
	char byte;

	CHECK(read(socket, &byte, 1) == 1);
}

static void tell(int socket)
{
	CHECK(write(socket, "", 1) == 1);
}

/* A few bytes here and there, so that an emulated machine has not to write all. */
static mach_vm_size_t next(mach_vm_size_t offset)
{
	mach_vm_size_t last = LENGTH - 1;

	if (offset == last)
		return LENGTH;
	return offset + 37 * PAGE + 1 < last ? offset + 37 * PAGE + 1 : last;
}

static void paint(unsigned char *memory, unsigned char tag)
{
	for (mach_vm_size_t at = 0; at < LENGTH; at = next(at))
		memory[at] = (unsigned char)(at / PAGE + tag);
}

static void expect(const unsigned char *memory, unsigned char tag)
{
	for (mach_vm_size_t at = 0; at < LENGTH; at = next(at))
		CHECK(memory[at] == (unsigned char)(at / PAGE + tag));
}

static int owner(int socket)
{
	mach_vm_address_t memory = 0;

	CHECK_DONE(mach_vm_allocate(mach_task_self(), &memory, LENGTH + PAGE,
				    VM_FLAGS_ANYWHERE));
	paint((unsigned char *)memory + WITHIN, 1);
	send_port(socket, mach_task_self(), memory + WITHIN);
	await(socket);
	expect((unsigned char *)memory + WITHIN, 2);
	CHECK_DONE(mach_vm_deallocate(mach_task_self(), memory, LENGTH + PAGE));
	tell(socket);
	return 0;
}

int main(void)
{
	mach_vm_address_t theirs, ours = 0;
	vm_prot_t cur, max;
	mach_port_t task;
	int sockets[2], status, pid;
	pid_t child;

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	child = fork();
	CHECK(child >= 0);
	if (!child)
		_exit(owner(sockets[1]));
	close(sockets[1]);

	task = receive_port(sockets[0], &theirs);
	CHECK_DONE(pid_for_task(task, &pid));
	CHECK(pid == child);
	CHECK_DONE(mach_vm_remap(mach_task_self(), &ours, LENGTH, 0,
				 VM_FLAGS_ANYWHERE | VM_FLAGS_RETURN_DATA_ADDR,
				 task, theirs, FALSE, &cur, &max,
				 VM_INHERIT_NONE));
	CHECK((ours & (PAGE - 1)) == (theirs & (PAGE - 1)));
	expect((unsigned char *)ours, 1);
	paint((unsigned char *)ours, 2);
	tell(sockets[0]);
	/* It unmaps its own and goes. */
	await(sockets[0]);
	CHECK(waitpid(child, &status, 0) == child && !status);
	expect((unsigned char *)ours, 2);
	CHECK_RETURNS(KERN_TERMINATED,
		      mach_vm_remap(mach_task_self(), &ours, LENGTH, 0,
				    VM_FLAGS_ANYWHERE, task, theirs, FALSE,
				    &cur, &max, VM_INHERIT_NONE));
	CHECK_DONE(mach_port_deallocate(mach_task_self(), task));
	CHECK_DONE(mach_vm_deallocate(mach_task_self(), ours, LENGTH));
	return 0;
}
