// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace doorward {

// Whether systemd, which asks this process to end, is going to start it again at once (`systemctl restart`, as
// an upgrade does). False where it can't be told, and where systemd has not started us. Waits two seconds at most.
bool being_restarted();

}  // namespace doorward
