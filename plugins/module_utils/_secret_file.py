# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""A file that takes a secret in the place of the result, which could be shown and logged."""

from __future__ import annotations

import contextlib
import errno
import os
import typing as t

from ._errors import InvalidInput, ScalingoError
from ._files import create
from ._options import check_absolute, check_writable

#: What a file system answers that knows no second name for a file.
NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


class SecretFile:
    """The file of `dest`: whole or not there, readable by its owner only, and never over another one unless `overwrite`.

    What is kept stands beside it first, under a name that the next run takes again. So what only this task can know is not lost.
    """

    def __init__(self, params: t.Mapping[str, t.Any], asks: str = "") -> None:
        """``asks`` is the option that asks for the secret, where one does."""
        self.path: str | None = params["dest"]
        if self.path is not None and asks and not params[asks]:
            raise InvalidInput(f"dest is for {asks}, and the task asks for none: add '{asks}: true'")
        self._overwrite: bool = params["overwrite"]
        check_absolute("dest", self.path)
        self._kept = False

    def __bool__(self) -> bool:
        return self.path is not None

    @property
    def _beside(self) -> str:
        directory, name = os.path.split(str(self.path))
        return os.path.join(directory, f".{name}.new")

    def check(self) -> None:
        """Refuse what would fail after the secret has been made. Changes nothing."""
        path = str(self.path)
        directory = os.path.dirname(path)
        if not os.path.isdir(directory):
            raise InvalidInput(f"dest: there is no directory {directory}", hint="Create it first.")
        check_writable("dest", directory)
        if os.path.isdir(path):
            raise InvalidInput(f"dest: {path} is a directory", hint="Name a file in it.")
        if os.path.lexists(path) and not self._overwrite:
            raise self._exists()

    def _exists(self) -> InvalidInput:
        return InvalidInput(
            f"dest: {self.path} exists, and what it holds would be lost",
            hint="Name another file, remove this one, or add 'overwrite: true' to the task.",
        )

    def keep(self, text: str) -> None:
        """Have a text safe on the disk, beside the file. It takes the place of what was kept before."""
        with self._local():
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._beside)
            with create(self._beside) as file:
                os.fchmod(file.fileno(), 0o600)
                file.write(text.encode("utf-8"))
                file.flush()
                os.fsync(file.fileno())
        self._kept = True

    def write(self, text: str) -> None:
        """Write a text that could be asked for again: nothing lies between keeping it and giving it its name."""
        self.keep(text)
        self.publish()

    def publish(self) -> None:
        """Give what is kept its name. When that fails it stays where it is, and the error says where."""
        if not self._kept:
            return
        try:
            with self._local():
                self._rename()
        except ScalingoError as error:
            error.hint = (f"The secret is in {self._beside}. {error.hint}").strip()
            raise
        self._kept = False

    def _rename(self) -> None:
        if self._overwrite:
            os.replace(self._beside, str(self.path))
            return
        try:
            # Unlike a renaming it never takes the place of another file.
            os.link(self._beside, str(self.path), follow_symlinks=False)
        except FileExistsError:
            raise self._exists() from None
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            if os.path.lexists(str(self.path)):
                raise self._exists() from None
            os.rename(self._beside, str(self.path))
            return
        os.unlink(self._beside)

    def salvage(self) -> str | None:
        """Where it is after a failure: under its name, or where it is kept."""
        try:
            self.publish()
        except ScalingoError:
            return self._beside
        return self.path

    def discard(self) -> None:
        """Remove what is kept, as it is of no use."""
        if self._kept:
            with contextlib.suppress(OSError):
                os.unlink(self._beside)
            self._kept = False

    @contextlib.contextmanager
    def _local(self) -> t.Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ScalingoError(
                f"{self.path} cannot be written: {error.strerror}",
                doing="write the secret to a file",
                hint="Check the directory and the space on its file system.",
            ) from None
