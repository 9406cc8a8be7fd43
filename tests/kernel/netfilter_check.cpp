// SPDX-License-Identifier: GPL-2.0-or-later
// The netfilter part against a real kernel: fresh namespaces for each case, no daemon. Needs root.
// GCC 12 with a sanitizer wrongly finds uninitialized members in <regex>, which Catch2's own main
// program uses.
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
