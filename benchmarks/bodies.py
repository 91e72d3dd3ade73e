"""Request bodies shaped like Claude Code's, of a wanted size: tools, system, and outputs full of identifiers."""

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

TOOLS_BYTES = 40_000
SYSTEM_BYTES = 6_000
OUTPUT_BYTES = 27_000
ACCOUNT = "481516234217"
# Those of one instance; its account and names are of many.
IDENTIFIERS_EACH = 7
# Of plain text between two instances in a sparse output.
SPARSE_BYTES = 6_000
# And where there are few: as in a conversation about code.
FEW_BYTES = 60_000

# fmt: off
_WORDS = (
    "the", "file", "tool", "reads", "runs", "command", "path", "output", "use", "when", "must", "should", "line",
    "directory", "search", "result", "pattern", "absolute", "content", "string", "number", "returns", "given", "before",
    "after", "change", "edit", "never", "always", "list", "agent", "task",
)
# fmt: on


def prose(size: int, random_: random.Random) -> str:
    """Return about ``size`` characters of plain words, a line break now and then."""
    out: list[str] = []
    length = 0
    while length < size:
        word = random_.choice(_WORDS)
        out.append(word + ("\n" if random_.randrange(14) == 0 else " "))
        length += len(word) + 1
    return "".join(out)


def _hex(random_: random.Random, digits: int) -> str:
    return f"{random_.getrandbits(4 * digits):0{digits}x}"


def instance(random_: random.Random, account: str) -> dict[str, Any]:
    """Return one instance as ``aws ec2 describe-instances`` prints it, with made-up values."""
    third, fourth = random_.randrange(256), random_.randrange(1, 255)
    return {
        "InstanceId": f"i-{_hex(random_, 17)}",
        "ImageId": f"ami-{_hex(random_, 17)}",
        "InstanceType": "m5.large",
        "LaunchTime": "2026-01-31T10:11:12+00:00",
        "State": {"Code": 16, "Name": "running"},
        "PrivateIpAddress": f"10.20.{third}.{fourth}",
        "PrivateDnsName": f"ip-10-20-{third}-{fourth}.eu-west-1.compute.internal",
        "SubnetId": f"subnet-{_hex(random_, 17)}",
        "VpcId": f"vpc-{_hex(random_, 17)}",
        "IamInstanceProfile": {"Arn": f"arn:aws:iam::{account}:instance-profile/ledger-node-{random_.randrange(9)}"},
        "SecurityGroups": [{"GroupName": f"ledger-nodes-{random_.randrange(9)}", "GroupId": f"sg-{_hex(random_, 17)}"}],
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeId": f"vol-{_hex(random_, 17)}"}}],
        "Monitoring": {"State": "disabled"},
        "Architecture": "x86_64",
        "RootDeviceType": "ebs",
    }


def output(size: int, random_: random.Random, known: Sequence[dict[str, Any]] = ()) -> str:
    """Return about ``size`` characters of the AWS CLI's JSON, of ``known`` instances if there are any."""
    instances: list[dict[str, Any]] = []
    text = ""
    while len(text) < size:
        more = max(1, (size - len(text)) // 1500)
        instances += [random_.choice(known) if known else instance(random_, ACCOUNT) for _ in range(more)]
        text = json.dumps({"Reservations": [{"OwnerId": ACCOUNT, "Instances": instances}]}, indent=4)
    return text


def tools(random_: random.Random) -> list[dict[str, Any]]:
    """Return tool definitions as large as Claude Code's."""
    made: list[dict[str, Any]] = []
    size = 0
    while size < TOOLS_BYTES:
        name = f"Tool{len(made)}"
        properties = {
            f"{random_.choice(_WORDS)}_{at}": {"type": "string", "description": prose(120, random_)} for at in range(6)
        }
        schema = {"type": "object", "properties": properties, "required": list(properties)[:2]}
        made.append({"name": name, "description": prose(1800, random_), "input_schema": schema})
        size += len(json.dumps(made[-1]))
    return made


def sparse_output(size: int, random_: random.Random) -> str:
    """Return about ``size`` characters of plain text, with an instance now and then."""
    pieces: list[str] = []
    while sum(map(len, pieces)) < size:
        pieces += (prose(SPARSE_BYTES, random_), json.dumps(instance(random_, ACCOUNT)))
    return "\n".join(pieces)[:size]


def few_output(size: int, random_: random.Random) -> str:
    """Return ``size`` characters of plain text; in one of several there is an instance."""
    found = json.dumps(instance(random_, ACCOUNT)) if random_.randrange(FEW_BYTES) < size else ""
    return f"{found}\n{prose(size, random_)}"[:size]


Output = Callable[[int, random.Random], str]


def messages(size: int, random_: random.Random, output: Output = output) -> list[dict[str, Any]]:
    """Return a conversation of about ``size`` bytes: tool calls, and their outputs in pieces of OUTPUT_BYTES."""
    made: list[dict[str, Any]] = [{"role": "user", "content": "Look at our instances, please."}]
    while size > 0:
        piece = min(size, OUTPUT_BYTES)
        call = f"toolu_{len(made):024d}"
        command = {"command": f"aws ec2 describe-instances --page {len(made)}", "description": "List instances"}
        made.append(
            {"role": "assistant", "content": [{"type": "tool_use", "id": call, "name": "Bash", "input": command}]}
        )
        # A quarter of what JSON output takes on the wire is the escapes of its quotes and line breaks.
        result = output(int(piece * 0.8), random_)
        made.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": call, "content": result}]})
        size -= piece
    return made


def repeated(size: int, distinct: int, seed: int = 1) -> dict[str, Any]:
    """Return a request in whose outputs about ``distinct`` identifiers stand, each several times if there is room."""
    random_ = random.Random(seed)
    known = [instance(random_, ACCOUNT) for _ in range(distinct // IDENTIFIERS_EACH)]
    return request(size, seed, lambda size, random_: output(size, random_, known))


def sparse(size: int, seed: int = 1) -> dict[str, Any]:
    """Return a request in whose outputs few identifiers stand."""
    return request(size, seed, sparse_output)


def few(size: int, seed: int = 1) -> dict[str, Any]:
    """Return a request in most of whose outputs no identifier stands."""
    return request(size, seed, few_output)


def request(size: int, seed: int = 1, output: Output = output) -> dict[str, Any]:
    """Return a request of about ``size`` bytes as JSON."""
    random_ = random.Random(seed)
    fixed = size >= 2 * (TOOLS_BYTES + SYSTEM_BYTES)
    document: dict[str, Any] = {"model": "claude-test", "max_tokens": 1000, "stream": False}
    if fixed:
        document["tools"] = tools(random_)
        document["system"] = [{"type": "text", "text": prose(SYSTEM_BYTES, random_)}]
    rest = size - len(json.dumps(document))
    document["messages"] = messages(max(1000, rest), random_, output)
    return document


def next_turn(document: dict[str, Any], seed: int = 2, output: Output = output) -> dict[str, Any]:
    """Return the conversation's next request: the same history, and one more tool call with its output."""
    random_ = random.Random(seed)
    more = messages(min(OUTPUT_BYTES, len(json.dumps(document["messages"])) // 4), random_, output)[1:]
    return document | {"messages": document["messages"] + more}
