// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/offline_rules.hpp"

#include "cli/client.hpp"
#include "fwd/rule_cache.hpp"
#include "fwd/rule_files.hpp"

namespace doorward {
namespace {

template <class T>
std::vector<T> parsed(const std::vector<std::string>& texts) {
    std::vector<T> out;
    for (const std::string& text : texts)
        if (const auto value = T::parse(text)) out.push_back(*value);
    return out;
}

Network network_of(const NetworkStatus& status) {
    Network network;
    network.lan = parsed<Prefix>(status.lan);
    network.self = parsed<Address>(status.self);
    network.dns = parsed<Address>(status.dns);
    network.interfaces = status.interfaces;
    network.domains = status.domains;
    for (const GatewayStatus& gateway : status.gateways)
        if (const auto address = Address::parse(gateway.address))
            network.gateways.push_back({*address, gateway.mac, gateway.interface});
    return network;
}

}  // namespace

CommandResult<std::shared_ptr<const Ruleset>> rules_of_folder(const std::string& folder,
                                                              const Defaults& defaults) {
    const auto files = read_rule_files(folder, Trust::anybody);
    if (!files) return command_fail(exit_failed, files.error());
    RuleCache cache;
    auto packs = cache.parse(*files);
    if (!packs) return command_fail(exit_failed, packs.error());
    auto ruleset = Ruleset::compile(std::move(*packs), defaults, system_environment());
    if (!ruleset) return command_fail(exit_failed, ruleset.error());
    return std::move(*ruleset);
}

CommandResult<HostView> ask_host_view(const std::string& socket) {
    const auto answer = ask(socket, "GetStatus", "status");
    if (!answer) return std::unexpected(answer.error());
    const auto status = as<Status>(*answer);
    if (!status) return std::unexpected(status.error());
    HostView view{status->ruleset.defaults, std::nullopt};
    if (status->network.known) view.network = network_of(status->network);
    return view;
}

}  // namespace doorward
