// SPDX-License-Identifier: GPL-2.0-or-later
#include <array>
#include <cstring>
#include <random>
#include <set>

#include <catch2/catch.hpp>

#include "fwd/binding_table.hpp"

using namespace doorward;

namespace {

constexpr dw_hash_keys some_keys{{0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb, 0xd6e8feb86659fd93,
                                  0xa0761d6478bd642f, 0xe7037ed1a0b428db, 0x8ebc6af09c88c6e3}};

dw_flow_key flow(int local_port, int remote_port = 80, int local_end = 1) {
    dw_flow_key key{};
    key.local[15] = static_cast<dw_u8>(local_end);
    key.remote[15] = 9;
    key.local_port = static_cast<dw_u16>(local_port);
    key.remote_port = static_cast<dw_u16>(remote_port);
    key.protocol = 6;
    return key;
}

struct Table {
    dw_binding_set set{};
    dw_flow_key asked = flow(4000);
    dw_u64 hash = dw_flow_hash(&asked, &some_keys);

    void write(std::size_t way, const dw_flow_key& key, dw_u32 pid, dw_u64 time_ns) {
        const dw_u64 tag = dw_tag(dw_flow_hash(&key, &some_keys), time_ns);
        dw_binding binding{};
        binding.who.pid = pid;
        set.slot[way] = {tag, key, binding};
        set.tag[way] = tag;
    }

    dw_u32 pid(bool* whole = nullptr) const {
        std::array<std::optional<dw_binding>, 1> found;
        const bool read = find_in_set(set, hash, {&asked, 1}, found);
        if (whole) *whole = read;
        return found[0] ? found[0]->who.pid : 0;
    }
};

}  // namespace

TEST_CASE("of several entries of a flow the latest counts", "[binding_table]") {
    Table table;
    CHECK(table.pid() == 0);
    table.write(5, table.asked, 7, 10'000);
    CHECK(table.pid() == 7);
    table.write(1, table.asked, 8, 20'000);
    CHECK(table.pid() == 8);
    table.write(7, table.asked, 9, 15'000);
    CHECK(table.pid() == 8);
}

TEST_CASE("another flow's entry in the same set is nobody's", "[binding_table]") {
    Table table;
    // As if its hash were the same: the key decides.
    table.write(0, table.asked, 7, 10'000);
    for (const dw_flow_key& other : {flow(4001), flow(4000, 81), flow(4000, 80, 2)}) {
        table.set.slot[0].key = other;
        CHECK(table.pid() == 0);
    }
}

TEST_CASE("an entry that is being written is not believed", "[binding_table]") {
    Table table;
    bool whole = false;
    table.write(2, table.asked, 7, 10'000);
    table.write(3, table.asked, 8, 20'000);
    CHECK(table.pid(&whole) == 8);
    CHECK(whole);
    // Copied in part before it was written, in part after.
    for (const dw_u64 other : {dw_u64{0}, table.set.tag[2], table.set.tag[3] + 1}) {
        const dw_u64 kept = std::exchange(table.set.slot[3].tag, other);
        CHECK(table.pid(&whole) == 7);
        CHECK_FALSE(whole);
        table.set.slot[3].tag = kept;
    }
    table.set.tag[3] = DW_TAG_BUSY;
    CHECK(table.pid(&whole) == 7);
    CHECK_FALSE(whole);
    // One that no look-up would take for the flow's does not matter.
    table.write(3, flow(4001), 8, 20'000);
    REQUIRE(table.set.tag[3] >> DW_TAG_TIME_BITS != table.set.tag[2] >> DW_TAG_TIME_BITS);
    table.set.slot[3].tag = 0;
    CHECK(table.pid(&whole) == 7);
    CHECK(whole);
}

TEST_CASE("both keys of a datagram's socket are found in one set", "[binding_table]") {
    Table table;
    const std::array keys{flow(4000), flow(4000, 80, 0)};
    CHECK(dw_flow_hash(&keys[0], &some_keys) == dw_flow_hash(&keys[1], &some_keys));
    table.write(0, keys[0], 7, 10'000);
    table.write(1, keys[1], 8, 10'000);
    std::array<std::optional<dw_binding>, 2> found;
    CHECK(find_in_set(table.set, table.hash, keys, found));
    CHECK(found[0]->who.pid == 7);
    CHECK(found[1]->who.pid == 8);
}

TEST_CASE("flows that differ in one thing are spread over the sets", "[binding_table]") {
    constexpr dw_u32 sets = 8192;
    for (const bool remote : {false, true}) {
        std::set<dw_u32> hit;
        for (int port = 1; port <= 65535; ++port) {
            const dw_flow_key key = remote ? flow(4000, port) : flow(port);
            const dw_u32 index = dw_set_index(dw_flow_hash(&key, &some_keys), sets);
            REQUIRE(index < sets);
            hit.insert(index);
        }
        CHECK(hit.size() > sets * 9 / 10);
    }
}

TEST_CASE("sets hold at least as many bindings as asked for", "[binding_table]") {
    CHECK(binding_sets(1) == 1);
    CHECK(binding_sets(8) == 1);
    CHECK(binding_sets(9) == 2);
    CHECK(binding_sets(65536) == 8192);
    CHECK(binding_sets(0xffffffff) == 0x20000000);
}
