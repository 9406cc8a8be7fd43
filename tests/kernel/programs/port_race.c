/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One datagram socket: a thread sends, another takes the socket's port away (connect to AF_UNSPEC).
 * usage: port_race IPV4 PORT SECONDS */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static int made;
static time_t end;

static void *take_away(void *none)
{
	struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

	while (time(0) < end)
		for (int i = 0; i < 1000; i++)
			connect(made, &nowhere, sizeof(nowhere));
	return none;
}

int main(int count, char **words)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	static char data[1400];
	pthread_t other;

	if (count != 4)
		return 2;
	inet_aton(words[1], &to.sin_addr);
	to.sin_port = htons(atoi(words[2]));
	end = time(0) + atoi(words[3]);
	made = socket(AF_INET, SOCK_DGRAM, 0);
	pthread_create(&other, 0, take_away, 0);
	while (time(0) < end)
		for (int i = 0; i < 200; i++)
			sendto(made, data, sizeof(data), 0, (void *)&to, sizeof(to));
	pthread_join(other, 0);
	return 0;
}
