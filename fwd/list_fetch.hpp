// SPDX-License-Identifier: GPL-2.0-or-later
// One HTTP request for a list, bounded in size, time and places that it may lead to.
#pragma once

#include <cstdint>
#include <string>

#include "rules/result.hpp"

namespace doorward {

struct FetchRequest {
    std::string url;            // https://…, or http://… if the caller allows that
    std::string ca_file;        // empty: the system's certificates
    std::string proxy;          // empty: none; variables of the environment are not looked at
    std::uint64_t max_bytes = 0;  // of the body, unpacked
    std::uint32_t timeout_seconds = 0;  // for all of it, redirects included
    // Of the copy that is there; empty: none.
    std::string etag;
    std::string last_modified;
};

struct Fetched {
    bool not_modified = false;  // the copy that is there is still the newest; nothing else is set
    std::string body{};
    std::string etag{};
    std::string last_modified{};
};

// Certificates are always checked. At most five redirects are followed, from https to https only.
// Anything but 200 and 304 is an error. Not for threads that wait for nothing.
Result<Fetched> fetch(const FetchRequest& request);

}  // namespace doorward
