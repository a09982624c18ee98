"""`./lab.sh prove`: every proof in its order, on the lab that is up, with a transcript of all that was typed."""

import time
from collections.abc import Callable

from tests.lab import machines, places
from tests.lab.places import LabError
from tests.lab.proofs import basics, figures, life, planes, restarts, streams
from tests.lab.transcript import ProofError, Transcript

FIRST = (basics.nodes, basics.names, basics.services)
"""What is shown for every minor."""
PROOFS: tuple[Callable[[Transcript], None], ...] = (
    *FIRST,
    streams.logs,
    streams.execute,
    streams.copy,
    streams.forward,
    streams.attach,
    figures.summary,
    figures.metrics,
    life.liveness,
    life.memory,
    basics.classes,
    life.rollout,
    restarts.daemon,
    life.drain,
)
PLANES = (planes.members, planes.loss)
"""Where there are several control planes."""


def prove(only: str = "") -> None:
    """All proofs, or those whose names hold a word; those that fail are told at the end."""
    known = places.recall()
    if not known:
        raise LabError("no lab is up: ./lab.sh up")
    path = places.home() / f"transcript-{known['minor']}{only and f'-{only}'}.md"
    transcript, failed, done = Transcript(path), [], 0
    _put_manifests(transcript)
    for proof in PROOFS + (PLANES if known.get("planes", 1) > 1 else ()):
        if only and only not in f"{proof.__module__}.{proof.__name__}":
            continue
        begun = time.monotonic()
        transcript.title((proof.__doc__ or "").strip())
        try:
            proof(transcript)
            done += 1
            print(f"   shown in {time.monotonic() - begun:.0f} s", flush=True)
        except (ProofError, ValueError, KeyError) as error:
            failed.append(proof.__name__)
            transcript.say(f"**Failed**: {error!r}")
            print(f"   FAILED: {error!r}", flush=True)
    print(f"{done} shown, {len(failed)} failed; transcript: {path}")
    if failed:
        raise LabError(f"not shown: {', '.join(failed)}")


def _put_manifests(transcript: Transcript) -> None:
    for path in sorted((places.ROOT / "tests/lab/manifests").glob("*.yaml")):
        put = f"mkdir -p /root/lab; cat >/root/lab/{path.name}"
        machines.enter(places.node_name(1), "/bin/sh", "-c", put, stdin=path.read_text())
    # What an earlier run has left would be taken for this one's.
    transcript.sh("kubectl delete --ignore-not-found -f /root/lab/pods.yaml -f /root/lab/workload.yaml", show=False)
    transcript.sh("kubectl delete --ignore-not-found pod after-0 after-1 after-2 without", show=False)
    transcript.sh("kubectl apply -f /root/lab/pods.yaml", show=False)
