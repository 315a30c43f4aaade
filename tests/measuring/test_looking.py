"""What is seen of processes and sockets from outside."""

import os
import socket
import subprocess
import sys

from benchmarks.machine import CoreTime, Memory, cpu_s, descriptors, family, loopback_mtu
from benchmarks.sockets import _held

BUSY = "import time\nwhile time.process_time() < 0.2: pass\nprint(flush=True)\ninput()"
SHOWN = """\
State Recv-Q Send-Q Local Address:Port Peer Address:Port Process
ESTAB 0      512    127.0.0.1:8080     127.0.0.1:40001
\t skmem:(r0,rb131072,t0,tb2626560,f1024,w3072,o8,bl0,d0)
ESTAB 4096   0      127.0.0.1:40001    127.0.0.1:8080
\t skmem:(r9999,rb131072,t0,tb2626560,f0,w0,o0,bl0,d0)
ESTAB 0      0      127.0.0.1:8080     127.0.0.1:40002
\t skmem:(r0,rb131072,t0,tb87040,f4096,w0,o0,bl0,d0)
ESTAB 0      900    127.0.0.1:8080     127.0.0.1:40003
\t skmem:(r0,rb131072,t0,tb87040,f0,w900,o0,bl0,d0)
"""


def test_a_family_includes_what_its_members_have_started() -> None:
    inner = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", inner], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        members = family(parent.pid)
        assert len(members) == 2
        assert cpu_s(parent.pid) >= 0.2
        assert Memory.of(parent.pid).rss > Memory.of(members[1]).rss > 1000
        parent.communicate(b"\n")


def test_a_process_that_has_gone_has_nothing() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert cpu_s(process.pid) == 0
    assert Memory.of(process.pid) == Memory(0, 0)


def test_descriptors_are_counted_as_they_come_and_go() -> None:
    before = descriptors(os.getpid())
    with socket.socket():
        assert descriptors(os.getpid()) == before + 1
    assert descriptors(os.getpid()) == before


def test_a_core_was_busy_for_a_share_of_the_time_between() -> None:
    assert CoreTime(busy=150, total=400).share_since(CoreTime(busy=100, total=200)) == 0.25
    assert CoreTime.of(min(os.sched_getaffinity(0))).total > 0


def test_the_loopback_says_its_mtu() -> None:
    assert loopback_mtu() >= 1280


def test_a_stalled_peer_is_one_that_our_side_has_unsent_bytes_for() -> None:
    # 40001 has stalled, 40002 has read everything; nobody asked for 40003.
    assert list(_held(SHOWN, {40001, 40002})) == [1024 + 3072 + 8, 0]
