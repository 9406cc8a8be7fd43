// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/options.hpp"

#include <cerrno>
#include <fstream>
#include <map>
#include <sstream>

#include <CLI/CLI.hpp>

#include "fwd/handle.hpp"
#include "fwd/version.hpp"

namespace doorward {
namespace {

// What the command line may say instead of the file. Absent: the file's word stands.
struct Overrides {
    std::optional<Mode> mode;
    std::optional<HookChoice> hooks;
    std::optional<PassPolicy> loopback;
    std::optional<PassPolicy> forward;
    std::optional<PacketSocketPolicy> packet_sockets;
    std::optional<Action> default_out;
    std::optional<Action> default_in;
    std::optional<Action> default_forward;
    std::optional<std::uint16_t> queue;
    std::optional<std::uint32_t> mark_mask;
    std::optional<std::string> rules_dir;
    std::optional<std::string> database;
    std::optional<std::string> control_socket;
};

template <class T>
void put_over(T& value, const std::optional<T>& override) {
    if (override) value = *override;
}

void apply(const Overrides& overrides, Config& config) {
    put_over(config.mode, overrides.mode);
    put_over(config.hooks, overrides.hooks);
    put_over(config.loopback, overrides.loopback);
    put_over(config.forward, overrides.forward);
    put_over(config.packet_sockets, overrides.packet_sockets);
    put_over(config.defaults.out, overrides.default_out);
    put_over(config.defaults.in, overrides.default_in);
    put_over(config.defaults.forward, overrides.default_forward);
    put_over(config.queue, overrides.queue);
    put_over(config.mark_mask, overrides.mark_mask);
    put_over(config.rules_dir, overrides.rules_dir);
    put_over(config.database, overrides.database);
    put_over(config.control_socket, overrides.control_socket);
}

template <class T>
void add_choice(CLI::App& app, const std::string& name, std::optional<T>& value,
                const std::map<std::string, T>& choices, const std::string& help) {
    std::string metavar;
    for (const auto& [word, meaning] : choices) metavar += (metavar.empty() ? "" : "|") + word;
    app.add_option_function<std::string>(
           name, [&value, &choices](const std::string& word) { value = choices.at(word); }, help)
        ->check(CLI::IsMember(choices))
        ->type_name(metavar);
}

const std::map<std::string, Mode> modes{{"enforce", Mode::enforce}, {"observe", Mode::observe}};
const std::map<std::string, HookChoice> hook_choices{{"auto", HookChoice::automatic},
                                                     {"fentry", HookChoice::fentry},
                                                     {"kprobe", HookChoice::kprobe},
                                                     {"cgroup", HookChoice::cgroup}};
const std::map<std::string, PassPolicy> pass_policies{{"accept", PassPolicy::accept},
                                                              {"filter", PassPolicy::filter}};
const std::map<std::string, PacketSocketPolicy> packet_socket_policies{
    {"allow", PacketSocketPolicy::allow},
    {"record", PacketSocketPolicy::record},
    {"refuse", PacketSocketPolicy::refuse}};
const std::map<std::string, Action> actions{
    {"accept", Action::accept}, {"drop", Action::drop}, {"reject", Action::reject}};

void add_overrides(CLI::App& app, Overrides& overrides) {
    add_choice(app, "--mode", overrides.mode, modes, "carry verdicts out, or only record them");
    add_choice(app, "--hooks", overrides.hooks, hook_choices, "how flows are bound to processes");
    add_choice(app, "--loopback", overrides.loopback, pass_policies,
               "pass traffic over lo, or decide it like all other");
    add_choice(app, "--forward", overrides.forward, pass_policies,
               "leave packets alone that pass through this host, or decide them");
    add_choice(app, "--packet-sockets", overrides.packet_sockets, packet_socket_policies,
               "what packet sockets send, which no rule sees: let it be, record it, or drop it");
    add_choice(app, "--default-out", overrides.default_out, actions,
               "outbound flows that no rule matches");
    add_choice(app, "--default-in", overrides.default_in, actions,
               "inbound flows that no rule matches");
    add_choice(app, "--default-forward", overrides.default_forward, actions,
               "forwarded flows that no rule matches, where they are decided");
    app.add_option("--queue", overrides.queue, "number of the netfilter queue");
    app.add_option("--mark-mask", overrides.mark_mask, "bits of packet and conntrack marks to use");
    app.add_option("--rules-dir", overrides.rules_dir, "folder of rule files");
    app.add_option("--database", overrides.database, "file of the audit log");
    app.add_option("--control-socket", overrides.control_socket, "socket for the command `doorward`");
}

Result<Config> read_config(const std::string& path, bool named) {
    std::ifstream file(path);
    if (!file) {
        if (errno == ENOENT && !named) return Config{};  // all defaults
        return sys_fail("read " + path, errno, "name another file with --config");
    }
    std::ostringstream text;
    text << file.rdbuf();
    return parse_config(text.str(), path);
}

}  // namespace

Result<Options> parse_options(int argc, char** argv, std::optional<int>& exit_code) {
    CLI::App app("Application firewall: decides for every new flow by the program behind it.",
                 "doorwardd");
    Options options;
    Overrides overrides;
    std::string path = "/etc/doorward/doorward.yaml";
    const auto* config_option = app.add_option("--config", path, "configuration file")
                                    ->capture_default_str();
    app.add_flag("--check-config", options.check_config,
                 "only check configuration and rules: 0 if they are right");
    app.set_version_flag("--version", std::string("doorwardd ") + version);
    add_overrides(app, overrides);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        exit_code = app.exit(error) == 0 ? 0 : 2;
        return options;
    }
    auto config = read_config(path, config_option->count() > 0);
    if (!config) return std::unexpected(config.error());
    options.config = std::move(*config);
    apply(overrides, options.config);
    if (auto valid = validate(options.config); !valid) return std::unexpected(valid.error());
    return options;
}

}  // namespace doorward
