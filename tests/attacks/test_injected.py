# SPDX-License-Identifier: GPL-2.0-or-later
"""Code of others in an allowed program: preloaded, written there by a debugger, given to an interpreter. The name
is right and says nothing about that: here stands what the log has of it, and which conditions hold it off."""

import shutil

from attack import PORT, USER, Attack
from lib.case import only_in
from lib.places import built
from lib.wait import wait_until

REFUSED = "  - {name: foreign-code, injected: any, action: drop}\n"


class Injected(Attack):
    def preload(self, program: str, user: int | None = None) -> None:
        """The denied program starts `program` with a library that sends, in its own constructor."""
        library = shutil.copy(built("tests/kernel/programs/preload.module"), self.folder / "evil.so")
        self.run_as(self.denied, """
            subprocess.run([sys.argv[1], "-c", ""], env={**os.environ, "LD_PRELOAD": sys.argv[2]}, check=True)
        """, program, library, user=user)

    def test_a_preloaded_library(self):
        """Not held off by a path: it is recorded with whoever started it."""
        self.start()
        self.preload(self.allowed, USER)
        self.assertEqual(self.arrived(), 1)
        row = self.wait_rows(1)[0]
        self.assertEqual((row["exe"], row["uid"], row["verdict"]), (self.allowed, USER, "accept"))
        self.assertEqual(row["ancestors"].splitlines()[0], self.denied)

    def test_held_off_by_the_user(self):
        self.fw = self.daemon(f"rules:\n  - {{name: allowed, app: {self.allowed}, user: root, action: accept}}\n",
                              default_out="drop")
        self.preload(self.allowed, USER)
        self.assertEqual(self.arrived(), 0)
        self.assertEqual(self.wait_rows(1)[0]["verdict"], "drop")
        self.allowed_sends()

    def test_held_off_by_the_parent(self):
        """That it has to have."""
        launcher = shutil.copy(self.denied, self.folder / "bin" / "launcher")
        self.fw = self.daemon(f"rules:\n  - {{name: allowed, app: {self.allowed}, parent: {launcher}, action: accept}}\n",
                              default_out="drop")
        self.preload(self.allowed)
        self.assertEqual(self.arrived(), 0)
        self.assertEqual(self.wait_rows(1)[0]["verdict"], "drop")
        self.run_as(launcher, "subprocess.run([sys.argv[1], '-c', sys.argv[2]], check=True)", self.allowed,
                    self.script("send(b'x')"))
        self.assertEqual(self.arrived(), 1)

    def starts(self, variables: str = "{}", **more: str) -> None:
        """The denied program starts the allowed one, which sends, with these variables alone."""
        self.run_as(self.denied, """
            variables = {**eval(sys.argv[3]), **eval(sys.argv[4])}
            subprocess.run([sys.argv[1], "-ISc", sys.argv[2]], env=variables, check=True)
        """, self.allowed, self.script("send(b'x')"), variables, repr(more))

    def test_held_off_by_a_rule_about_code_of_others(self):
        self.start(REFUSED)
        self.preload(self.allowed, USER)
        nowhere = str(self.folder / "nowhere")
        many = {f"V{number}": "LD_PRELOAD=" * 300 for number in range(30)}
        self.starts(LD_PRELOAD=nowhere)
        self.starts(LD_AUDIT=nowhere)
        self.starts(LD_LIBRARY_PATH=nowhere)
        self.starts(**many, LD_PRELOAD=nowhere, LD_LIBRARY_PATH=nowhere)
        self.run_as(self.denied, """
            for padding in range(470, 520):  # a name at each place where a part that is read at once ends
                variables = dict(A="x" * padding, LD_LIBRARY_PATH="/nowhere")
                subprocess.run([sys.argv[1], "-ISc", sys.argv[2]], env=variables, check=True)
        """, self.allowed, self.script("send(b'x')"), timeout=120)
        self.assertEqual(self.arrived(), 0)
        rows = self.wait_rows(54)
        self.assertEqual({(row["exe"], row["rule"]) for row in rows}, {(self.allowed, "foreign-code")})
        self.assertEqual([row["injected"] for row in rows],
                         ["preload"] * 3 + ["library-path", "preload,library-path"] + ["library-path"] * 50)
        self.starts()
        self.starts(**many, MY_LD_PRELOAD=nowhere, LD_PRELOAD="", LD_LIBRARY_PATH="", LD_AUDIT="", LD_PRELOAD2=nowhere,
                    A="\nLD_PRELOAD=" + nowhere)
        self.assertEqual(self.arrived(), 2)
        self.assertEqual([row["injected"] for row in self.wait_rows(2, verdict="accept")], ["", ""])

    def test_of_an_environment_too_long_to_be_read_it_is_not_said(self):
        self.fw = self.daemon(f"rules:\n  - {{name: allowed, app: {self.allowed}, not: {{injected: preload}}, action: accept}}\n",
                              default_out="drop")
        self.starts("dict(A='x' * 100_000, B='x' * 40_000)", LD_PRELOAD="/nowhere")
        self.assertEqual(self.wait_rows(1)[0]["injected"], "preload?,library-path?")
        self.assertEqual(self.arrived(), 0)
        self.starts("dict(A='x' * 100_000, B='x' * 30_000)")
        self.assertEqual(self.arrived(), 1)

    def test_whom_the_daemon_finds_running_and_whom_they_fork(self):
        begun = self.ready_as(self.allowed, """
            print("ready", flush=True); sys.stdin.readline()
            send(b"x")
            if os.fork() == 0: send(b"x"); os._exit(0)
            os.wait()
        """, before=["env", "LD_LIBRARY_PATH=/nowhere"])
        self.start(REFUSED)
        self.go_on(begun)
        rows = self.wait_rows(2)
        self.assertEqual([(row["injected"], row["rule"]) for row in rows], [("library-path", "foreign-code")] * 2)
        self.assertEqual(self.arrived(), 0)
        self.allowed_sends()

    def test_the_kernels_own_memory_of_verdicts_parts_them(self):
        self.start(REFUSED, config="verdict_cache: true\n")
        self.starts()
        self.starts()
        for _ in range(2):
            self.starts(LD_PRELOAD="/nowhere")
        self.debugged("send(b'x')")
        self.starts()
        self.assertEqual(self.arrived(), 3)
        self.assertEqual({row["injected"] for row in self.wait_rows(2, verdict="drop")}, {"preload", "tracer"})
        wait_until(lambda: self.fw.status()["verdicts"]["given"] == 3)

    def debugged(self, text: str) -> None:
        """The denied program starts the allowed one under its hands, as a debugger does."""
        self.run_as(self.denied, """
            trace = ctypes.CDLL(None).ptrace
            child = os.fork()
            if child == 0:
                trace(0, 0, 0, 0)
                os.execv(sys.argv[1], [sys.argv[1], "-ISc", sys.argv[2]])
            while True:
                _, status = os.waitpid(child, 0)
                if os.WIFEXITED(status): break
                stopped = os.WSTOPSIG(status)
                trace(7, child, 0, 0 if stopped == 5 else stopped)
            sys.exit(os.waitstatus_to_exitcode(status))
        """, self.allowed, self.script(text))

    def test_a_debugger_that_starts_it(self):
        self.start(REFUSED)
        self.debugged("send(b'x')\nif os.fork() == 0: send(b'x'); os._exit(0)\nos.wait()")
        rows = self.wait_rows(2)
        self.assertEqual([(row["exe"], row["injected"], row["rule"]) for row in rows],
                         [(self.allowed, "tracer", "foreign-code")] * 2)
        self.assertEqual(self.arrived(), 0)
        self.allowed_sends()

    def attached(self, lets_go: bool) -> dict:
        """The row of what a program sends that another has got hold of meanwhile."""
        victim = self.ready_as(self.allowed,
                               'print("ready", flush=True); sys.stdin.readline(); send(b"x", port=4001)')
        debugger = self.ready_as(self.denied, """
            trace, pid = ctypes.CDLL(None, use_errno=True).ptrace, int(sys.argv[1])
            assert trace(16, pid, 0, 0) == 0, ctypes.get_errno()
            os.waitpid(pid, 0)
            trace(17 if sys.argv[2] == "True" else 7, pid, 0, 0)
            print("ready", flush=True); time.sleep(60)
        """, victim.pid, lets_go)
        self.go_on(victim)
        row = self.wait_rows(1, port=4001)[0]
        debugger.kill()  # who else would learn that the other has ended?
        victim.wait(60)
        return row

    def test_a_debugger_that_attaches(self):
        self.start(REFUSED)
        row = self.attached(lets_go=False)
        self.assertEqual((row["injected"], row["verdict"], self.arrived(4001)), ("tracer", "drop", 0))

    @only_in("guest")
    def test_a_debugger_that_has_let_go(self):
        """Seen by a hook on the kernel's own question; without, only while it has the program."""
        self.start(REFUSED)
        row = self.attached(lets_go=True)
        self.assertEqual((row["injected"], row["verdict"], self.arrived(4001)), ("tracer", "drop", 0))

    @only_in("guest")
    def test_memory_that_another_has_open(self):
        self.start(REFUSED)
        self.write_memory()
        self.assertEqual((self.wait_rows(1)[0]["injected"], self.arrived(length=20 + 8 + 14)), ("tracer", 0))

    def write_memory(self) -> None:
        target = self.script("""
            data = ctypes.create_string_buffer(b"own words", 16)
            print(ctypes.addressof(data), flush=True); sys.stdin.readline()
            send(data.value)
        """)
        self.run_as(self.denied, """
            child = subprocess.Popen([sys.argv[1], "-c", sys.argv[2]], stdin=-1, stdout=-1, text=True)
            at = int(child.stdout.readline())
            with open(f"/proc/{child.pid}/mem", "r+b", 0) as memory: memory.seek(at); memory.write(b"put there by another"[:14] + b"\\0")
            child.communicate("go\\n"); sys.exit(child.returncode)
        """, self.allowed, target, user=USER)

    def test_memory_written_by_another(self):
        """Not held off by a path: who may debug a program can make it send anything. The log has the program, and whose
        child it is if the debugger started it."""
        self.start()
        self.write_memory()
        self.assertEqual(self.arrived(length=20 + 8 + 14), 1)
        row = self.wait_rows(1)[0]
        self.assertEqual((row["exe"], row["verdict"]), (self.allowed, "accept"))
        self.assertEqual(row["ancestors"].splitlines()[0], self.denied)

    def test_text_for_an_interpreter(self):
        """-c, -m, standard input and a descriptor are not the script that a rule names."""
        python = shutil.copy(self.denied, self.folder / "bin" / "python3")
        script = self.folder / "job.py"
        send = f"import socket; socket.socket(2, 2).sendto(b'x', ('{self.pair.peer4}', {PORT}))\n"
        script.write_text(send)
        self.start(f"  - {{name: job, app: {python}, script: {script}, action: accept}}\n")
        for words in (["-c", send], ["-c", send, str(script)], ["-", str(script)], ["/dev/stdin", str(script)]):
            self.host.run(python, *words, input=send, stdin=None, check=True)
        (self.folder / "other.py").write_text(send)
        self.host.run("sh", "-c", f"cd {self.folder} && {python} -m other {script}", check=True)
        rows = self.wait_rows(5, exe=str(python))
        self.assertEqual([(row["script"], row["verdict"]) for row in rows],
                         [("unknown:options", "drop")] * 2 + [("unknown:input", "drop"), ("unknown:file", "drop"),
                                                              ("module:other", "drop")])
        self.assertEqual(self.arrived(), 0)
        self.host.run(python, script, check=True)
        self.assertEqual(self.arrived(), 1)

    def test_an_allowed_program_as_a_servant(self):
        """Not held off: what it does on behalf of another, as a proxy does, is what it does."""
        self.start()
        self.run_as(self.denied, """
            ours, theirs = socket.socketpair(socket.AF_UNIX)
            serve = ("import socket, sys; s = socket.socket(fileno=int(sys.argv[1])); "
                     "socket.socket(2, 2).sendto(s.recv(99), ('10.99.0.2', 4000))")
            servant = subprocess.Popen([sys.argv[1], "-c", serve, str(theirs.fileno())], pass_fds=(theirs.fileno(),))
            ours.send(b"please"); sys.exit(servant.wait())
        """, self.allowed)
        self.assertEqual(self.arrived(), 1)
        row = self.wait_rows(1)[0]
        self.assertEqual((row["exe"], row["ancestors"].splitlines()[0]), (self.allowed, self.denied))
