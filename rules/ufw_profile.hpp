// SPDX-License-Identifier: GPL-2.0-or-later
// Application profiles of ufw: names for ports, in files of INI form.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/imported.hpp"
#include "rules/port_range.hpp"

namespace doorward {

enum class UfwProtocol : std::uint8_t { tcp, udp, any };  // any: both

struct UfwPorts {
    std::vector<PortRange> ranges;  // as written
    UfwProtocol protocol = UfwProtocol::any;
};

struct UfwProfile {
    std::string name;
    std::string title;
    std::vector<UfwPorts> ports;  // one for each protocol that it has
    Place place;
};

// What ufw would take from the file; what it passes over, and why, goes to `findings`. A file that it
// could not read at all gives one finding and no profiles.
std::vector<UfwProfile> read_ufw_profiles(const ImportFile& file, std::vector<Finding>& findings);

// "80,443", "6000:6007": what ufw takes for ports, names of services aside.
Result<std::vector<PortRange>> parse_ufw_ports(std::string_view text);

}  // namespace doorward
