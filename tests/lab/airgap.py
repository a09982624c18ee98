"""`./lab.sh up --airgap`: an archive is all that the nodes have, made by playbooks/bundle.yml in a node that goes.

That node has a way to the distribution's packages, to wheels, and on the wire to the programs; the images are given to
it as an archive. The nodes of the cluster have none of these.
"""

import json
from pathlib import Path

from tests.fakes.images import oci_archive
from tests.lab import bundle, images, inventory, machines, places, wire
from tests.lab.playing import play

BUILDER = "lab-builder"
NUMBER = 90
"""Its place on the wire, beyond that of any node."""
IMAGES = "/root/images.tar"


def make(minor: str) -> Path:
    """Make the archive for a minor's nodes anew; the web server with the programs must be there."""
    path = places.bundle(minor) / "airgap.tar"
    path.unlink(missing_ok=True)
    wire.connect(NUMBER, machines.create(BUILDER, mirrored=False))
    try:
        known = bundle.describe(minor)
        packed = dict(images.images(minor, places.bundle(minor) / "bin", known["versions"]))
        oci_archive(str(machines.tree(BUILDER) / IMAGES.lstrip("/")), packed)
        hosts = inventory.builder(minor, BUILDER, known)
        hosts["all"]["vars"] |= {"bundle_path": str(path), "bundle_images": [IMAGES]}
        written = places.home() / "builder.json"
        written.write_text(json.dumps(hosts, indent=2))
        play("bundle.yml", hosts=written)
    finally:
        machines.destroy(BUILDER)
    return path
