"""Who may ask the page for something: a browser on this machine, and no other site in it. No I/O.

The page tells what people work on, so any web site would like to read it through the visitor's own browser:

- by a name of its own that it has resolve to 127.0.0.1 (DNS rebinding): ``Host`` has to be an address of loopback,
  ``localhost``, or the address that the page was told to listen on;
- by asking from its own pages: browsers name the site in ``Origin`` and ``Sec-Fetch-Site``, and get no leave to read.
"""

from collections.abc import Mapping
from typing import Final

from aws_masker.settings import is_loopback

HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "Server": "aws-masker",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""The header fields of every answer."""

METHODS: Final = ("GET", "HEAD")
_OWN_SITE: Final = ("same-origin", "none", "")


def refusal(method: str, headers: Mapping[str, str], listens_on: str) -> tuple[int, str] | None:
    """Return status and text for a request that is not served, None for one that is.

    ``headers`` are those of the request, whatever their case; ``listens_on`` is the host that the page listens on.
    """
    if method not in METHODS:
        return 405, "only GET is served here"
    host = headers.get("Host", "")
    name = _name(host)
    if not (is_loopback(name) or name == listens_on.lower()):
        return 421, f"ask for this page as http://{listens_on if is_loopback(listens_on) else 'localhost'}"
    if headers.get("Sec-Fetch-Site", "").lower() not in _OWN_SITE and not _is_visit(headers):
        return 403, "other sites may not read this"
    origin = headers.get("Origin")
    if origin is not None and origin.lower() != f"http://{host.lower()}":
        return 403, "other sites may not read this"
    return None


def _name(host: str) -> str:
    """Return the name in a ``Host`` field, without port and brackets."""
    name = host.partition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
    return name.lower()


def _is_visit(headers: Mapping[str, str]) -> bool:
    """Tell whether somebody follows a link to the page, of which the site with the link sees nothing."""
    return headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest") == "document"
