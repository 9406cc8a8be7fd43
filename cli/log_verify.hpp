// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>

#include <CLI/CLI.hpp>

#include "cli/log_options.hpp"
#include "cli/session.hpp"

namespace doorward {

// Adds `verify` to `doorward log`, whose options it shares. Exit status: 0 the chain is whole; 1 it is not;
// 3 the database can't be read; 6 whole, but the end that was asked for has been removed since.
void add_log_verify(CLI::App& log, Session& session, const std::shared_ptr<LogOptions>& options);

}  // namespace doorward
