"""The whole preflight, in the order in which a person mends things."""

from orlop.config.schema import Config
from orlop.verify.preflight import conflists, kernel, places, programs
from orlop.verify.preflight.finding import Finding


async def look(config: Config) -> list[Finding]:
    """Everything that a node needs."""
    return [
        *kernel.look(),
        kernel.cgroups(),
        *await programs.look(config),
        *places.look(config),
        *await places.network(config),
        *conflists.look(config.network.conf_dir, config.network.default_network, config.network.plugin_dirs),
    ]
