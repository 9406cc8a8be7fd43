// SPDX-License-Identifier: GPL-2.0-or-later
// Any arguments for each interpreter: the script is a clean absolute path, or no path at all.
#include <cstdint>
#include <string>
#include <string_view>

#include "require.hpp"
#include "rules/script.hpp"

using namespace doorward;

namespace {

constexpr std::string_view programs[] = {"python3.11", "bash",   "dash", "zsh", "perl", "ruby",
                                         "node",       "php8.2", "lua",  "R",   "java", "busybox"};

void check_path(const std::string& script) {
    require(script.starts_with('/') && script.size() > 1 && !script.ends_with('/'));
    require(script.find("//") == script.npos && !(script + "/").contains("/../"));
    require(!(script + "/").contains("/./") && !script.contains('\0'));
    require(!script.starts_with("/proc/") && !script.starts_with("/dev/"));
}

}  // namespace

// The first byte chooses the program and whether the arguments are cut, the rest are the arguments.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string exe = "/usr/bin/" + std::string(programs[(data[0] & 0x7f) % std::size(programs)]);
    StartOfProgram start{.exe = exe, .arguments = {reinterpret_cast<const char*>(data) + 1, size - 1}};
    start.arguments_cut = data[0] & 0x80;
    start.working_directory = "/srv/w";
    const std::string script = script_path(start);
    if (script.empty() || script.starts_with(unknown_prefix)) return 0;
    if (script.starts_with(module_prefix) || script.starts_with(class_prefix)) return 0;
    check_path(script);
    // What is not known names nothing: without a folder and in a chroot nothing is left.
    start.working_directory = {};
    start.root_changed = true;
    require(script_path(start).starts_with(unknown_prefix));
    // One more argument changes nothing of a script that was found, but for R, which reads on.
    start.working_directory = "/srv/w";
    start.root_changed = false;
    if (!exe.ends_with("/R") && start.arguments.ends_with('\0')) {
        const std::string more = std::string(start.arguments) + "-c" + '\0';
        start.arguments = more;
        require(script_path(start) == script);
    }
    return 0;
}
