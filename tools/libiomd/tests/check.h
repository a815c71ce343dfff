/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the test programs assert with. */
#ifndef CHECK_H
#define CHECK_H

#include <mach/mach.h>
#include <stdio.h>
#include <stdlib.h>

/* By another name it is called from Rust, which knows functions of C's. */
#ifdef __cplusplus
extern "C"
#endif
int main(void);

#define CHECK(condition)						\
	do {								\
		if (!(condition)) {					\
			fprintf(stderr, "%s:%d: not so: %s\n",		\
				__FILE__, __LINE__, #condition);	\
			exit(1);					\
		}							\
	} while (0)

#define CHECK_RETURNS(wanted, call)					\
	do {								\
		kern_return_t returned = (call);			\
									\
		if (returned != (wanted)) {				\
			fprintf(stderr, "%s:%d: %s: %s (%d)\n",		\
				__FILE__, __LINE__, #call,		\
				mach_error_string(returned), returned);	\
			exit(1);					\
		}							\
	} while (0)

#define CHECK_DONE(call)	CHECK_RETURNS(KERN_SUCCESS, call)

#endif
