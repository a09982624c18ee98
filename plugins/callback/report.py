"""Prints each host's report when all is done, as people read it, and how long the tasks took."""

from __future__ import annotations

DOCUMENTATION = r"""
name: report
type: aggregate
short_description: Print the reports of roles as the last thing, and the time of tasks
description:
  - Prints what roles left as C(orlop_report) with M(ansible.builtin.set_stats), host by host, after the recap.
  - The text is printed as it is, so a table stays a table.
  - Before it prints how long the run took, and its slowest tasks; all of them where the environment variable
    E(ORLOP_TASK_TIMES) is C(all).
author:
  - The orlop maintainers
"""

import contextlib
import os
import time

from ansible.errors import AnsibleError
from ansible.plugins.callback import CallbackBase
from ansible_collections.orlop.node.plugins.filter import node

SLOWEST = 5


class CallbackModule(CallbackBase):
    """Waits for the end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "orlop.node.report"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        self.began = time.monotonic()
        self.tasks = []  # title, start, and how many hosts ran it
        # Each task of each host is worked on by a fork of this process. What it has imported they need not import: the
        # renderer, which nearly every task asks, takes longer to import than to run. Its absence is told by the filter.
        with contextlib.suppress(AnsibleError, ImportError):
            node.plan({})

    def v2_playbook_on_task_start(self, task, is_conditional):
        """One task begins, for all hosts of the batch."""
        self.tasks.append([task.get_name(), time.monotonic(), 0])

    def v2_playbook_on_handler_task_start(self, task):
        """A handler is a task too."""
        self.v2_playbook_on_task_start(task, False)

    def v2_runner_on_ok(self, result):
        """A host has run it."""
        if self.tasks:
            self.tasks[-1][2] += 1

    def v2_runner_on_failed(self, result, ignore_errors=False):
        """A host has run it, in vain."""
        self.v2_runner_on_ok(result)

    def v2_playbook_on_stats(self, stats):
        """All hosts are done."""
        self._times(len(stats.processed))
        reports = {host: values["orlop_report"] for host, values in stats.custom.items() if "orlop_report" in values}
        for host, report in reports.items():
            if len(reports) > 1:
                self._display.display(f"{host}:")
            self._display.display(str(report).rstrip("\n"))

    def _times(self, hosts):
        """A heading, then a line for each task that is shown, the slowest first."""
        ended = time.monotonic()
        ends = [start for _, start, _ in self.tasks[1:]] + [ended]
        times = [(end - start, title, ran) for (title, start, ran), end in zip(self.tasks, ends, strict=True) if ran]
        shown = sorted(times, key=lambda each: -each[0])
        if os.environ.get("ORLOP_TASK_TIMES") != "all":
            shown = shown[:SLOWEST]
        total = ended - self.began
        self._display.display(f"TIME OF TASKS: {len(times)} tasks on {hosts} hosts in {total:.1f} s; the slowest:")
        for seconds, title, ran in shown:
            self._display.display(f"  {seconds:6.2f} s  {ran:4} hosts  {title}")
