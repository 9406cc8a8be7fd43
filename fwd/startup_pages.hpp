// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace doorward {

// Gives back the memory that only the start or loading rules took: free heap, and the pages of code and
// constants, of which the kernel maps again what is still needed when it is used. A start runs through much
// code that is never used again (loading BPF, reading YAML, building the table). Harmless at any time; costs
// page faults.
void let_go_of_startup_pages();

}  // namespace doorward
