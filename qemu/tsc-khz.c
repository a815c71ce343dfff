// SPDX-License-Identifier: GPL-2.0
/*
 * Prints how many thousand times a second this processor's time stamp counter
 * counts, which guests without KVM count by too.
 */

#include <limits.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

struct moment {
	unsigned long long ticks, nanoseconds;
};

static unsigned long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC_RAW, &time);
	return (unsigned long long)time.tv_sec * 1000000000 + (unsigned long long)time.tv_nsec;
}

/* Both clocks at once: of many looks the one that nothing came in between of. */
static struct moment look(void)
{
	struct moment best = { 0 };
	unsigned long long shortest = ULLONG_MAX;
	int tries;

	for (tries = 0; tries < 1000; tries++) {
		unsigned long long before = __rdtsc(), nanoseconds = now(), after = __rdtsc();

		if (after - before < shortest) {
			shortest = after - before;
			best = (struct moment){ before + shortest / 2, nanoseconds };
		}
	}
	return best;
}

int main(void)
{
	const struct timespec pause = { .tv_nsec = 50000000 };
	struct moment first = look(), last;

	nanosleep(&pause, NULL);
	last = look();
	printf("%llu\n", (last.ticks - first.ticks) * 1000000 /
			 (last.nanoseconds - first.nanoseconds));
	return 0;
}
