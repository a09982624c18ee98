"""Names of block devices (sysfs-block). What is on them is not here."""

import functools

from orlop.linux.files import read_text


# Numbers are given out anew only when a device has gone; a wrong name in a metric is then the worst that happens.
@functools.lru_cache(maxsize=256)
def device_name(number: str) -> str:
    """The device file of "major:minor"; the number itself where the kernel knows no name."""
    try:
        text = read_text(f"/sys/dev/block/{number}/uevent")
    except OSError:
        return number
    for line in text.splitlines():
        if line.startswith("DEVNAME="):
            return f"/dev/{line.removeprefix('DEVNAME=')}"
    return number
