"""Every error that aws-masker raises, in one hierarchy.

::

    MaskerError
    ├── SettingsError          a setting is missing, weak or malformed
    ├── CatalogueError         a family of the catalogue is incomplete or wrong
    ├── VaultError             the vault could not be read or written
    ├── AuditError             the audit could not be read or written
    └── Refused                a request that must not be forwarded
        ├── InvalidBody        400: not JSON, not UTF-8, truncated, duplicate keys, too deep
        ├── Blocked            403: holds an identifier whose policy is "block"
        ├── TooLarge           413: more bytes, strings or identifiers than the limits allow
        ├── Unsupported        415: a content type or encoding that cannot be read
        ├── Overloaded         529: more requests at once than the limits allow
        ├── InternalError      500: a fault of ours; nothing was forwarded
        └── VaultRequired      503: the vault is down and the settings demand it

Messages name the remedy and never an original identifier.
"""

import json
from typing import ClassVar


class MaskerError(Exception):
    """The root of all errors of this package."""


class SettingsError(MaskerError, ValueError):
    """A setting is missing, weak or malformed; the message says which and what to do."""


class CatalogueError(MaskerError, ValueError):
    """A family of the catalogue is incomplete or wrong; the message names it."""


class VaultError(MaskerError):
    """The vault could not be read or written."""


class AuditError(MaskerError):
    """The audit could not be read or written."""


class Refused(MaskerError):
    """A request that is not forwarded, and the answer that its client gets.

    ``status`` is the HTTP status, ``error_type`` the Anthropic error type
    (https://docs.anthropic.com/en/api/errors), ``reason`` a short fixed word for logs and metrics.
    """

    status: ClassVar[int] = 400
    error_type: ClassVar[str] = "invalid_request_error"
    reason: ClassVar[str] = "refused"

    def body(self) -> bytes:
        """Return the answer's body: JSON in the shape of the Anthropic API's errors."""
        error = {"type": self.error_type, "message": f"aws-masker: {self}"}
        return json.dumps({"type": "error", "error": error}).encode()


class InvalidBody(Refused):
    """The body cannot be read whole, so nothing of it may leave."""

    reason = "invalid_body"


class Blocked(Refused):
    """The body holds an identifier whose policy is "block"."""

    status = 403
    error_type = "permission_error"
    reason = "blocked"


class TooLarge(Refused):
    """The body exceeds one of the limits."""

    status = 413
    error_type = "request_too_large"
    reason = "too_large"


class Unsupported(Refused):
    """The body is of a kind that cannot be read, and that the settings do not let through."""

    status = 415
    reason = "unsupported"


class InternalError(Refused):
    """A fault of ours. The request was not forwarded."""

    status = 500
    error_type = "api_error"
    reason = "internal_error"


class VaultRequired(Refused):
    """The vault is down, and the settings say that nothing may be masked without it."""

    status = 503
    error_type = "api_error"
    reason = "vault_required"


class Overloaded(Refused):
    """More requests at once than the limits allow."""

    status = 529
    error_type = "overloaded_error"
    reason = "overloaded"
