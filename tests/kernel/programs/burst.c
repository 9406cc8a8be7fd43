// SPDX-License-Identifier: GPL-2.0-or-later
// Sends datagrams on the connected socket that it was given as standard output, as fast as it can, whatever
// becomes of them. Usage: burst LETTER COUNT
#include "tiny.h"

int run(int argc, char** argv) {
    if (argc != 3) return 2;
    char data[20];
    for (size_t i = 0; i < sizeof data; ++i) data[i] = argv[1][0];
    long count = 0;
    for (const char* digit = argv[2]; *digit; ++digit) count = count * 10 + (*digit - '0');
    for (long i = 0; i < count; ++i) call6(SYS_sendto, 1, (long)data, sizeof data, 0, 0, 0);
    return 0;
}
