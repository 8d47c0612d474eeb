# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the generated suites demand of a module. Each function returns its complaints: an empty list is a good module.

They know no module: tests/generated applies them to all of plugins/modules, and to the bad ones of planted/.
"""
