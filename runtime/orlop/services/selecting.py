"""Filters of list requests: an id prefix, a state, labels."""

from collections.abc import Mapping


def labels_match(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """True when every selected label is there with that value."""
    return all(labels.get(key) == value for key, value in selector.items())
