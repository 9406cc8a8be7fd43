# SPDX-License-Identifier: GPL-2.0-or-later
"""Arguments and environment in memory that is read from a file system whose server does not answer: whoever looks
at such a process waits with it."""

import subprocess

from attack import USER, Attack

# Answers everything but reads of the one file, "f".
SERVER = """
    libc = ctypes.CDLL(None, use_errno=True)
    fd = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={fd},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
    assert libc.mount(b"slow", sys.argv[1].encode(), b"fuse", 0, options) == 0, ctypes.get_errno()
    print("ready", flush=True)
    def attributes(node):
        mode, size = (0o40755, 0) if node == 1 else (0o100644, 8192)
        return struct.pack("6Q10I", node, size, 16, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)
    def answer(to, data=b"", error=0): os.write(fd, struct.pack("IiQ", 16 + len(data), error, to) + data)
    LOOKUP, FORGET, GETATTR, OPEN, READ, RELEASE, FLUSH, INIT, BATCH_FORGET = 1, 2, 3, 14, 15, 18, 25, 26, 42
    while True:
        try: request = os.read(fd, 1 << 18)
        except OSError: break  # it was unmounted
        _, what, number, node = struct.unpack_from("IIQQ", request)
        if what == INIT: answer(number, struct.pack("IIIIHHIIHHI", 7, 31, 65536, 0, 12, 9, 65536, 1, 0, 0, 0) + bytes(28))
        elif what == LOOKUP: answer(number, struct.pack("QQQQII", 2, 0, 100, 100, 0, 0) + attributes(2))
        elif what == GETATTR: answer(number, struct.pack("QII", 100, 0, 0) + attributes(node))
        elif what == OPEN: answer(number, struct.pack("QII", 0, 0, 0))
        elif what in (READ, FORGET, BATCH_FORGET): pass
        elif what in (RELEASE, FLUSH): answer(number)
        else: answer(number, error=-38)
"""

# Puts its arguments and its environment there (PR_SET_MM_MAP), and sends when it is told to.
MOVED = """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = libc.sbrk.restype = ctypes.c_void_p
    file = os.open(sys.argv[1] + "/f", os.O_RDONLY)
    at = libc.mmap(None, ctypes.c_size_t(8192), 1, 2, file, ctypes.c_long(0))
    fields = [0, 0, 0] + open("/proc/self/stat").read().rsplit(")", 1)[1].split()
    code, data = [int(fields[n]) for n in (26, 27)], [int(fields[n]) for n in (45, 46, 47)]
    plan = struct.pack("12QII", *code, *data, libc.sbrk(0), int(fields[28]), at, at + 40, at + 4096, at + 5000, 0, 0, 0xffffffff)
    assert libc.prctl(35, 14, ctypes.c_char_p(plan), ctypes.c_ulong(len(plan)), 0) == 0, ctypes.get_errno()
    print("ready", flush=True); sys.stdin.readline(); send(b"x")
"""


class SlowMemory(Attack):
    def test_the_daemon_starts_and_tells_it(self):
        # Without udev nothing makes /dev/fuse before the module is in.
        subprocess.run(["sh", "-c", "modprobe fuse"], capture_output=True, check=False)
        (self.folder / "slow").mkdir()
        self.ready_as(self.denied, SERVER, self.folder / "slow")
        self.addCleanup(subprocess.run, ["umount", "-l", self.folder / "slow"], check=True)
        moved = self.ready_as(self.allowed, MOVED, self.folder / "slow", user=USER)
        self.fw = self.daemon(f"rules:\n  - {{name: allowed, app: {self.allowed}, action: accept}}\n", default_out="drop")
        self.go_on(moved)
        row = self.wait_rows(1)[0]
        self.assertEqual((row["exe"], row["command_line"], row["injected"]), (self.allowed, "", "preload?,library-path?"))
        self.assertEqual(self.arrived(), 1)
