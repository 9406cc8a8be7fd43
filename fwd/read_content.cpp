// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/read_content.hpp"

#include <chrono>
#include <filesystem>
#include <thread>
#include <vector>

#include "fwd/clock.hpp"
#include "fwd/file_digest.hpp"
#include "fwd/package_database.hpp"

namespace doorward {
namespace {

constexpr std::size_t piece = std::size_t{1} << 20;

void read_digest(ExecutableFile file, ExecutableContent& content) {
    std::vector<std::uint8_t> buffer(piece);
    FileDigest digest(std::move(file));
    for (;;) {
        switch (digest.step(static_cast<std::int64_t>(clock_ns(CLOCK_REALTIME)), buffer)) {
        case FileDigest::State::waiting:
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            break;
        case FileDigest::State::reading: break;
        case FileDigest::State::failed: content.missing = digest.failure(); return;
        case FileDigest::State::done: content.sha256 = digest.digest(); return;
        }
    }
}

}  // namespace

ExecutableContent read_content(const std::string& path, Facts wanted) {
    ExecutableContent content = ExecutableContent::nothing(wanted, NoContent::none);
    std::error_code error;
    const std::string real = std::filesystem::canonical(path, error).string();
    auto file = ExecutableFile::open_path(error ? path : real);
    if (!file) {
        content.missing = file.error();
        return content;
    }
    if (wanted.has(Fact::verity)) content.verity = verity_digest(file->fd());
    if (wanted.has(Fact::package)) content.package = PackageDatabase().owner(real);
    if (wanted.has(Fact::sha256)) read_digest(std::move(*file), content);
    return content;
}

}  // namespace doorward
