// SPDX-License-Identifier: GPL-2.0-or-later
// A listening UNIX socket with a name in the file system.
#pragma once

#include <string>

#include <sys/types.h>

#include "fwd/handle.hpp"

namespace doorward {

class UnixListener {
public:
    // Creates the folder (mode 0755) if it is missing. A socket file that nobody listens on any
    // more is replaced; one that somebody listens on is an error. Everybody may connect: who may do
    // what is for the caller to check on each connection.
    static Result<UnixListener> open(const std::string& path);

    UnixListener(UnixListener&&) noexcept = default;
    UnixListener& operator=(UnixListener&&) = delete;
    ~UnixListener();  // removes the socket file, if it is still this one

    int fd() const { return fd_.get(); }

private:
    UnixListener(Fd fd, std::string path, dev_t device, ino_t inode)
        : fd_(std::move(fd)), path_(std::move(path)), device_(device), inode_(inode) {}

    Fd fd_;
    std::string path_;
    dev_t device_;
    ino_t inode_;
};

// For both ends: errors where the path is too long for a socket.
Result<void> check_socket_path(const std::string& path);

}  // namespace doorward
