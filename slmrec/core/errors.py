"""Errors a person can act on: each is one line and has an exit code that means something."""

from __future__ import annotations


class SlmrecError(Exception):
    """What was seen, what was expected and what to do, in one line. `exit_code` is the process's."""

    exit_code = 1


class UsageError(SlmrecError):
    """A command, path or parameter is wrong: nothing was started."""

    exit_code = 2


class DataError(SlmrecError):
    """The logs or a derived table cannot be used as they are."""

    exit_code = 3


class PromiseError(SlmrecError):
    """A validation promise or a quality check is broken: the pipeline stops here."""

    exit_code = 4


class BusyError(SlmrecError):
    """Another process is writing the same thing."""

    exit_code = 5


class BundleError(SlmrecError):
    """A bundle is incomplete, altered or does not fit the runtime."""

    exit_code = 6


class TrainingError(SlmrecError):
    """Training diverged: a loss or weight is NaN or infinite."""

    exit_code = 7


class UnavailableError(SlmrecError):
    """Something that was asked for is not on this machine: a package, a device, disk space."""

    exit_code = 8
