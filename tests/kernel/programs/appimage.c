// SPDX-License-Identifier: GPL-2.0-or-later
// Starts as an AppImage of type 2 does: mounts the squashfs behind its own end on a new folder, and
// becomes the AppRun in there. Marked as an AppImage by whoever appends the squashfs.
//
// usage: appimage ARGUMENT…     the arguments are AppRun's
// Exit status: AppRun's; 125 if it could not be started. squashfuse goes on until it is unmounted.
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char* file;

__attribute__((noreturn)) static void give_up(const char* what) {
    fprintf(stderr, "%s: can't %s: %s\n", file, what, strerror(errno));
    _exit(125);
}

// Where the ELF file ends: behind its section headers.
static unsigned long own_size(void) {
    Elf64_Ehdr head;
    FILE* self = fopen("/proc/self/exe", "r");
    if (!self || fread(&head, sizeof head, 1, self) != 1) give_up("read /proc/self/exe");
    fclose(self);
    return head.e_shoff + (unsigned long)head.e_shentsize * head.e_shnum;
}

static void mount_on(const char* folder) {
    char offset[64];
    snprintf(offset, sizeof offset, "ro,offset=%lu", own_size());
    pid_t child = fork();
    if (child == -1) give_up("fork");
    if (child == 0) {
        execlp("squashfuse", "squashfuse", "-o", offset, file, folder, (char*)NULL);
        give_up("run squashfuse");
    }
    int status;
    if (waitpid(child, &status, 0) != child || status != 0) give_up("mount");
}

int main(int argc, char** argv) {
    static char own[4096];
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
    if (argc < 1 || length < 0) return 125;
    file = own;
    const char* folder = getenv("TMPDIR");
    const char* name = strrchr(file, '/') + 1;
    char place[4096], run[4200];
    snprintf(place, sizeof place, "%s/.mount_%.6sXXXXXX", folder ? folder : "/tmp", name);
    if (!mkdtemp(place)) give_up("make a folder");
    mount_on(place);
    setenv("APPIMAGE", file, 1);
    setenv("APPDIR", place, 1);
    snprintf(run, sizeof run, "%s/AppRun", place);
    execv(run, argv);
    give_up("run AppRun");
}
