"""Errors that a person can act on: one line each, and an exit code of its own for each kind."""

from __future__ import annotations


class SlmrecError(Exception):
    """Says in one line what was seen, what was expected and what to do."""

    exit_code = 1  # of the process that ends with this error


class UsageError(SlmrecError):
    """A command, path or parameter is wrong; nothing was started."""

    exit_code = 2


class DataError(SlmrecError):
    """The logs or a derived table cannot be used as they are."""

    exit_code = 3


class PromiseError(SlmrecError):
    """A check of the data or of the exported graph failed; the pipeline stops here."""

    exit_code = 4


class BusyError(SlmrecError):
    """Another process is writing the same thing."""

    exit_code = 5


class BundleError(SlmrecError):
    """A bundle is incomplete, altered or does not fit the runtime."""

    exit_code = 6


class TrainingError(SlmrecError):
    """Training diverged: a loss is NaN or infinite."""

    exit_code = 7


class UnavailableError(SlmrecError):
    """Something that was asked for is not on this machine: a package, a device, disk space."""

    exit_code = 8


class BudgetError(SlmrecError):
    """A run was not finished in the time that it was given."""

    exit_code = 10


class GateError(SlmrecError):
    """A new version is not better than the champion, which stays in use."""

    exit_code = 9
