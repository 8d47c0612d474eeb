# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""What an exception of requests means: each cause has its own sentence and its own advice."""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl
import typing as t
from dataclasses import dataclass

from ._errors import scrub

#: What is taken of requests: the version that RHEL 9, Debian 11 and Ubuntu 22.04 carry. tests/unit/test_frame.py compares every place that names it.
LOWEST_REQUESTS = "2.25.1"

#: What a request may raise. Some errors of urllib3 pass through requests as they are, most of them in its older versions.
FAULTS: tuple[type[Exception], ...] = (OSError, ValueError)
try:
    import requests
    import urllib3.exceptions
except ImportError:
    # Then nothing is sent, and nothing can go wrong on the way.
    pass
else:
    FAULTS += (urllib3.exceptions.HTTPError,)

LONGEST_CONNECT = 10.0


# What OpenSSL says while a TLS conversation is being agreed upon, so before anything of the request was sent.
HANDSHAKE_REASONS = (
    r"CERTIFICATE|WRONG_VERSION|UNSUPPORTED_PROTOCOL|NO_PROTOCOLS|HANDSHAKE|TLSV1|TLSV13|SSLV3|UNKNOWN_CA|HTTP_REQUEST"
    r"|NO_CIPHERS|NO_SHARED_CIPHER|UNKNOWN_PROTOCOL|PACKET_LENGTH|RECORD_LAYER|DH_KEY_TOO_SMALL|CERT"
)


def chain_of(error: BaseException) -> list[BaseException]:
    """Return an exception and everything wrapped in it, by reason, argument or cause, outermost first."""
    found: list[BaseException] = []
    waiting: list[t.Any] = [error]
    while waiting and len(found) < 30:
        current = waiting.pop(0)
        if isinstance(current, BaseException) and not any(current is known for known in found):
            found.append(current)
            waiting += [getattr(current, "reason", None), getattr(current, "original_error", None), *current.args]
            waiting += [current.__cause__, current.__context__]
    return found


@dataclass(frozen=True)
class Diagnosis:
    """What a broken attempt was: the kind of Trouble, the sentence, what to do; the status when one came."""

    kind: str
    message: str
    hint: str
    status: int | None = None


def _of_tunnel(chain: t.Sequence[BaseException], texts: str) -> str:
    found = re.search(_TUNNEL, texts)
    return f": {found.group(1).strip()}" if found else ""


def _of_certificate(chain: t.Sequence[BaseException], texts: str) -> str:
    messages = (getattr(item, "verify_message", "") for item in chain if isinstance(item, ssl.SSLCertVerificationError))
    return next(filter(None, messages), "it is not valid for this host")


def _of_tls(chain: t.Sequence[BaseException], texts: str) -> str:
    reasons = (getattr(item, "reason", "") for item in chain if isinstance(item, ssl.SSLError))
    return next((str(reason) for reason in reasons if reason), "TLS failed")


_TUNNEL = r"Tunnel connection failed: ([^'\")|]+)"
_PROXY = ("The proxy on the way to {host} cannot be used{said}", "Check HTTPS_PROXY and NO_PROXY in the environment.")
_CERTIFICATE = (
    "The TLS certificate of {host} does not verify: {said}",
    "Check the address and this machine's clock; for an authority of your own set ca_path to its certificates.",
)
_TLS = (
    "{host} cannot be spoken to over TLS: {said}",
    "Check that the address and the port are those of the API, and that ca_path holds certificates.",
)


class Cause(t.NamedTuple):
    """A row of the table: the kind of Trouble, the sentence and the advice, for a chain that has all that the row names."""

    kind: str
    sentence: tuple[str, str]
    #: One of these exceptions, and one of those.
    names: t.Collection[str] = ()
    besides: t.Collection[str] = ()
    #: What one of them says. It is compiled when something has gone wrong: a process that starts has no time for it.
    text: str = ""
    said: t.Callable[[t.Sequence[BaseException], str], str] = lambda chain, texts: ""

    def holds(self, names: set[str], texts: str) -> bool:
        of_names = all(not wanted or names & set(wanted) for wanted in (self.names, self.besides))
        return bool(of_names and (not self.text or re.search(self.text, texts)))


#: What may be wrong on the way, the first that holds counts.
CAUSES = (
    Cause("final", _PROXY, ["InvalidProxyURL"], said=_of_tunnel),
    # So says requests before 2.27 of such an address. Ours has been read before.
    Cause("final", _PROXY, ["ValueError"], text="Invalid IPv6 URL"),
    Cause("final", _PROXY, ["ProxyError"], text=r"Tunnel connection failed: [^'\")|]*407", said=_of_tunnel),
    Cause("not_made", _PROXY, ["ProxyError"], text=_TUNNEL, said=_of_tunnel),
    Cause("not_made", _PROXY, ["ProxyError"], ["NewConnectionError", "NameResolutionError", "ConnectTimeoutError"]),
    Cause("lost", _PROXY, ["ProxyError"]),
    Cause("final", _CERTIFICATE, ["SSLCertVerificationError", "CertificateError"], said=_of_certificate),
    Cause("final", _CERTIFICATE, text="CERTIFICATE_VERIFY_FAILED", said=_of_certificate),
    Cause("final", _TLS, ["SSLError"], text=HANDSHAKE_REASONS, said=_of_tls),
    Cause("lost", _TLS, ["SSLError"], said=_of_tls),
    Cause(
        "not_made",
        (
            "The name {host} cannot be resolved",
            "Check the region or the address, and the name resolution of this machine.",
        ),
        ["NameResolutionError", "gaierror"],
    ),
    Cause(
        "not_made",
        (
            "No connection to {host} within {connect:g} seconds",
            "Check the address, the firewall and whether a proxy is needed (HTTPS_PROXY).",
        ),
        ["ConnectTimeout", "ConnectTimeoutError"],
    ),
    Cause(
        "not_made",
        ("{host} refuses the connection", "Check the address and the port, and that the server is running."),
        ["NewConnectionError"],
        text="ConnectionRefusedError|refused",
    ),
    Cause(
        "not_made",
        (
            "No connection to {host} can be made",
            "Check the network of this machine and whether a proxy is needed (HTTPS_PROXY).",
        ),
        ["NewConnectionError"],
    ),
    Cause(
        "lost",
        ("{host} did not answer within {timeout:g} seconds", "Raise api_timeout, or run again later."),
        ["ReadTimeout", "ReadTimeoutError"],
    ),
    Cause("lost", ("{host} was still answering after too long a time", "Run again later."), ["Overdue"]),
    Cause(
        "lost",
        ("The answer of {host} broke off", "Run again later; check the proxies on the way."),
        ["ChunkedEncodingError", "ContentDecodingError", "IncompleteRead"],
    ),
    # That of a request that cannot be sent has the same name.
    Cause(
        "lost",
        ("{host} answered with a header that cannot be read", "Run again later; check the proxies on the way."),
        ["InvalidHeader"],
        text="Content-Length contained",
    ),
)


def diagnose(error: BaseException, host: str, timeout: float) -> Diagnosis:
    """Tell what went wrong on the way to ``host``: each cause has its own sentence and its own advice."""
    chain = chain_of(error)
    names = {type(item).__name__ for item in chain}
    local = local_fault(chain, "SSLError" in names)
    if local is not None:
        hint = MACHINE_ADVICE.get(t.cast(int, local.errno), _CERTIFICATES)
        return Diagnosis("final", f"The request to {host} failed on this machine: {local}", hint)
    texts = " | ".join([*(str(item) for item in chain), *sorted(names), _of_tls(chain, "")])
    for cause in CAUSES:
        if cause.holds(names, texts):
            sentence, hint = cause.sentence
            values = {"host": host, "timeout": timeout, "connect": min(timeout, LONGEST_CONNECT)}
            return Diagnosis(cause.kind, sentence.format(**values, said=cause.said(chain, texts)), hint)
    if isinstance(error, requests.exceptions.ConnectionError):
        return Diagnosis(
            "lost", f"{host} closed the connection before it answered", "Run again later; check the proxies on the way."
        )
    variables = " and ".join(proxy_settings())
    # The library repeats what it was given, and of the address of a proxy any part may be the password.
    said = type(error).__name__ if variables else scrub(str(error))
    if not (names & NEVER_SENT or re.search(NO_AUTHORITIES, texts)):
        hint = "Run again later; check the proxies on the way."
        return Diagnosis("lost", f"The request to {host} failed: {said}", hint)
    if variables and "InvalidURL" in names:
        hint = f"Correct {variables} in the environment."
        return Diagnosis("final", f"The proxy on the way to {host} has no valid address", hint)
    return Diagnosis(
        "final",
        f"No request to {host} can be made: {said}",
        "Check the address, ca_path, and REQUESTS_CA_BUNDLE, HTTPS_PROXY in the environment.",
    )


_CERTIFICATES = "Check the files that ca_path, REQUESTS_CA_BUNDLE and SSLKEYLOGFILE name."


_DESCRIPTORS = "Raise the limit of open files (ulimit -n), or lower the number of forks."


#: What to do about some of what this machine itself cannot do.
MACHINE_ADVICE: t.Mapping[int, str] = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "Free some space."),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), _DESCRIPTORS),
}


#: What it cannot do with a file, and what else.
FILE_FAULTS = (
    *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG),
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT),
)


LOCAL_FAULTS = (*FILE_FAULTS, errno.EMFILE, errno.ENFILE)


def local_fault(chain: t.Iterable[BaseException], of_tls: bool) -> OSError | None:
    """Return what a file or a limit of this machine did to a request before it was sent, or None.

    A fault of a file counts with its name only, or where OpenSSL was to read certificates: a firewall of this machine
    denies connections, and a connection that breaks within a handshake leaves any number behind.
    """
    for error in chain:
        # Those of TLS and of names have numbers of their own.
        if not isinstance(error, OSError) or isinstance(error, (ssl.SSLError, socket.gaierror, socket.herror)):
            continue
        if error.errno in LOCAL_FAULTS and (error.errno not in FILE_FAULTS or error.filename is not None or of_tls):
            return error
    return None


# What requests raises while it prepares a request, so before anything of it was sent.
NEVER_SENT = {
    "InvalidURL",
    "InvalidSchema",
    "MissingSchema",
    "InvalidHeader",
    "LocationParseError",
    "UnicodeError",
    "UnicodeEncodeError",
}


NO_AUTHORITIES = "Could not find (a suitable TLS CA certificate bundle|the TLS (certificate|key) file)"


def proxy_settings() -> dict[str, str]:
    """Return the variables of the environment that name a proxy, with their values."""
    names = [name for upper in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY") for name in (upper, upper.lower())]
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def authorities(verify: bool | str) -> bool | str:
    """Return what requests is told of verifying: always the path of certificates where it is to verify.

    Before 2.28 requests turned verification off for `True` while CURL_CA_BUNDLE was empty. Its variables count as ever.
    """
    if verify is not True:
        return verify
    named = (os.environ.get(name, "").strip() for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"))
    return next(filter(None, named), None) or str(requests.utils.DEFAULT_CA_BUNDLE_PATH)
