# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets the collection's clock run faster in the controller and its workers, so that a long wait takes seconds."""

from __future__ import annotations

import os
import time

from ansible.plugins.callback import CallbackBase
from ansible_collections.community.scalingo.plugins.module_utils._core import Clock

DOCUMENTATION = r"""
name: fast_clock
type: notification
short_description: The collection's clock, many times faster
description:
  - What the environment variable SUPPORT_CLOCK_SPEED says passes in a second.
options: {}
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "fast_clock"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        speed = float(os.environ["SUPPORT_CLOCK_SPEED"])
        Clock.now = lambda self: time.monotonic() * speed
        Clock.sleep = lambda self, seconds: time.sleep(max(0, seconds) / speed)
