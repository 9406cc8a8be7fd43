// SPDX-License-Identifier: GPL-2.0-or-later
// The netfilter part against a real kernel: fresh namespaces for each case, no daemon. Needs root.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
