"""Names of this machine's block devices."""

import os
from pathlib import Path

import pytest

from orlop.linux.block_devices import device_name


def test_each_device_has_the_name_that_its_file_has() -> None:
    numbers = os.listdir("/sys/dev/block")
    if not numbers:
        pytest.skip("this machine has no block device")
    for number in numbers:
        assert device_name(number) == f"/dev/{Path(f'/sys/dev/block/{number}').resolve().name.replace('!', '/')}"


def test_an_unknown_one_is_called_by_its_number() -> None:
    assert device_name("4095:1048575") == "4095:1048575"
