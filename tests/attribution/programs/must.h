// SPDX-License-Identifier: GPL-2.0-or-later
// For programs of tests, where all must go well. Needs _GNU_SOURCE.
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Ends with errno, or 1 if there is none.
static _Noreturn void die(const char* what) {
    const int error = errno;
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(error));
    exit(error ? error : 1);
}

static long must(long result, const char* what) {
    if (result < 0) die(what);
    return result;
}
