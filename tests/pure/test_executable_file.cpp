// SPDX-License-Identifier: GPL-2.0-or-later
// Mounts, versions of files and their digests, on files of the test's own.
#include <catch2/catch.hpp>

#include <array>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fwd/content_worker.hpp"
#include "fwd/mount_entry.hpp"
#include "fwd/read_content.hpp"
#include "temp_folder.hpp"

using namespace doorward;

namespace {

constexpr const char* mountinfo =
    "22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"
    "36 22 0:45 /sub /mnt/a\\040b rw master:1 propagate_from:2 - fuse.sshfs host:/ rw\n"
    "220 22 0:46 / /x rw - overlay overlay rw,lowerdir=/a - b\n"
    "37 22 8:1048576 / /y rw - ext4 /dev/y rw\n"
    "38 22 8 / /y rw - ext4 /dev/y rw\n"
    "39 22 8:1 / /y rw\n";

// Of "abc", from FIPS 180-2.
constexpr const char* abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr std::int64_t far_future = std::numeric_limits<std::int64_t>::max();

ExecutableFile opened(const std::string& path) {
    auto file = ExecutableFile::open_path(path);
    REQUIRE(file);
    return std::move(*file);
}

FileDigest::State read_to_end(FileDigest& digest) {
    std::array<std::uint8_t, 64> buffer;
    for (int i = 0; i < 100'000; ++i) {
        const auto state = digest.step(far_future, buffer);
        if (state != FileDigest::State::reading) return state;
    }
    return FileDigest::State::reading;
}

Process process_of(const ExecutableFile& file, const std::string& path) {
    Process process;
    process.pid = 0;
    process.exe = path;
    process.exe_device = file.version().device;
    process.exe_inode = file.version().inode;
    process.exe_size = file.version().size;
    process.exe_mtime_ns = file.version().mtime_ns;
    process.exe_ctime_ns = file.version().ctime_ns;
    return process;
}

SharedContent wait_for(ContentWorker& worker, const Process& process, Facts wanted) {
    for (int i = 0; i < 1000; ++i) {
        if (auto content = worker.find(process, wanted)) return content;
        ::usleep(10'000);
    }
    return nullptr;
}

}  // namespace

TEST_CASE("a mount's device and type by its id") {
    CHECK(find_mount(mountinfo, 22) == MountEntry{254u << 20 | 1, "ext4"});
    CHECK(find_mount(mountinfo, 36) == MountEntry{45, "fuse.sshfs"});
    CHECK(find_mount(mountinfo, 220) == MountEntry{46, "overlay"});
    for (const std::uint64_t id : {1u, 2u, 3u, 37u, 38u, 39u, 40u}) CHECK_FALSE(find_mount(mountinfo, id));
    CHECK_FALSE(find_mount("", 22));
    CHECK_FALSE(find_mount("22", 22));
    CHECK(parse_mount_id("pos:\t0\nflags:\t02\nmnt_id:\t29\nino:\t5\n") == 29);
    CHECK_FALSE(parse_mount_id("pos:\t0\n"));
    CHECK_FALSE(parse_mount_id("mnt_id:\tx\n"));
}

TEST_CASE("filesystems that this kernel alone answers for") {
    for (const char* type : {"ext4", "btrfs", "xfs", "overlay", "tmpfs", "squashfs", "zfs"})
        CHECK(is_trusted_filesystem(type));
    for (const char* type : {"fuse", "fuse.sshfs", "fuseblk", "nfs", "nfs4", "cifs", "9p", "virtiofs", "vfat",
                             "exfat", "proc", "", "ext4x", "newfs"})
        CHECK_FALSE(is_trusted_filesystem(type));
}

TEST_CASE("a file is opened as the version that was asked for, or not at all") {
    const TempFolder folder;
    folder.write("tool", "abc");
    const std::string path = folder / "tool";
    const FileVersion version = opened(path).version();
    struct stat status{};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK(version.inode == status.st_ino);
    CHECK(version.size == 3);
    ExecutableQuestion question{version, 0, 0, path};
    CHECK(ExecutableFile::open(question));
    for (auto member : {&FileVersion::device, &FileVersion::inode, &FileVersion::size}) {
        auto other = question;
        other.version.*member += 1;
        CHECK(ExecutableFile::open(other).error() == NoContent::replaced);
    }
    ::usleep(20'000);
    folder.write("tool", "abd");
    CHECK(ExecutableFile::open(question).error() == NoContent::replaced);
    std::filesystem::remove(path);
    CHECK(ExecutableFile::open(question).error() == NoContent::gone);
    CHECK(ExecutableFile::open_path(folder.path()).error() == NoContent::unreadable);
    CHECK(ExecutableFile::open_path("/dev/null").error() == NoContent::unreadable);
}

TEST_CASE("a file written to after a process was started tells nothing about that process") {
    constexpr std::int64_t start = 1'000'000'000'000;
    CHECK_FALSE(fresh_at(start - timestamp_tick_ns, start));
    CHECK(fresh_at(start - timestamp_tick_ns + 1, start));
    CHECK(fresh_at(start + 1, start));
    const TempFolder folder;
    folder.write("tool", "abc");
    const FileVersion version = opened(folder / "tool").version();
    // A process that is gone and was started with the machine, long before the file.
    const ExecutableQuestion question{version, 0x7fffffff, 1, folder / "tool"};
    CHECK(ExecutableFile::open(question).error() == NoContent::gone);
}

TEST_CASE("digests are those of the standard") {
    const TempFolder folder;
    folder.write("abc", "abc");
    folder.write("empty", "");
    folder.write("million", std::string(1'000'000, 'a'));
    const auto digest_of = [&](const char* name) {
        FileDigest digest(opened(folder / name));
        REQUIRE(read_to_end(digest) == FileDigest::State::done);
        return to_hex(digest.digest());
    };
    CHECK(digest_of("abc") == abc);
    CHECK(digest_of("empty") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(digest_of("million") ==
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("a file that changes while it is read has no digest") {
    const TempFolder folder;
    const std::string text(1000, 'x');
    std::array<std::uint8_t, 64> buffer;
    const auto interrupted = [&](const char* name, auto change) {
        folder.write(name, text);
        FileDigest digest(opened(folder / name));
        REQUIRE(digest.step(far_future, buffer) == FileDigest::State::reading);
        ::usleep(20'000);
        change(folder / name);
        REQUIRE(read_to_end(digest) == FileDigest::State::failed);
        return digest.failure();
    };
    CHECK(interrupted("a", [](const std::string& path) { std::ofstream(path, std::ios::app) << "y"; }) ==
          NoContent::changed);
    CHECK(interrupted("b", [](const std::string& path) { ::truncate(path.c_str(), 10); }) ==
          NoContent::changed);
    CHECK(interrupted("c", [&](const std::string& path) { std::ofstream(path, std::ios::in) << text; }) ==
          NoContent::changed);
    CHECK(interrupted("d", [](const std::string& path) { std::filesystem::remove(path); }) ==
          NoContent::changed);
}

TEST_CASE("a file that is made up as it is read has no digest") {
    CHECK(ExecutableFile::open_path("/proc/self/status").error() == NoContent::remote);
}

TEST_CASE("a file just written is not read before another write would show") {
    const TempFolder folder;
    folder.write("abc", "abc");
    const auto file = opened(folder / "abc");
    const std::int64_t ctime = file.version().ctime_ns;
    FileDigest digest(opened(folder / "abc"));
    std::array<std::uint8_t, 64> buffer;
    CHECK(digest.step(ctime, buffer) == FileDigest::State::waiting);
    CHECK(digest.step(ctime + timestamp_tick_ns - 1, buffer) == FileDigest::State::waiting);
    CHECK(digest.step(ctime + timestamp_tick_ns, buffer) == FileDigest::State::reading);
}

TEST_CASE("a file beyond every executable is not read") {
    const TempFolder folder;
    folder.write("huge", "");
    REQUIRE(::truncate((folder / "huge").c_str(), static_cast<off_t>(FileDigest::largest) + 1) == 0);
    FileDigest digest(opened(folder / "huge"));
    CHECK(read_to_end(digest) == FileDigest::State::failed);
    CHECK(digest.failure() == NoContent::too_large);
}

TEST_CASE("the worker finds out, remembers and says when it is ready") {
    const TempFolder folder;
    folder.write("tool", "abc");
    auto worker = ContentWorker::start();
    REQUIRE(worker);
    const Process process = process_of(opened(folder / "tool"), folder / "tool");
    CHECK_FALSE((*worker)->find(process, {Fact::sha256}));
    REQUIRE((*worker)->request(process, {Fact::sha256}));
    auto content = wait_for(**worker, process, {Fact::sha256});
    REQUIRE(content);
    REQUIRE(content->sha256);
    CHECK(to_hex(*content->sha256) == abc);
    std::uint64_t ready = 0;
    CHECK(::read((*worker)->ready_fd(), &ready, sizeof ready) == sizeof ready);
    Process other = process;
    other.exe_ctime_ns--;
    REQUIRE((*worker)->request(other, Facts::all()));
    content = wait_for(**worker, other, Facts::all());
    REQUIRE(content);
    CHECK_FALSE(content->sha256);
    CHECK(content->missing == NoContent::replaced);
    const auto counters = (*worker)->counters();
    CHECK(counters.hashed == 1);
    CHECK(counters.failures[static_cast<std::size_t>(NoContent::replaced)] == 1);
    CHECK(counters.cached == 2);
    CHECK(counters.pending == 0);
}

TEST_CASE("a large file does not keep a small one waiting") {
    const TempFolder folder;
    folder.write("large", "");
    folder.write("small", "abc");
    REQUIRE(::truncate((folder / "large").c_str(), std::int64_t{3} << 30) == 0);
    ContentWorker::Options options;
    options.pending = 8;
    auto worker = ContentWorker::start(options);
    REQUIRE(worker);
    const Process large = process_of(opened(folder / "large"), folder / "large");
    const Process small = process_of(opened(folder / "small"), folder / "small");
    REQUIRE((*worker)->request(large, {Fact::sha256}));
    REQUIRE((*worker)->request(small, {Fact::sha256}));
    CHECK((*worker)->request(large, {Fact::sha256}));  // is asked for already
    Process third = small;
    third.exe_inode++;
    CHECK_FALSE((*worker)->request(third, {Fact::sha256}));  // a quarter is this user's
    third.uid = 1000;
    CHECK((*worker)->request(third, {Fact::sha256}));
    CHECK(wait_for(**worker, small, {Fact::sha256}));
    CHECK_FALSE((*worker)->known(large, {Fact::sha256}));
}  // ends the worker in the middle of the large one

TEST_CASE("what a path holds, for the command") {
    const TempFolder folder;
    folder.write("tool", "abc");
    std::filesystem::create_symlink("tool", folder / "link");
    const auto content = read_content(folder / "link", Facts::all());
    REQUIRE(content.sha256);
    CHECK(to_hex(*content.sha256) == abc);
    CHECK(content.package.empty());
    CHECK(content.verity.empty());
    CHECK(read_content(folder / "nothing", Facts::all()).missing == NoContent::gone);
}
