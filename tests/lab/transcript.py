"""What the proofs type, and what the cluster answers: run, written down as it happened, and judged.

Every command is a line for a shell on one of the nodes. Nothing that a proof asserts is left out of the transcript.
"""

import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.lab import machines, places

SECONDS = 600
"""How long a proof waits for anything: the machine may be slow and loaded."""
ASK = "timeout 60 wget -q -O - http://web/"
"""In a client's shell. wget's own -T ends Debian's static busybox with SIGSEGV, wherever it is run."""
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


class ProofError(AssertionError):
    """The cluster did otherwise than the proof says."""


class Transcript:
    """One run's record, as Markdown."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.write_text("")

    def title(self, text: str) -> None:
        """Begin a proof."""
        self._write(f"\n### {text}\n\n")
        print(f"== {text}", flush=True)

    def sh(self, command: str, *, node: int = 1, ok: bool = True, show: bool = True) -> str:
        """Run a line of shell on a node and write it down with its output; with `ok` it must succeed."""
        done = self._run(command, node)
        output = ESCAPES.sub("", done.stdout + done.stderr)
        if show or (ok and done.returncode):
            self.note(command, output, node)
        if ok and done.returncode:
            raise ProofError(f"{command}: ended with {done.returncode}: {output[-2000:]}")
        return output

    def until(self, command: str, wanted: Callable[[str], object], *, node: int = 1, show: bool = True) -> str:
        """Run a line again and again until its output is as wanted; only the last one is written down."""
        deadline = time.monotonic() + SECONDS
        while True:
            done = self._run(command, node)
            output = ESCAPES.sub("", done.stdout + (done.stderr if done.returncode else ""))
            if done.returncode == 0 and wanted(output):
                if show:
                    self.note(command, output, node)
                return output
            if time.monotonic() > deadline:
                self.note(command, output, node)
                raise ProofError(f"{command}: not as wanted after {SECONDS} s: {output[-2000:]}")
            time.sleep(1)

    def note(self, command: str, output: str, node: int = 1) -> None:
        """Write a command and what it said."""
        prompt = f"{places.node_name(node)}# "
        block = f"{prompt}{command}\n{output.rstrip()}".rstrip()
        self._write(f"```console\n{block}\n```\n\n")

    def say(self, text: str) -> None:
        """Write a sentence that was checked."""
        self._write(f"{text}\n\n")

    def _run(self, command: str, node: int) -> subprocess.CompletedProcess[str]:
        argv = [*machines.within(places.node_name(node)), "/bin/bash", "-c", command]
        return subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)

    def _write(self, text: str) -> None:
        with open(self._path, "a") as file:
            file.write(text)


def fetch(url: str) -> str:
    """A line of shell that prints what an address answers; a bare node has Python and no client of HTTP."""
    return f"python3 -c 'import urllib.request as u; print(u.urlopen(\"{url}\", timeout=60).read().decode())'"


def asking(t: Transcript) -> None:
    """Have one client ask the Service without a pause, until `answers`."""
    loop = f"while [ ! -e /tmp/stop ]; do {ASK} || echo FAILED; done >/tmp/answers 2>&1"
    begin = f"rm -f /tmp/stop /tmp/answers; ({loop}) </dev/null >/dev/null 2>&1 &"
    t.sh(f"kubectl exec daemonset/client -- sh -c '{begin}'")


def answers(t: Transcript) -> str:
    """End that, and tell how often each version has answered; an unanswered question fails the proof."""
    count = 'touch /tmp/stop; sleep 2; cut -d" " -f2 /tmp/answers | sort | uniq -c'
    found = t.sh(f"kubectl exec daemonset/client -- sh -c '{count}'")
    expect("FAILED" not in found, "no question was lost")
    return found


def expect(condition: object, sentence: str) -> None:
    """The proof fails with the sentence unless the condition holds."""
    if not condition:
        raise ProofError(sentence)
