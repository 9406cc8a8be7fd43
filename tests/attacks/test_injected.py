# SPDX-License-Identifier: GPL-2.0-or-later
"""Code of others in an allowed program: preloaded, written there by a debugger, given to an interpreter. The name
is right and says nothing about that: here stands what the log has of it, and which conditions hold it off."""

import shutil

from attack import PORT, USER, Attack
from lib.places import built


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

    def test_memory_written_by_another(self):
        """Not held off: who may debug a program can make it send anything. The log has the program, and whose
        child it is if the debugger started it."""
        self.start()
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
