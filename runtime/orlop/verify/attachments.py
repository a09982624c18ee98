"""CHECK for each pod's network on record: whether interfaces, addresses and rules are still as ADD has made them.

The daemon does not ask by itself, for nothing in the CRI would take the answer. It is asked for here, with the
configuration that the pod was attached with.
"""

from orlop.config.schema import Network as Section
from orlop.engine.cni.attachment import Attachment
from orlop.engine.cni.network import Network
from orlop.model.errors import OrlopError
from orlop.verify.preflight.finding import Finding, missing, ok, warning


async def look(section: Section) -> list[Finding]:
    """One finding for each pod that has a network by this node's records, one after the other."""
    network = Network(
        conf_dir=section.conf_dir,
        plugin_dirs=section.plugin_dirs,
        cache_dir=section.cache_dir,
        default_network=section.default_network,
    )
    recorded = await network.orphans(frozenset)  # which are all, where no pod is known
    return [
        await _one(network, attachment) for attachment in sorted(recorded, key=lambda each: (each.pod, each.pod_id))
    ]


async def _one(network: Network, attachment: Attachment) -> Finding:
    title = f"pod {attachment.pod}"
    try:
        asked = await network.check(attachment)
    except OrlopError as error:
        where = f"-n {attachment.namespace} {attachment.name}" if attachment.name else attachment.pod_id
        return missing(title, str(error), f"delete the pod, which is then made anew: kubectl delete pod {where}")
    if not asked:
        detail = "not asked: its network is older than CNI 0.4.0 or has disableCheck, or ADD has not ended"
        return warning(title, detail, "")
    return ok(title, "as it was made")
