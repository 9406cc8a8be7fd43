// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/file_digest.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include <linux/fsverity.h>
#include <nettle/sha2.h>
#include <sys/ioctl.h>

namespace doorward {
namespace {

constexpr std::size_t longest_verity_digest = 64;

std::string hex(std::span<const std::uint8_t> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

}  // namespace

std::string verity_digest(int fd) {
    alignas(fsverity_digest) std::array<std::uint8_t, sizeof(fsverity_digest) + longest_verity_digest>
        buffer{};
    auto* digest = reinterpret_cast<fsverity_digest*>(buffer.data());
    digest->digest_size = longest_verity_digest;
    if (::ioctl(fd, FS_IOC_MEASURE_VERITY, digest) < 0) return {};
    const std::span<const std::uint8_t> bytes(buffer.data() + offsetof(fsverity_digest, digest),
                                              std::min<std::size_t>(digest->digest_size,
                                                                    longest_verity_digest));
    switch (digest->digest_algorithm) {
    case FS_VERITY_HASH_ALG_SHA256: return "sha256:" + hex(bytes);
    case FS_VERITY_HASH_ALG_SHA512: return "sha512:" + hex(bytes);
    default: return {};
    }
}

struct FileDigest::Hash {
    sha256_ctx context;
};

FileDigest::FileDigest(ExecutableFile file)
    : file_(std::move(file)), hash_(std::make_unique<Hash>()) {
    sha256_init(&hash_->context);
}

FileDigest::FileDigest(FileDigest&&) noexcept = default;
FileDigest& FileDigest::operator=(FileDigest&&) noexcept = default;
FileDigest::~FileDigest() = default;

FileDigest::State FileDigest::fail(NoContent reason) {
    failure_ = reason;
    return State::failed;
}

FileDigest::State FileDigest::step(std::int64_t now_ns, std::span<std::uint8_t> buffer) {
    const FileVersion& version = file_.version();
    if (version.size > largest) return fail(NoContent::too_large);
    // A ctime in the future is a clock that was set back: it will not come to the same tick again.
    if (read_ == 0 && now_ns >= version.ctime_ns && fresh_at(version.ctime_ns, now_ns))
        return State::waiting;
    if (read_ == version.size) return finish();
    const std::size_t wanted = std::min<std::uint64_t>(buffer.size(), version.size - read_);
    const ssize_t got = ::pread(file_.fd(), buffer.data(), wanted, static_cast<off_t>(read_));
    if (got < 0 && errno == EINTR) return State::reading;
    if (got < 0) return fail(NoContent::unreadable);
    if (got == 0) return fail(NoContent::changed);  // shorter than it was
    sha256_update(&hash_->context, static_cast<std::size_t>(got), buffer.data());
    read_ += static_cast<std::uint64_t>(got);
    return State::reading;
}

FileDigest::State FileDigest::finish() {
    std::uint8_t more = 0;
    if (::pread(file_.fd(), &more, 1, static_cast<off_t>(read_)) != 0 || !file_.unchanged())
        return fail(NoContent::changed);
    sha256_digest(&hash_->context, digest_.size(), digest_.data());
    return State::done;
}

}  // namespace doorward
