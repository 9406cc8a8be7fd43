// SPDX-License-Identifier: GPL-2.0-or-later
// The least that any firewall with a daemon behind a netfilter queue can do: takes one packet, looks at
// nothing, accepts it. No batches, no copy of the packet, no log. What Doorward costs is told against it.
// Says "ready" in a line of its own; ends at SIGTERM.
//
// usage: accept-loop QUEUE
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { queue_length = 16384, receive_bytes = 16 << 20 };

static struct nlmsghdr* message(char* buffer, int type, int flags, int queue) {
    struct nlmsghdr* header = mnl_nlmsg_put_header(buffer);
    header->nlmsg_type = (uint16_t)((NFNL_SUBSYS_QUEUE << 8) | type);
    header->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    struct nfgenmsg* generic = mnl_nlmsg_put_extra_header(header, sizeof *generic);
    generic->nfgen_family = AF_UNSPEC;
    generic->version = NFNETLINK_V0;
    generic->res_id = htons((uint16_t)queue);
    return header;
}

// Sends a configuration message and reads the kernel's answer: 0 or an errno.
static int configure(struct mnl_socket* socket, struct nlmsghdr* header) {
    char answer[4096];
    if (mnl_socket_sendto(socket, header, header->nlmsg_len) < 0) return errno;
    const ssize_t got = mnl_socket_recvfrom(socket, answer, sizeof answer);
    if (got < 0) return errno;
    return mnl_cb_run(answer, (size_t)got, 0, mnl_socket_get_portid(socket), NULL, NULL) < 0 ? errno
                                                                                           : 0;
}

static int bind_queue(struct mnl_socket* socket, int queue) {
    char buffer[512];
    struct nlmsghdr* header = message(buffer, NFQNL_MSG_CONFIG, NLM_F_ACK, queue);
    const struct nfqnl_msg_config_cmd command = {.command = NFQNL_CFG_CMD_BIND, .pf = 0};
    mnl_attr_put(header, NFQA_CFG_CMD, sizeof command, &command);
    const int error = configure(socket, header);
    if (error != 0) return error;
    header = message(buffer, NFQNL_MSG_CONFIG, NLM_F_ACK, queue);
    const struct nfqnl_msg_config_params params = {.copy_mode = NFQNL_COPY_META, .copy_range = 0};
    mnl_attr_put(header, NFQA_CFG_PARAMS, sizeof params, &params);
    mnl_attr_put_u32(header, NFQA_CFG_QUEUE_MAXLEN, htonl(queue_length));
    return configure(socket, header);
}

// The packet's number, in network byte order; 0 where the message has none.
static uint32_t packet_id(const struct nlmsghdr* header) {
    const struct nlattr* attribute;
    mnl_attr_for_each(attribute, header, sizeof(struct nfgenmsg)) {
        if (mnl_attr_get_type(attribute) == NFQA_PACKET_HDR)
            return ((const struct nfqnl_msg_packet_hdr*)mnl_attr_get_payload(attribute))->packet_id;
    }
    return 0;
}

static int accept_packet(struct mnl_socket* socket, int queue, uint32_t id) {
    char buffer[256];
    struct nlmsghdr* header = message(buffer, NFQNL_MSG_VERDICT, 0, queue);
    const struct nfqnl_msg_verdict_hdr verdict = {.verdict = htonl(NF_ACCEPT), .id = id};
    mnl_attr_put(header, NFQA_VERDICT_HDR, sizeof verdict, &verdict);
    return mnl_socket_sendto(socket, header, header->nlmsg_len) < 0 ? errno : 0;
}

static int loop(struct mnl_socket* socket, int queue) {
    char buffer[65536];
    for (;;) {
        const ssize_t got = mnl_socket_recvfrom(socket, buffer, sizeof buffer);
        if (got < 0 && (errno == ENOBUFS || errno == EINTR)) continue;
        if (got < 0) return errno;
        int left = (int)got;
        const struct nlmsghdr* header = (const struct nlmsghdr*)buffer;
        for (; mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
            const uint32_t id = packet_id(header);
            if (id != 0) accept_packet(socket, queue, id);
        }
    }
}

int main(int argc, char** argv) {
    const int queue = argc == 2 ? atoi(argv[1]) : -1;
    if (queue < 0 || queue > 65535) {
        fprintf(stderr, "usage: accept-loop QUEUE\n");
        return 2;
    }
    struct mnl_socket* socket = mnl_socket_open(NETLINK_NETFILTER);
    int error = socket == NULL || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ? errno : 0;
    if (error == 0) error = bind_queue(socket, queue);
    if (error == 0) {
        const int room = receive_bytes;
        setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
        puts("ready");
        fflush(stdout);
        error = loop(socket, queue);
    }
    fprintf(stderr, "accept-loop: queue %d: %s\n", queue, strerror(error));
    return 1;
}
