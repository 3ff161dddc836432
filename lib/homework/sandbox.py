"""A Python kernel in a sandbox, for answers that nobody has read.

The kernel is a single process: a filter of system calls lets it start no other, so that
what limits a process limits the submission. It sees the system and its Python,
read-only, a copy of the library without the tasks, and an empty folder of its own in
memory; no network, none of the teacher's files. Of all that it writes only its
complaints reach a disk, up to `MOST_OF_FILE`: the grader finds the kernel's sockets
inside the sandbox.
"""

import ast
import contextlib
import errno
import json
import os
import platform
import resource
import secrets
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from queue import Empty

import zmq
from jupyter_client.session import Session

from lib.homework.wall import WIRE

LIBRARY = Path(__file__).parents[1]
# Called as `../.venv/bin/python` it would lead over a folder that is not there inside.
PYTHON = os.path.abspath(sys.executable)
OWN = ("averages", "optimizers", "schedules", "network")  # whose work the student does
# Of this package, what an answer needs.
INSIDE = ("printed.py", "probes.py", "task.py", "wall.py")
PORTS = {"shell": 1, "iopub": 2, "stdin": 3, "control": 4, "hb": 5}
STARTS_IN, WAITS = 60, 0.2  # seconds
MEGABYTE = 1 << 20
MOST_OF_FILE = 16 * MEGABYTE
LONGEST = 100_000  # bytes of a line on the wire

CHECK = '''"""The homework while it is graded: the check of a student says nothing."""


def check(name, answer):
    """Say nothing."""
'''

LIBRARYS_OWN = '''"""What stands in for the rules that a student is asked to write."""


class LibrarysOwn(Exception):
    """An answer has called what it should have written."""


def stand_in(name):
    """Refuse a call."""
    raise LibrarysOwn(f"{name} is the library's own. Write yours; you may look at it.")
'''


class Unisolated(Exception):
    """There is no sandbox on this machine; the text says what to do."""


class Stopped(Exception):
    """The kernel is gone; `problem` says why in a word: timeout, output, killed or
    garbled."""

    def __init__(self, problem):
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True)
class Limits:
    """What one submission may use: seconds for each task, bytes of memory and of
    output."""

    seconds: float = 10
    memory: int = 1024 * MEGABYTE
    output: int = 4 * MEGABYTE


# The library inside


def stage(folder, own):
    """Copy into a folder what of the library an answer may see; with `own`, its rules
    have to be the student's.

    Then the functions of `OWN` keep their names and signatures, and a call of one
    raises `LibrarysOwn`.
    """
    hidden = shutil.ignore_patterns("homework", "__pycache__")
    copy = Path(shutil.copytree(LIBRARY, folder / "lib", ignore=hidden))
    homework = copy / "homework"
    homework.mkdir()
    for name in INSIDE:
        shutil.copy(LIBRARY / "homework" / name, homework)
    (homework / "__init__.py").write_text(CHECK, encoding="utf-8")
    if own:
        (copy / "librarys_own.py").write_text(LIBRARYS_OWN, encoding="utf-8")
        for name in OWN:
            path = copy / f"{name}.py"
            source = path.read_text(encoding="utf-8")
            path.write_text(stand_ins(source, f"lib.{name}"), encoding="utf-8")


def stand_ins(source, module):
    """The source of a module whose functions raise `LibrarysOwn` in place of what they
    did."""
    tree = _Refusing(module).visit(ast.parse(source))
    imported = ast.parse("from lib.librarys_own import stand_in as _stand_in").body
    tree.body[1:1] = imported  # after the docstring
    return ast.unparse(ast.fix_missing_locations(tree))


class _Refusing(ast.NodeTransformer):
    def __init__(self, scope):
        self.scope = scope

    def _call(self, name):
        return ast.parse(f"_stand_in({f'{self.scope}.{name}'!r})", mode="eval").body

    def visit_FunctionDef(self, node):
        """Keep the name and the signature; refuse in place of what was done."""
        node.body = [ast.Expr(self._call(node.name))]
        return node

    def visit_Lambda(self, node):
        """Keep the arguments; refuse in place of what was given."""
        node.body = self._call("a function")
        return node


# Isolation


def check_isolation():
    """Raise `Unisolated`, saying what to do, unless a sandbox starts here."""
    if not shutil.which("bwrap"):
        raise Unisolated(
            "bubblewrap is not installed: apt install bubblewrap, or dnf, pacman"
        )
    if platform.machine() not in SYSTEM_CALLS:
        raise Unisolated(f"the sandbox does not know a machine of {platform.machine()}")
    with tempfile.TemporaryDirectory() as folder, _filter() as calls:
        command = [*_bwrap(Path(folder), calls), PYTHON, "-c", ""]
        tried = subprocess.run(
            command, pass_fds=[calls], capture_output=True, text=True
        )
    if tried.returncode:
        raise Unisolated(
            f"bubblewrap does not work here: {tried.stderr.strip()} (on Ubuntu 24.04: "
            "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0)"
        )


def visible(path):
    """The place in which a path can be seen from inside the sandbox; `None` if it
    cannot."""
    path = Path(path).resolve()
    return next((place for place in _seen() if path.is_relative_to(place)), None)


def _seen():
    places = {Path("/usr"), Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()}
    return sorted(places)


def _bwrap(folder, calls):
    """The command that isolates the one after it; `folder` is its /library."""
    options = ["--unshare-all", "--die-with-parent", "--new-session", "--as-pid-1"]
    options += ["--uid", "1000", "--gid", "1000", "--seccomp", str(calls)]
    options += ["--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev"]
    for path, megabytes in (("/dev/shm", 1), ("/ipc", 1), ("/tmp", 64)):
        size = str(megabytes * MEGABYTE)
        options += ["--perms", "0700", "--size", size, "--tmpfs", path]
    for path in (*_seen(), sys.prefix, sys.base_prefix):
        options += ["--ro-bind", str(path), str(path)]
    for path in map(Path, ("/bin", "/lib", "/lib32", "/lib64")):
        if path.is_symlink():
            options += ["--symlink", os.readlink(path), str(path)]
        else:
            options += ["--ro-bind-try", str(path), str(path)]
    options += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    if visible(LIBRARY):
        options += ["--tmpfs", str(LIBRARY), "--remount-ro", str(LIBRARY)]
    options += ["--ro-bind", str(folder), "/library"]
    options += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp"]
    return [shutil.which("bwrap"), *options]  # not that of the PATH inside


# The filter of system calls, in the instructions of classic BPF: for each machine its
# name there, and the numbers of the calls that start processes, open sockets, make
# namespaces, find keys, keep memory that no limit counts, or do all that for others.
SYSTEM_CALLS = {
    "x86_64": (
        0xC000003E,
        {"clone": 56, "socket": 41, "fork": 57, "vfork": 58, "unshare": 272}
        | {"add_key": 248, "request_key": 249, "keyctl": 250}
        | {"shmget": 29, "msgget": 68, "memfd_create": 319, "memfd_secret": 447}
        | {"io_uring_setup": 425},
    ),
    "aarch64": (
        0xC00000B7,
        {"clone": 220, "socket": 198, "unshare": 97}
        | {"add_key": 217, "request_key": 218, "keyctl": 219}
        | {"shmget": 194, "msgget": 186, "memfd_create": 279, "memfd_secret": 447}
        | {"io_uring_setup": 425},
    ),
}
CLONE3, FIRST_OF_X32 = 435, 0x40000000
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, MACHINE, ARGUMENT = 0, 4, 16  # where they are
ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
A_THREAD = 0x00010000  # CLONE_THREAD


def filter_program():
    """The program that refuses a new process, a new namespace and a socket to
    elsewhere."""
    machine, numbers = SYSTEM_CALLS[platform.machine()]
    program = [
        (LOAD, 0, 0, MACHINE),
        (EQUAL, 1, 0, machine),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
        (AT_LEAST, 0, 1, FIRST_OF_X32),
        (RETURN, 0, 0, KILL),
        (EQUAL, 0, 1, CLONE3),  # then `clone` is asked, whose flags can be seen
        (RETURN, 0, 0, REFUSE | errno.ENOSYS),
    ]
    refuse = (RETURN, 0, 0, REFUSE | errno.EPERM)
    for call in numbers.keys() - {"clone", "socket"}:
        program += [(EQUAL, 0, 1, numbers[call]), refuse]
    program += [
        (EQUAL, 0, 4, numbers["clone"]),
        (LOAD, 0, 0, ARGUMENT),
        (ANY_BIT, 0, 1, A_THREAD),
        (RETURN, 0, 0, ALLOW),
        refuse,
        (EQUAL, 0, 4, numbers["socket"]),
        (LOAD, 0, 0, ARGUMENT),
        (EQUAL, 2, 0, socket.AF_NETLINK),  # by which a kernel finds its own addresses
        (AT_LEAST, 0, 1, socket.AF_INET + 1),  # `AF_VSOCK` leads out of any namespace
        refuse,
    ]
    program.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("=HBBI", *one) for one in program)


@contextlib.contextmanager
def _filter():
    """A file from which bubblewrap reads the program."""
    with tempfile.TemporaryFile() as file:
        file.write(filter_program())
        file.seek(0)
        yield file.fileno()


# The kernel


class Kernel:
    """A Python kernel as nbval uses one, in `folder`, which holds what is in its
    library.

    Every wait for it ends: with a message, or with `Stopped` and the end of the kernel.
    What its answers may still take is in `seconds`, which its user sets.
    """

    def __init__(self, folder, limits, isolated):
        self.limits, self.seconds, self.received = limits, limits.seconds, 0
        self._parent = os.getppid()
        self._session = Session(key=secrets.token_hex(16).encode())
        sockets = self._start(Path(folder), isolated)
        context = zmq.Context.instance()
        self._channels = {
            "shell": context.socket(zmq.DEALER),
            "iopub": context.socket(zmq.SUB),
        }
        self._channels["iopub"].subscribe(b"")
        self._poller = zmq.Poller()
        for name, channel in self._channels.items():
            channel.linger = 0
            # Never again: to what an answer may put in the kernel's place.
            channel.reconnect_ivl = -1
            channel.connect(f"ipc://{sockets}-{PORTS[name]}")
            self._poller.register(channel, zmq.POLLIN)
        self._poller.register(self._wire, zmq.POLLIN)
        self._begun = b""  # of a line on the wire
        self._messages = {name: deque() for name in (*self._channels, "wire")}
        self.guide = None  # is called when somebody inside begins to speak on the wire
        self._greet()

    def _start(self, folder, isolated):
        """Start the process; return where its sockets are."""
        inside = "/ipc/kernel" if isolated else str(folder / "kernel")
        connection = {f"{name}_port": port for name, port in PORTS.items()}
        connection |= {
            "transport": "ipc",
            "ip": inside,
            "key": self._session.key.decode("ascii"),
            "signature_scheme": self._session.signature_scheme,
        }
        (folder / "kernel.json").write_text(json.dumps(connection), encoding="ascii")
        here = "/library" if isolated else str(folder)
        command = [PYTHON, "-m", "ipykernel_launcher"]
        command += ["-f", f"{here}/kernel.json", "--HistoryManager.enabled=False"]
        environment = {
            "PATH": os.defpath,
            "PYTHONPATH": here,
            "PYTHONDONTWRITEBYTECODE": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "MALLOC_ARENA_MAX": "1",
            "MPLBACKEND": "agg",
            "LANG": "C.UTF-8",
            "HOME": "/tmp" if isolated else str(folder),
        }
        self._wire, wire = socket.socketpair()
        self._wire.settimeout(WAITS)
        environment[WIRE] = str(wire.fileno())
        says, told = os.pipe()
        with _filter() as calls, open(folder / "kernel.log", "wb") as log:
            if isolated:
                command = [*_bwrap(folder, calls), "--info-fd", str(told), *command]
            self._process = subprocess.Popen(
                command,
                env=environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                pass_fds=[wire.fileno(), *([calls, told] if isolated else [])],
                preexec_fn=self._limit,
            )
        os.close(told)
        wire.close()
        with open(says, encoding="ascii") as file:
            information = file.read()
        if isolated and information:
            inside = f"/proc/{json.loads(information)['child-pid']}/root{inside}"
        until = time.monotonic() + STARTS_IN
        while not all(os.path.exists(f"{inside}-{port}") for port in PORTS.values()):
            if not self.is_alive() or time.monotonic() > until:
                self.stop()
                said = (folder / "kernel.log").read_text(errors="replace")
                raise RuntimeError(f"the kernel does not start: {said.strip()[-2000:]}")
            time.sleep(0.02)
        return inside

    def _limit(self):
        seconds = int(10 * self.limits.seconds) + STARTS_IN  # if no clock stops it
        for what, limit in (
            (resource.RLIMIT_AS, self.limits.memory),
            (resource.RLIMIT_CPU, seconds),
            (resource.RLIMIT_FSIZE, MOST_OF_FILE),
            (resource.RLIMIT_NOFILE, 256),
            (resource.RLIMIT_CORE, 0),
        ):
            resource.setrlimit(what, (limit, limit))

    def _greet(self):
        """Ask until the answer comes over both channels."""
        self._until = time.monotonic() + STARTS_IN
        while True:
            asked = self._send("kernel_info_request", {})
            self.await_reply(asked)
            with contextlib.suppress(Empty):
                return self.await_idle(asked, 1)

    def execute_cell_input(self, source, allow_stdin=None):
        """Send a cell to be run; return the id of the request."""
        self._until = time.monotonic() + self.seconds
        request = {"code": source, "silent": False, "store_history": False}
        request |= {
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": False,
        }
        return self._send("execute_request", request)

    def await_reply(self, request, timeout=None):
        """Wait for the reply to a request."""
        self._await("shell", request, timeout, lambda message: True)

    def await_idle(self, request, timeout=None):
        """Wait until all that belongs to a request has been said."""
        idle = {"execution_state": "idle"}
        self._await("iopub", request, timeout, lambda said: said["content"] == idle)

    def _await(self, stream, request, timeout, is_it):
        while True:
            message = self.get_message(stream, timeout)
            if message["parent_header"].get("msg_id") == request and is_it(message):
                return

    def get_message(self, stream, timeout=None):
        """The next message; raises `queue.Empty` after `timeout` seconds, and
        `Stopped`."""
        ends = time.monotonic() + (timeout or self.limits.seconds)
        while not self._messages[stream]:
            alive = self.is_alive()
            if not self._receive(WAITS if alive else 0) and not alive:
                raise self._stopped("killed")
            if os.getppid() != self._parent:
                raise self._stopped("orphaned")
            if time.monotonic() > self._until:
                raise self._stopped("timeout")
            if time.monotonic() > ends:
                raise Empty
            if stream != "wire":
                self._let_speak()
        return self._messages[stream].popleft()

    def _let_speak(self):
        """Let the guide answer, if there is one, what has been said on the wire."""
        if self._messages["wire"] and self.guide:
            guide, self.guide = self.guide, None
            guide()
        self._messages["wire"].clear()

    def hear(self):
        """The next line on the wire; raises `Stopped`."""
        return self.get_message("wire", STARTS_IN + self.limits.seconds)

    def say(self, line):
        """Say a line on the wire."""
        try:
            self._wire.sendall(line.encode() + b"\n")
        except OSError:
            raise self._hung_up() from None

    def _receive(self, seconds):
        """Put what has come into its queue; return whether there was any in time."""
        ready = dict(self._poller.poll(seconds * 1000))
        for name, channel in self._channels.items():
            if channel in ready:
                frames = channel.recv_multipart()
                self.received += sum(map(len, frames))
                if self.received > self.limits.output:
                    raise self._stopped("output")
                self._messages[name].append(self._read(frames))
        if self._wire.fileno() in ready:
            self._listen()
        return ready

    def _listen(self):
        """Put the lines that have come on the wire into their queue."""
        said = b""
        with contextlib.suppress(ConnectionResetError):  # what we said was not read
            said = self._wire.recv(LONGEST)
        if not said:
            raise self._hung_up()
        *lines, self._begun = (self._begun + said).split(b"\n")
        if len(self._begun) > LONGEST:
            raise self._stopped("garbled")
        self._messages["wire"] += lines

    def _hung_up(self):
        """Nobody is at the other end of the wire: by the end of the kernel, which may
        take its time on a busy machine, or because an answer goes on without."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0, self._until - time.monotonic()))
        return self._stopped("garbled" if self.is_alive() else "killed")

    def _read(self, frames):
        try:
            _, parts = self._session.feed_identities(frames)
            message = self._session.deserialize(parts)
            message["parent_header"].get("msg_id")
            return message
        except Exception:  # whatever an answer has sent in the place of a message
            raise self._stopped("garbled") from None

    def _send(self, kind, content):
        return self._session.send(self._channels["shell"], kind, content)["header"][
            "msg_id"
        ]

    def _stopped(self, problem):
        self.stop()
        return Stopped(problem)

    def is_alive(self):
        """Whether the process runs."""
        return self._process.poll() is None

    def interrupt(self):
        """End the kernel: what has to be interrupted is not asked twice."""
        self.stop()

    def stop(self):
        """End the kernel."""
        self._process.kill()
        self._process.wait()
