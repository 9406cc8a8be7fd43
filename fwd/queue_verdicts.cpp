// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/queue_verdicts.hpp"

#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>

namespace doorward {
namespace {

constexpr std::size_t message_size =
    MNL_ALIGN(sizeof(nlmsghdr)) + MNL_ALIGN(sizeof(nfgenmsg)) +
    MNL_ALIGN(sizeof(nlattr) + sizeof(nfqnl_msg_verdict_hdr)) +
    MNL_ALIGN(sizeof(nlattr) + sizeof(std::uint32_t));

}  // namespace

QueueVerdicts::QueueVerdicts(std::uint16_t queue, std::size_t capacity)
    : queue_(queue), capacity_(capacity),
      buffer_(std::make_unique<char[]>(capacity * message_size)) {}

void QueueVerdicts::accept(std::uint32_t id) { add(id, NF_ACCEPT, nullptr); }

void QueueVerdicts::accept(std::uint32_t id, std::uint32_t new_mark) {
    add(id, NF_ACCEPT, &new_mark);
}

void QueueVerdicts::drop(std::uint32_t id) { add(id, NF_DROP, nullptr); }

void QueueVerdicts::add(std::uint32_t id, int verdict, const std::uint32_t* mark) {
    nlmsghdr* message = nfq_nlmsg_put(buffer_.get() + used_, NFQNL_MSG_VERDICT, queue_);
    nfq_nlmsg_verdict_put(message, static_cast<int>(id), verdict);
    if (mark != nullptr) nfq_nlmsg_verdict_put_mark(message, *mark);
    used_ += message->nlmsg_len;
    ++count_;
}

}  // namespace doorward
