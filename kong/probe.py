"""The health check of Kong's container: a request that both halves of aws-masker have to refuse.

Kong says that it is ready before the plugin server listens, and it would say so without the plugins, too. So this sends
what cannot be read as JSON: the answer is 400 only where the Python plugin decided and the Lua filter answered. Nothing
reaches the API. Exits with 0 where that is so, and else with 1 and a line that says what came instead.

Environment: AWS_MASKER_PROBE_KEY, sent as x-gateway-key, where Kong asks for a key of its own (plugin key-auth).
"""

import http.client
import os
import sys
from http import HTTPStatus

SECONDS = 6.0


def main() -> int:
    """Ask once and return the exit code."""
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if os.environ.get("AWS_MASKER_PROBE_KEY"):
        headers["x-gateway-key"] = os.environ["AWS_MASKER_PROBE_KEY"]
    connection = http.client.HTTPConnection("127.0.0.1", 8010, timeout=SECONDS)
    try:
        connection.request("POST", "/v1/messages", b"{", headers)
        answer = connection.getresponse()
        body = answer.read(1000)
    except (OSError, http.client.HTTPException) as error:
        print(f"Kong does not answer: {error}")  # noqa: T201 - `docker inspect` shows it
        return 1
    finally:
        connection.close()
    if answer.status == HTTPStatus.BAD_REQUEST and b"aws-masker" in body:
        return 0
    print(f"masking did not refuse what it cannot read; status {answer.status}: {body!r}")  # noqa: T201
    return 1


if __name__ == "__main__":
    sys.exit(main())
