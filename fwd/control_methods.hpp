// SPDX-License-Identifier: GPL-2.0-or-later
// Names of methods → calls on `Controlled`, with the right to call each. Knows no socket.
#pragma once

#include <string>
#include <vector>

#include "fwd/control_protocol.hpp"
#include "fwd/control_types.hpp"

namespace doorward {

// What a connection may do, by the kernel's credentials of its other end. Each includes the former.
enum class Access : std::uint8_t {
    none,    // only ask what this service is
    read,
    change,
};

class ControlMethods {
public:
    ControlMethods(Controlled& controlled, std::string version)
        : controlled_(controlled), version_(std::move(version)) {}

    // Never throws; an exception of the daemon becomes the error "Failed".
    Reply call(const Call& call, Access access) const;

    // Every method, qualified, in the order of the interface description.
    static std::vector<std::string> names();

private:
    Controlled& controlled_;
    std::string version_;
};

}  // namespace doorward
