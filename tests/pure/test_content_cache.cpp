// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include "fwd/content_cache.hpp"

using namespace doorward;

namespace {

constexpr std::uint64_t second = 1'000'000'000;
const ContentKey key{{1, 2, 3, 4, 5}, "/usr/bin/curl"};

ExecutableContent hashed() {
    auto content = ExecutableContent::nothing({Fact::sha256}, NoContent::none);
    content.sha256 = Sha256{1};
    return content;
}

}  // namespace

TEST_CASE("what is known of one version of a file is known of no other") {
    ContentCache cache(8);
    CHECK_FALSE(cache.find(key, {Fact::sha256}, 0));
    cache.put(key, hashed(), 0);
    REQUIRE(cache.find(key, {Fact::sha256}, 1000 * second));
    CHECK(cache.find(key, {Fact::sha256}, 0)->sha256 == Sha256{1});
    const auto others = [] {
        std::vector<ContentKey> keys(6, key);
        keys[0].version.device++;
        keys[1].version.inode++;
        keys[2].version.size++;
        keys[3].version.mtime_ns++;
        keys[4].version.ctime_ns++;
        keys[5].path = "/usr/bin/wget";
        return keys;
    }();
    for (const ContentKey& other : others) CHECK_FALSE(cache.find(other, {Fact::sha256}, 0));
}

TEST_CASE("facts are added to each other") {
    ContentCache cache(8);
    cache.put(key, hashed(), 0);
    CHECK_FALSE(cache.find(key, {Fact::sha256, Fact::package}, 0));
    auto packaged = ExecutableContent::nothing({Fact::package, Fact::verity}, NoContent::none);
    packaged.package = "curl";
    cache.put(key, packaged, 0);
    const auto all = cache.find(key, Facts::all(), 1000 * second);
    REQUIRE(all);
    CHECK(all->sha256 == Sha256{1});
    CHECK(all->package == "curl");
    CHECK(all->verity.empty());  // it has none, and that is a fact
}

TEST_CASE("a failure is asked about again, and takes nothing away") {
    ContentCache cache(8);
    cache.put(key, hashed(), 0);
    cache.put(key, ExecutableContent::nothing({Fact::package}, NoContent::gone), 10 * second);
    const Facts both{Fact::sha256, Fact::package};
    REQUIRE(cache.find(key, both, 11 * second));
    CHECK(cache.find(key, both, 11 * second)->missing == NoContent::gone);
    CHECK_FALSE(cache.find(key, both, 10 * second + ContentCache::fleeting_ns));
    CHECK(cache.find(key, {Fact::sha256}, 100 * second));
}

TEST_CASE("a file without a package may be one that is being installed") {
    ContentCache cache(8);
    cache.put(key, ExecutableContent::nothing({Fact::package}, NoContent::none), 0);
    CHECK(cache.find(key, {Fact::package}, second));
    CHECK_FALSE(cache.find(key, {Fact::package}, ContentCache::fleeting_ns));
}

TEST_CASE("the oldest makes room") {
    ContentCache cache(2);
    std::vector<ContentKey> keys(3, key);
    for (std::size_t i = 0; i < keys.size(); ++i) {
        keys[i].version.inode = 100 + i;
        cache.put(keys[i], hashed(), 0);
    }
    CHECK_FALSE(cache.find(keys[0], {Fact::sha256}, 0));
    CHECK(cache.find(keys[2], {Fact::sha256}, 0));
    CHECK(cache.size() == 2);
    CHECK(cache.evicted() == 1);
}
