// SPDX-License-Identifier: GPL-2.0-or-later
// SHA-256 of an executable's file, a piece at a time, and the digest that the kernel keeps of it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "fwd/executable_file.hpp"
#include "rules/content.hpp"

namespace doorward {

// The fs-verity digest, "sha256:<hex>"; empty if the file has none. The kernel made it once and holds
// every read against it.
std::string verity_digest(int fd);

// Reads a file to its end in pieces, so that a large one does not keep small ones waiting.
class FileDigest {
public:
    enum class State : std::uint8_t { waiting, reading, done, failed };

    static constexpr std::uint64_t largest = std::uint64_t{4} << 30;

    explicit FileDigest(ExecutableFile file);
    FileDigest(FileDigest&&) noexcept;
    FileDigest& operator=(FileDigest&&) noexcept;
    ~FileDigest();

    // Reads the next piece, at most a bufferful. `now_ns`: wall clock, since the epoch. waiting: the
    // file was written to so lately that another write would not show; call again in some
    // milliseconds.
    State step(std::int64_t now_ns, std::span<std::uint8_t> buffer);

    const Sha256& digest() const { return digest_; }  // once done
    NoContent failure() const { return failure_; }    // once failed
    std::uint64_t read() const { return read_; }      // bytes so far
    int fd() const { return file_.fd(); }

private:
    struct Hash;
    State fail(NoContent reason);
    State finish();

    ExecutableFile file_;
    std::unique_ptr<Hash> hash_;
    std::uint64_t read_ = 0;
    Sha256 digest_{};
    NoContent failure_ = NoContent::none;
};

}  // namespace doorward
