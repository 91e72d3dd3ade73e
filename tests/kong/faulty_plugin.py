"""The real plugin server, with a plugin that fails when it is told to: ``faulty_plugin.py FILE …``.

FILE names the fault, or is empty. All other arguments are those of ``aws-masker plugin-server``.
"""

import os
import sys
import threading
from pathlib import Path
from typing import Any

from aws_masker.kong import server
from aws_masker.kong.plugin import Plugin

CONTROL = Path(sys.argv[1])


class FaultyPlugin(Plugin):
    def access(self, kong: Any) -> None:
        fault = CONTROL.read_text()
        if fault == "raise-first":
            message = "secret-in-message"
            raise ValueError(message)
        if fault == "raise-later":
            body = kong.request.get_raw_body(0)
            raise ValueError(body)
        if fault == "exit-first":
            sys.exit("secret-in-message")
        if fault == "die":
            kong.request.get_raw_body(0)
            os._exit(3)
        if fault == "hang":
            kong.request.get_raw_body(0)
            CONTROL.with_name("reached").touch()
            threading.Event().wait(60)
        super().access(kong)


if __name__ == "__main__":
    sys.exit(server.run(sys.argv[2:], FaultyPlugin))
