"""Label selectors."""

import pytest

from orlop.services.selecting import labels_match


@pytest.mark.parametrize(
    ("selector", "fits"),
    [
        ({}, True),
        ({"app": "web"}, True),
        ({"app": "web", "tier": "front"}, True),
        ({"app": "db"}, False),
        ({"app": "web", "zone": "a"}, False),
        ({"zone": ""}, False),
    ],
)
def test_every_selected_label_must_have_its_value(selector: dict[str, str], fits: bool) -> None:
    assert labels_match(selector, {"app": "web", "tier": "front"}) is fits
