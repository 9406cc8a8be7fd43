// SPDX-License-Identifier: GPL-2.0-or-later
// GCC 12 with a sanitizer wrongly finds uninitialized members in <regex>, which Catch2's own main
// program uses.
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include <cstdlib>

int main(int argc, char** argv) {
    // Where lines are counted, this has been read by now. Programs that tests start as other users can't write there.
    ::setenv("LLVM_PROFILE_FILE", "/dev/null", 1);
    return Catch::Session().run(argc, argv);
}
