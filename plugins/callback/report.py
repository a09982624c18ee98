"""Prints each host's report when all is done, as people read it."""

from __future__ import annotations

DOCUMENTATION = r"""
name: report
type: aggregate
short_description: Print the reports of roles as the last thing
description:
  - Prints what roles left as C(orlop_report) with M(ansible.builtin.set_stats), host by host, after the recap.
  - The text is printed as it is, so a table stays a table.
author:
  - The orlop maintainers
"""

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """Waits for the end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "orlop.node.report"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_stats(self, stats):
        """All hosts are done."""
        reports = {host: values["orlop_report"] for host, values in stats.custom.items() if "orlop_report" in values}
        for host, report in reports.items():
            if len(reports) > 1:
                self._display.display(f"{host}:")
            self._display.display(str(report).rstrip("\n"))
