// SPDX-License-Identifier: GPL-2.0-or-later
// Owners for what C libraries and the kernel hand out.
#pragma once

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include <unistd.h>

#include "rules/result.hpp"

namespace doorward {

template <auto Release>
struct ReleaseWith {
    template <class T>
    void operator()(T* object) const {
        Release(object);
    }
};

// CHandle<sqlite3, sqlite3_close_v2>: freed by the C function when it goes out of scope.
template <class T, auto Release>
using CHandle = std::unique_ptr<T, ReleaseWith<Release>>;

// A file descriptor, closed when it goes out of scope. -1 means "none".
class Fd {
public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd() {
        if (fd_ >= 0) ::close(fd_);
    }

    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }

private:
    int fd_ = -1;
};

// "cannot <operation>: <errno in words>", with errno as it stands or as given.
inline std::unexpected<Error> sys_fail(const std::string& operation, int error = errno,
                                       std::string remedy = {}) {
    return fail("cannot " + operation + ": " + std::strerror(error), std::move(remedy));
}

}  // namespace doorward
