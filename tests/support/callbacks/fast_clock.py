# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets the collection's clock jump over what it sleeps in the controller and its workers, so that a long wait takes moments."""

from __future__ import annotations

import time

from ansible.plugins.callback import CallbackBase
from ansible_collections.community.scalingo.plugins.module_utils._core import Clock

DOCUMENTATION = r"""
name: fast_clock
type: notification
short_description: The collection's clock, which does not sleep
description:
  - It is ahead by all that would have been slept. What a busy machine loses counts once, as it is, and not many times over.
options: {}
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "fast_clock"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        ahead = [0.0]

        def sleep(clock, seconds):
            ahead[0] += max(0, seconds)

        Clock.now = lambda clock: time.monotonic() + ahead[0]
        Clock.sleep = sleep
