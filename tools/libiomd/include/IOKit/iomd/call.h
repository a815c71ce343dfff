/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How libiomd's classes call /dev/iomd. Not for programs. */
#ifndef IOKIT_IOMD_CALL_H
#define IOKIT_IOMD_CALL_H

#include <IOKit/IOTypes.h>

#include <cerrno>
#include <fcntl.h>
#include <linux/iomd.h>
#include <sys/fileport.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace iomd {

/* A file descriptor, closed at the end of the scope unless it is taken. */
class File {
public:
	explicit File(int fd) : fd(fd)
	{
	}

	File(const File &) = delete;
	File &operator=(const File &) = delete;

	~File()
	{
		int error = errno;

		if (fd >= 0)
			close(fd);
		errno = error;
	}

	int get() const
	{
		return fd;
	}

	int take()
	{
		int taken = fd;

		fd = -1;
		return taken;
	}

private:
	int fd;
};

/* The structure of a call, zeroed but for its size. */
template <typename Argument> Argument argument()
{
	Argument value = Argument();

	value.size = sizeof(value);
	return value;
}

/* Whether the call succeeds; if not, errno says why. */
template <typename Argument>
bool call(int fd, unsigned long request, Argument &value)
{
	int error;

	do {
		error = ioctl(fd, request, &value);
	} while (error && errno == EINTR);
	return !error;
}

inline IOReturn result(bool done)
{
	return done ? kIOReturnSuccess : iomd_io_return(errno);
}

inline int client()
{
	return open("/dev/iomd", O_RDWR | O_CLOEXEC);
}

} // namespace iomd

#endif
