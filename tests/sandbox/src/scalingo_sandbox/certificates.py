# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate authority of the sandbox's own, and a certificate for the loopback address."""

from __future__ import annotations

import os
from pathlib import Path

import trustme


def make_authority() -> trustme.CA:
    return trustme.CA(organization_name="scalingo-sandbox")


def write_certificates(directory: Path, authority: trustme.CA) -> tuple[Path, Path]:
    """The file of the authority, for clients, and the file of key and certificate, for the server."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    ca_file, server_file = directory / "ca.pem", directory / "server.pem"
    authority.cert_pem.write_to_path(ca_file)
    descriptor = os.open(server_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(certificate.private_key_and_cert_chain_pem.bytes())
    return ca_file, server_file
