// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/nft_queue_rule.hpp"

#include <array>
#include <span>
#include <string>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <linux/netfilter/xt_bpf.h>
#include <poll.h>
#include <sys/socket.h>

#include "fwd/nft_text.hpp"

namespace doorward {
namespace {

constexpr int answer_timeout_ms = 10'000;  // the kernel may have to load a module first

// Messages of one nf_tables transaction: all of them take effect, or none.
class Batch {
public:
    explicit Batch(int table_family = NFPROTO_INET) : table_family_(table_family) {
        add(NFNL_MSG_BATCH_BEGIN, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, 0);
    }

    // Each is far shorter than 1 KiB. Three for each queue, those that begin and end it, and one to spare.
    static constexpr std::size_t most_messages = NftLayout::most_queues * 3 + 3;

    nlmsghdr* add(int type, int family, int resource, int flags) {
        nlmsghdr* header = mnl_nlmsg_put_header(buffer_.data() + size());
        header->nlmsg_type = static_cast<std::uint16_t>(type);
        header->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
        header->nlmsg_seq = ++count_;
        auto* generic = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
        generic->nfgen_family = static_cast<std::uint8_t>(family);
        generic->version = NFNETLINK_V0;
        generic->res_id = htons(static_cast<std::uint16_t>(resource));
        if (last_ != nullptr) closed_ += last_->nlmsg_len;
        last_ = header;
        return header;
    }

    nlmsghdr* add_table_message(int type, int flags) {
        ++answers_;
        return add((NFNL_SUBSYS_NFTABLES << 8) | type, table_family_, 0, NLM_F_ACK | flags);
    }

    void end() { add(NFNL_MSG_BATCH_END, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, 0); }

    const char* data() const { return buffer_.data(); }
    std::size_t size() const { return last_ == nullptr ? 0 : closed_ + last_->nlmsg_len; }
    unsigned answers() const { return answers_; }  // how many the kernel will send

private:
    alignas(nlmsghdr) std::array<char, (most_messages + 1) * 1024> buffer_{};
    int table_family_;
    nlmsghdr* last_ = nullptr;
    std::size_t closed_ = 0;  // bytes of the messages before the last
    std::uint32_t count_ = 0;
    unsigned answers_ = 0;
};

// One element of a rule's list of expressions: a name, and attributes that `fill` puts.
template <class Fill>
void put_expression(nlmsghdr* rule, const char* name, Fill fill) {
    nlattr* element = mnl_attr_nest_start(rule, NFTA_LIST_ELEM);
    mnl_attr_put_strz(rule, NFTA_EXPR_NAME, name);
    nlattr* data = mnl_attr_nest_start(rule, NFTA_EXPR_DATA);
    fill();
    mnl_attr_nest_end(rule, data);
    mnl_attr_nest_end(rule, element);
}

void put_verdict(nlmsghdr* rule, int code, const char* chain = "") {
    put_expression(rule, "immediate", [&] {
        mnl_attr_put_u32(rule, NFTA_IMMEDIATE_DREG, htonl(NFT_REG_VERDICT));
        nlattr* data = mnl_attr_nest_start(rule, NFTA_IMMEDIATE_DATA);
        nlattr* verdict = mnl_attr_nest_start(rule, NFTA_DATA_VERDICT);
        mnl_attr_put_u32(rule, NFTA_VERDICT_CODE, htonl(static_cast<std::uint32_t>(code)));
        if (*chain != '\0') mnl_attr_put_strz(rule, NFTA_VERDICT_CHAIN, chain);
        mnl_attr_nest_end(rule, verdict);
        mnl_attr_nest_end(rule, data);
    });
}

// The rule's expressions: the target alone, as nft_compat wants it.
void put_target(nlmsghdr* rule, std::uint16_t queue, bool bypass) {
    // Padded as xtables pads every target's data.
    struct alignas(8) {
        xt_NFQ_info_v3 info{};
    } data;
    data.info = {queue, 1, static_cast<std::uint16_t>(bypass ? NFQ_FLAG_BYPASS : 0)};
    nlattr* list = mnl_attr_nest_start(rule, NFTA_RULE_EXPRESSIONS);
    put_expression(rule, "target", [&] {
        mnl_attr_put_strz(rule, NFTA_TARGET_NAME, "NFQUEUE");
        mnl_attr_put_u32(rule, NFTA_TARGET_REV, htonl(3));
        mnl_attr_put(rule, NFTA_TARGET_INFO, sizeof data, &data);
    });
    mnl_attr_nest_end(rule, list);
}

void put_drop(nlmsghdr* rule) {
    nlattr* list = mnl_attr_nest_start(rule, NFTA_RULE_EXPRESSIONS);
    put_verdict(rule, NF_DROP);
    mnl_attr_nest_end(rule, list);
}

// "Where the program says 1, jump to the chain (or return)."
void put_question(nlmsghdr* rule, int program_fd, const char* target) {
    xt_bpf_info_v1 info{};
    info.mode = XT_BPF_MODE_FD_ELF;
    info.fd = program_fd;
    nlattr* list = mnl_attr_nest_start(rule, NFTA_RULE_EXPRESSIONS);
    put_expression(rule, "match", [&] {
        mnl_attr_put_strz(rule, NFTA_MATCH_NAME, "bpf");
        mnl_attr_put_u32(rule, NFTA_MATCH_REV, htonl(1));
        mnl_attr_put(rule, NFTA_MATCH_INFO, sizeof info, &info);
    });
    put_verdict(rule, *target == '\0' ? NFT_RETURN : NFT_JUMP, target);
    mnl_attr_nest_end(rule, list);
}

// Behind the chain's other rules, or (without NLM_F_APPEND) before them.
nlmsghdr* add_rule(Batch& batch, const char* table, const char* chain, int place = NLM_F_APPEND) {
    nlmsghdr* rule = batch.add_table_message(NFT_MSG_NEWRULE, NLM_F_CREATE | place);
    mnl_attr_put_strz(rule, NFTA_RULE_TABLE, table);
    mnl_attr_put_strz(rule, NFTA_RULE_CHAIN, chain);
    return rule;
}

// 0, or the errno of the first refusal in one datagram of answers; counts those that are good.
int read_answers(std::span<const char> bytes, unsigned& good) {
    int left = static_cast<int>(bytes.size());
    const auto* message = reinterpret_cast<const nlmsghdr*>(bytes.data());
    for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
        if (message->nlmsg_type != NLMSG_ERROR) continue;
        if (mnl_nlmsg_get_payload_len(message) < sizeof(nlmsgerr)) return EBADMSG;
        const int error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message))->error;
        if (error != 0) return -error;
        ++good;
    }
    return 0;
}

// Sends the transaction and waits for the kernel's answer to each message. Returns an errno.
int commit(mnl_socket* socket, Batch& batch) {
    batch.end();
    // What an earlier, failed transaction left unread must not be taken for this one's answers.
    alignas(nlmsghdr) std::array<char, 16384> answer;
    const int fd = mnl_socket_get_fd(socket);
    while (recv(fd, answer.data(), answer.size(), MSG_DONTWAIT) > 0) {
    }
    if (mnl_socket_sendto(socket, batch.data(), batch.size()) < 0) return errno;
    unsigned good = 0;
    // The kernel has worked through it all when the write returns: a refusal of the transaction as
    // such is there already.
    do {
        pollfd waiting{fd, POLLIN, 0};
        const int ready = poll(&waiting, 1, batch.answers() == 0 ? 0 : answer_timeout_ms);
        if (ready == 0) return batch.answers() == 0 ? 0 : ETIMEDOUT;
        if (ready < 0 && errno == EINTR) continue;
        const ssize_t got = recv(fd, answer.data(), answer.size(), MSG_DONTWAIT);
        if (got < 0) {
            if (errno == EINTR || errno == EAGAIN) continue;
            return errno;
        }
        const auto bytes = std::span(answer).first(static_cast<std::size_t>(got));
        if (const int error = read_answers(bytes, good); error != 0) return error;
    } while (good < batch.answers());
    return 0;
}

// Puts a rule into a table of its own and takes both out again, in one transaction: an errno.
template <class Fill>
int try_rule(mnl_socket* socket, int family, Fill fill) {
    const std::string table = fmt::format("doorward-probe-{}", getpid());
    Batch batch(family);
    mnl_attr_put_strz(batch.add_table_message(NFT_MSG_NEWTABLE, NLM_F_CREATE), NFTA_TABLE_NAME,
                      table.c_str());
    nlmsghdr* chain = batch.add_table_message(NFT_MSG_NEWCHAIN, NLM_F_CREATE);
    mnl_attr_put_strz(chain, NFTA_CHAIN_TABLE, table.c_str());
    mnl_attr_put_strz(chain, NFTA_CHAIN_NAME, "probe");
    fill(add_rule(batch, table.c_str(), "probe"));
    mnl_attr_put_strz(batch.add_table_message(NFT_MSG_DELTABLE, 0), NFTA_TABLE_NAME,
                      table.c_str());
    return commit(socket, batch);
}

}  // namespace

Result<NftQueueRule> NftQueueRule::open() {
    auto socket = open_netfilter_socket();
    if (!socket) return std::unexpected(socket.error());
    // A transaction without content: asks for nothing but the right to make one.
    Batch batch;
    if (const int error = commit(socket->get(), batch); error != 0) {
        return sys_fail("change nftables", error,
                        "doorward needs CAP_NET_ADMIN in its network namespace, and a kernel with "
                        "nf_tables");
    }
    return NftQueueRule(std::move(*socket));
}

Result<void> NftQueueRule::probe() {
    const int error = try_rule(socket_.get(), NFPROTO_INET,
                               [](nlmsghdr* rule) { put_target(rule, 0, false); });
    if (error != 0) return sys_fail("use the NFQUEUE target in nftables", error);
    return {};
}

Result<void> NftQueueRule::put(std::uint16_t first, std::uint16_t queues, bool bypass) {
    Batch batch;
    for (std::uint16_t i = 0; i < queues; ++i) {
        const std::string chain = nft_undecided_chain(i);
        nlmsghdr* flush = batch.add_table_message(NFT_MSG_DELRULE, 0);
        mnl_attr_put_strz(flush, NFTA_RULE_TABLE, "doorward");
        mnl_attr_put_strz(flush, NFTA_RULE_CHAIN, chain.c_str());
        put_target(add_rule(batch, "doorward", chain.c_str()), static_cast<std::uint16_t>(first + i), bypass);
        if (!bypass) put_drop(add_rule(batch, "doorward", chain.c_str()));
    }
    if (const int error = commit(socket_.get(), batch); error != 0) {
        return sys_fail("put the NFQUEUE rule into the table inet doorward", error);
    }
    return {};
}

Result<void> NftQueueRule::put_questions(std::span<const Question> questions) {
    // The kernel finds the module xt_bpf by itself for the family ip, but not for inet, where it has
    // no name to ask for: so first there. What counts is the second answer.
    (void)try_rule(socket_.get(), NFPROTO_IPV4, [&questions](nlmsghdr* rule) {
        put_question(rule, questions.front().program_fd, "");
    });
    if (questions.size() + 2 > Batch::most_messages)  // and those that begin and end it
        return fail("too many questions for one transaction");
    Batch batch;
    // Each goes to the front of its chain: the last one first.
    for (auto question = questions.rbegin(); question != questions.rend(); ++question)
        put_question(add_rule(batch, "doorward", question->chain, 0), question->program_fd,
                     question->target);
    if (const int error = commit(socket_.get(), batch); error != 0)
        return sys_fail("put the BPF match into the table inet doorward", error);
    return {};
}

}  // namespace doorward
