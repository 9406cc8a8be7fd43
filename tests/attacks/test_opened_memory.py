# SPDX-License-Identifier: GPL-2.0-or-later
"""Debuggers where few look: while a program is being started, in a child that shares memory, where tables are full;
and programs that were there before the daemon."""

from attack import USER, Attack
from lib.case import only_in

REFUSED = "  - {name: foreign-code, injected: any, action: drop}\n"


class OpenedMemory(Attack):
    def unless(self, *words: str, config: str = "") -> None:
        self.fw = self.daemon(f"rules:\n  - {{name: allowed, app: {self.allowed}, not: {{injected: [{', '.join(words)}]}}, "
                              "action: accept}\n", config="mode: enforce\n" + config, default_out="drop", default_in="drop")

    @only_in("guest")
    def test_while_it_is_being_started(self):
        """Its new memory is there before the hook on its start. Many arguments make that longer."""
        self.start(REFUSED)
        target = self.script("print('ready', flush=True); sys.stdin.readline(); send(b'x')")
        self.run_as(self.denied, """
            at = ctypes.addressof(ctypes.create_string_buffer(b"mine", 64))
            words = [sys.argv[1], "-ISc", sys.argv[2]] + ["x"] * 200000
            (wait, go), (hear, say), (back, out) = os.pipe(), os.pipe(), os.pipe()
            child = os.fork()
            if child == 0:
                os.dup2(hear, 0); os.dup2(out, 1)
                for each in (say, back, go): os.close(each)
                os.read(wait, 1)
                os.execve(words[0], words, {})
            os.close(out); os.write(go, b"x")
            for _ in range(300000):  # until the memory that is opened is the new program's
                try: memory = os.open(f"/proc/{child}/mem", os.O_RDWR)
                except OSError: continue
                try: os.pread(memory, 4, at)
                except OSError: break
                os.close(memory)
            os.read(back, 6); os.write(say, b"go\\n"); os.waitpid(child, 0)
        """, self.allowed, target, user=USER, timeout=200)
        row = self.wait_rows(1)[0]
        self.assertEqual((row["injected"], self.arrived()), ("tracer", 0))

    @only_in("guest")
    def test_of_a_child_that_shares_it(self):
        self.start(REFUSED)
        program = self.talk_to(self.allowed, """
            libc, stack = ctypes.CDLL(None), ctypes.create_string_buffer(1 << 16)
            libc.clone.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p]
            sleep, top = ctypes.cast(libc.sleep, ctypes.c_void_p), (ctypes.addressof(stack) + 65000) & ~15
            child = libc.clone(sleep, top, 0x100 | 17, 60)  # CLONE_VM, SIGCHLD
            print(child, flush=True); sys.stdin.readline()
            send(b"x"); os.kill(child, 9); os._exit(0)
        """)
        child = program.stdout.readline()
        self.run_as(self.denied, "open(f'/proc/{int(sys.argv[1])}/mem', 'r+b', 0)", child)
        self.go_on(program)
        row = self.wait_rows(1)[0]
        self.assertEqual((row["injected"], self.arrived()), ("tracer", 0))

    def test_where_the_table_of_programs_is_full(self):
        self.unless("tracer", config="limits: {processes: 64}\n")
        self.ready_as(self.denied, """
            made = []
            for _ in range(300):
                made.append(os.fork())
                if made[-1] == 0: ctypes.CDLL(None).prctl(1, 9); time.sleep(60); os._exit(0)  # ends with its parent
            print("ready", flush=True); sys.stdin.readline()
        """)
        self.run_as(self.denied, """
            trace = ctypes.CDLL(None).ptrace
            child = os.fork()
            if child == 0:
                trace(0, 0, 0, 0)
                os.execv(sys.argv[1], [sys.argv[1], "-ISc", sys.argv[2]])
            os.waitpid(child, 0)
            assert trace(17, child, 0, 0) == 0
            os.waitpid(child, 0)
        """, self.allowed, self.script("send(b'x')"), user=USER)
        self.assertEqual(self.wait_rows(1)[0]["injected"], "preload?,library-path?,tracer?,filter?")
        self.assertEqual(self.arrived(), 0)

    def server(self, *environment: str) -> None:
        self.ready_as(self.allowed, """
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 6001)); print("ready", flush=True)
            s.recv(100); send(b"x")
        """, before=["env", "-i", *environment])

    def ask_server(self) -> None:
        self.peer.run("/usr/bin/python3", "-ISc",
                      "import socket; socket.socket(2, 2).sendto(b'x', ('10.99.0.1', 6001))", check=True)

    def test_a_server_from_before_the_daemon(self):
        self.server("LD_LIBRARY_PATH=/nowhere")
        self.start(REFUSED)
        self.ask_server()
        row = self.wait_rows(1, port=6001)[0]
        self.assertEqual((row["injected"], row["verdict"]), ("library-path", "drop"))

    def test_an_honest_one(self):
        self.server()
        self.unless("any")
        self.ask_server()
        self.assertEqual(self.wait_rows(1)[0]["verdict"], "accept")
        self.assertEqual([row["injected"] for row in self.fw.audit.rows("exe = ?", self.allowed)], ["", ""])
