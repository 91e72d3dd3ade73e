"""What the gateway answers by itself, as errors: the branch of ``errors.Refused`` that only an HTTP host can meet.

::

    Refused
    ├── BadTarget              400: a request line that the gateway does not take
    ├── NotServed              404: a path outside /v1
    ├── BadMethod              405: CONNECT, TRACE and protocol switches
    ├── SlowBody               408: the client did not send its body in time
    ├── UpstreamUnreachable    502: no connection, or none that lasted until an answer
    ├── UpstreamUnreadable     502: an answer that cannot be restored, so cannot be passed on
    ├── Stopping               503: the gateway is shutting down
    └── UpstreamSilent         504: nothing came back in time

Messages name the remedy and never an original identifier, a path, or a header's value.
"""

from aws_masker.errors import Refused


class BadTarget(Refused):
    """The request line is not one that the gateway takes."""

    reason = "bad_target"


class NotServed(Refused):
    """The path is not one of the API's."""

    status = 404
    error_type = "not_found_error"
    reason = "not_served"


class BadMethod(Refused):
    """The method would turn the connection into something that cannot be masked."""

    status = 405
    reason = "bad_method"


class SlowBody(Refused):
    """The client did not send its whole body in time."""

    status = 408
    error_type = "timeout_error"
    reason = "slow_body"


class UpstreamUnreachable(Refused):
    """There is no connection to the upstream, or none that lasted until its answer began."""

    status = 502
    error_type = "api_error"
    reason = "upstream_unreachable"


class UpstreamUnreadable(Refused):
    """The upstream's answer cannot be restored, so it cannot be passed on."""

    status = 502
    error_type = "api_error"
    reason = "upstream_unreadable"


class Stopping(Refused):
    """The gateway is shutting down and takes no new requests."""

    status = 503
    error_type = "api_error"
    reason = "stopping"


class UpstreamSilent(Refused):
    """The upstream did not begin its answer in time."""

    status = 504
    error_type = "timeout_error"
    reason = "upstream_silent"
