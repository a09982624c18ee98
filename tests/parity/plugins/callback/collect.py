"""Ansible's callback that writes down what tasks told, as one JSON object by host. It goes to $PARITY_RESULTS."""

from __future__ import annotations

DOCUMENTATION = """
name: collect
type: stdout
short_description: writes messages of debug tasks to a file
description: For the tests of parity alone.
"""

import json
import os

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """Collects until the end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "collect"

    def __init__(self):
        super().__init__()
        self.told = {}

    def v2_runner_on_ok(self, result):
        """A message, by host."""
        if "msg" in result.result:
            self.told[result.host.get_name()] = result.result["msg"]

    def v2_runner_on_failed(self, result, ignore_errors=False):
        """A failure's message is for whoever started Ansible."""
        self._display.display(f"{result.host.get_name()}: {result.result.get('msg')}")

    def v2_playbook_on_stats(self, stats):
        """The end."""
        with open(os.environ["PARITY_RESULTS"], "w", encoding="utf-8") as opened:
            json.dump(self.told, opened)
