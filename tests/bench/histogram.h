// SPDX-License-Identifier: GPL-2.0-or-later
// Counts of times in nanoseconds, in buckets that are 1/32 of their value wide: a quantile is told to
// 3 %, and a run of any length takes the same 15 KB.
#pragma once

#include <stdint.h>
#include <stdio.h>

enum { linear_bits = 5, linear = 1 << linear_bits, buckets = (64 - linear_bits + 1) * linear };

struct Histogram {
    uint64_t count[buckets];
    uint64_t total;
    uint64_t sum_ns;
    uint64_t max_ns;
};

// Below 32 each value has a bucket; above, each power of two is divided by 32.
static inline unsigned bucket_of(uint64_t ns) {
    if (ns < linear) return (unsigned)ns;
    const unsigned shift = 63U - (unsigned)__builtin_clzll(ns) - linear_bits;
    return shift * linear + (unsigned)(ns >> shift);
}

// The middle of a bucket.
static inline uint64_t value_of(unsigned bucket) {
    if (bucket < linear) return bucket;
    const unsigned shift = bucket / linear - 1;
    const uint64_t lowest = (uint64_t)(bucket % linear + linear) << shift;
    return lowest + ((1ULL << shift) >> 1);
}

static inline void add_time(struct Histogram* all, uint64_t ns) {
    all->count[bucket_of(ns)]++;
    all->total++;
    all->sum_ns += ns;
    if (ns > all->max_ns) all->max_ns = ns;
}

static inline void add_histogram(struct Histogram* all, const struct Histogram* some) {
    for (unsigned i = 0; i < buckets; i++) all->count[i] += some->count[i];
    all->total += some->total;
    all->sum_ns += some->sum_ns;
    if (some->max_ns > all->max_ns) all->max_ns = some->max_ns;
}

// The time that `part` of all times do not exceed; 0 if there is none.
static inline uint64_t quantile(const struct Histogram* all, double part) {
    const double wanted = part * (double)all->total;
    uint64_t below = 0;
    for (unsigned i = 0; i < buckets; i++) {
        below += all->count[i];
        if (all->count[i] > 0 && (double)below >= wanted) return value_of(i);
    }
    return 0;
}

// As members of a JSON object, in nanoseconds.
static inline void print_times(FILE* out, const struct Histogram* all) {
    fprintf(out, "\"p50\":%llu,\"p90\":%llu,\"p99\":%llu,\"p999\":%llu,\"max\":%llu,\"mean\":%llu",
            (unsigned long long)quantile(all, 0.5), (unsigned long long)quantile(all, 0.9),
            (unsigned long long)quantile(all, 0.99), (unsigned long long)quantile(all, 0.999),
            (unsigned long long)all->max_ns,
            (unsigned long long)(all->total ? all->sum_ns / all->total : 0));
}
