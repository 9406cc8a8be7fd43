// SPDX-License-Identifier: GPL-2.0-or-later
// To be put before a program's libraries (LD_PRELOAD): sends "evil" to UDP port 4000 of 10.99.0.2, in its name.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

__attribute__((constructor)) static void begin(void) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(4000)};
    inet_pton(AF_INET, "10.99.0.2", &to.sin_addr);
    sendto(socket(AF_INET, SOCK_DGRAM, 0), "evil", 4, 0, (struct sockaddr*)&to, sizeof to);
}
