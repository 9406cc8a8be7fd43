// SPDX-License-Identifier: GPL-2.0-or-later
// The daemon's words to its operator: one line each on standard error. Only main, Daemon and the
// audit log's callbacks use it; library code returns errors instead.
#pragma once

#include <string_view>

namespace doorward {

// syslog(3) priorities. Under systemd they reach the journal as a line prefix (sd-daemon(3)).
enum class Severity { error = 3, warning = 4, notice = 5, info = 6 };

// Thread-safe: one write per line. Control characters are made visible, so that no program's name
// can forge a line.
void log_line(Severity severity, std::string_view text);

}  // namespace doorward
