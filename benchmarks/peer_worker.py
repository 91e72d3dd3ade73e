"""Runs in the environment of one peer: reads a text, prints how long the peer takes and what it leaves, as JSON.

Only the peer itself is imported, as its documentation has it used. Each works through the text twice; the second time
counts.
"""

# mypy: disable-error-code="import-not-found,no-any-return,attr-defined"
# ruff: noqa: PLC0415 - only one of the peers can be imported

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

Mask = Callable[[str], str]


def cloudmask_aws() -> Mask:
    """Return what masks a text as ``cloudmask.CloudMask`` does."""
    from cloudmask import CloudMask

    return lambda text: CloudMask(seed="benchmark-seed").anonymize(text)


def detect_secrets() -> Mask:
    """Return what takes out the secrets that ``SecretsCollection.scan_file`` finds, with the default plugins."""
    from detect_secrets import SecretsCollection
    from detect_secrets.settings import default_settings

    def mask(text: str) -> str:
        with tempfile.TemporaryDirectory() as folder, default_settings():
            file = Path(folder) / "output.json"
            file.write_text(text)
            secrets = SecretsCollection()
            secrets.scan_file(str(file))
        lines = text.split("\n")
        for _, secret in secrets:
            at = secret.line_number - 1
            lines[at] = lines[at].replace(secret.secret_value or "", "")
        return "\n".join(lines)

    return mask


def scrubadub() -> Mask:
    """Return what masks a text as ``scrubadub.clean`` does."""
    import scrubadub

    return scrubadub.clean


def presidio_analyzer() -> Mask:
    """Return what takes out all that Presidio's pattern recognisers find."""
    import inspect

    from presidio_analyzer import PatternRecognizer, predefined_recognizers

    classes = (getattr(predefined_recognizers, name) for name in predefined_recognizers.__all__)
    kinds = [one for one in classes if inspect.isclass(one) and issubclass(one, PatternRecognizer)]
    recognizers = [one() for one in kinds]
    recognizers = [one for one in recognizers if one.supported_language == "en"]

    def mask(text: str) -> str:
        spans = sorted(
            (found.start, found.end)
            for one in recognizers
            for found in one.analyze(text, one.supported_entities, None) or []
        )
        out, at = [], 0
        for low, high in spans:
            out.append(text[at : max(at, low)])
            at = max(at, high)
        return "".join([*out, text[at:]])

    return mask


def main() -> None:
    """Do the work."""
    text = sys.stdin.read()
    mask = globals()[sys.argv[1].replace("-", "_")]()
    mask(text)
    began = time.process_time()
    left = mask(text)
    seconds = time.process_time() - began
    print(json.dumps({"seconds": seconds, "left": left}))


if __name__ == "__main__":
    main()
