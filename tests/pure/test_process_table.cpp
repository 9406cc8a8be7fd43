// SPDX-License-Identifier: GPL-2.0-or-later
// Records of processes, whose places in the kernel's maps may go to others while they are read.
#include <array>
#include <deque>

#include <catch2/catch.hpp>

#include "fwd/process_table.hpp"

using namespace doorward;

namespace {

constexpr dw_process_key asked{.start_ns = 5, .exec_id = 6, .pid = 7, .pad = 0};
constexpr dw_process_key other{.start_ns = 8, .exec_id = 9, .pid = 10, .pad = 0};

// Finds a record of each of these in turn, and then nothing.
struct Looks {
    std::deque<dw_process_key> next;

    ProcessTable::ProcessMap map(dw_u64 inode) {
        return [this, inode](const dw_process_key&, dw_process& record) {
            if (next.empty()) return false;
            record = {};
            record.self = next.front();
            record.exe_inode = inode;
            next.pop_front();
            return true;
        };
    }
};

// Of whose map the record was taken: 1 of who runs, 2 of who has sent; 0: of none.
dw_u64 taken(Looks running, Looks sent) {
    const std::array maps{running.map(1), sent.map(2)};
    dw_process record{};
    return ProcessTable::read_whole(maps, asked, record) ? record.exe_inode : 0;
}

}  // namespace

TEST_CASE("a record that is its process's before and after is taken", "[process_table]") {
    CHECK(taken({{asked, asked}}, {}) == 1);
    CHECK(taken({}, {{asked, asked}}) == 2);
    CHECK(taken({}, {}) == 0);
}

TEST_CASE("a record that goes to another process while it is read is not taken", "[process_table]") {
    CHECK(taken({{other}}, {{asked, asked}}) == 2);         // before the copy
    CHECK(taken({{asked, other}}, {{asked, asked}}) == 2);  // during it
    CHECK(taken({{asked}}, {{asked, asked}}) == 2);         // and given up
    CHECK(taken({{other}}, {{other}}) == 0);
    CHECK(taken({{asked, other}}, {}) == 0);
    CHECK(taken({{asked, other, asked, asked}}, {}) == 1);  // it is asked for again
}
