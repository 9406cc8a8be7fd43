// SPDX-License-Identifier: GPL-2.0-or-later
// What org.varlink.service.GetInterfaceDescription answers: the files *.varlink. A test holds it against the code.
#pragma once

#include <string_view>

namespace doorward {

std::string_view control_interface();
std::string_view varlink_service_interface();

}  // namespace doorward
