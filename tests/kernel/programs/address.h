// SPDX-License-Identifier: GPL-2.0-or-later
// Text of an address or a number → bytes. Each returns 0 if the text is not one.
#pragma once

#include "tiny.h"

static int digit(char c, int base) {
    int value = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
    return value < base ? value : -1;
}

// Reads digits at *text up to `most`; moves *text behind them.
static int number(const char** text, int base, long most, long* value) {
    if (digit(**text, base) < 0) return 0;
    *value = 0;
    for (; digit(**text, base) >= 0; ++*text) {
        *value = *value * base + digit(**text, base);
        if (*value > most) return 0;
    }
    return 1;
}

// Also used for other numbers up to 65535.
__attribute__((unused)) static int parse_port(const char* text, uint16_t* port) {
    long value;
    if (!number(&text, 10, 65535, &value) || *text) return 0;
    *port = (uint16_t)value;
    return 1;
}

static int parse_v4(const char* text, uint8_t out[4]) {
    for (int i = 0; i < 4; i++) {
        long value;
        if (i > 0 && *text++ != '.') return 0;
        if (!number(&text, 10, 255, &value)) return 0;
        out[i] = (uint8_t)value;
    }
    return *text == 0;
}

// Hexadecimal groups with at most one "::"; no embedded IPv4.
static int parse_v6(const char* text, uint8_t out[16]) {
    uint8_t groups[16];
    int count = 0, gap = -1;
    if (text[0] == ':' && text[1] == ':') {
        gap = 0;
        text += 2;
    }
    while (*text && count < 8) {
        long value;
        if (!number(&text, 16, 0xffff, &value)) return 0;
        groups[2 * count] = (uint8_t)(value >> 8);
        groups[2 * count + 1] = (uint8_t)value;
        count++;
        if (*text == ':') text++;
        if (*text == ':' && gap < 0) {
            gap = count;
            text++;
        }
    }
    if (*text || (gap < 0 && count != 8)) return 0;
    if (gap < 0) gap = count;
    memset(out, 0, 16);
    memcpy(out, groups, (size_t)(2 * gap));
    memcpy(out + 16 - 2 * (count - gap), groups + 2 * gap, (size_t)(2 * (count - gap)));
    return 1;
}
