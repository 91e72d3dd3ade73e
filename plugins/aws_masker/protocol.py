"""What of a request of the Messages API is the protocol's own, and stays byte for byte as it is.

Names of blocks and of members; ``documents`` walks by them. Source: https://docs.anthropic.com/en/api/messages
and the types of the API's SDKs.
"""

import re
from collections.abc import Mapping
from typing import Final

# Content-checked by the API: one changed byte is an error, or silently loses the thinking.
IMMUTABLE: Final = frozenset(("thinking", "redacted_thinking", "compaction"))
# Members of blocks, messages and tools that belong to the protocol.
PROTECTED: Final = frozenset(
    (
        "type",
        "id",
        "name",
        "role",
        "tool_use_id",
        "server_name",
        "cache_control",
        "signature",
        "file_id",
        "media_type",
        "mcp_server_name",
        "tool_name",
    )
)
PROTECTED_EVERYWHERE: Final = frozenset(("type", "cache_control", "signature", "tool_use_id"))
# What a tool answered may look like blocks, with names and ids that are nobody's but its own.
PROTECTED_IN_RESULTS: Final = frozenset(("type", "cache_control", "file_id", "media_type", "tool_name"))
# Blocks whose protected members are known to be the protocol's; in others only ``type`` and ``cache_control`` are.
KNOWN_BLOCKS: Final = frozenset(
    (
        "text",
        "image",
        "document",
        "search_result",
        "tool_use",
        "tool_result",
        "server_tool_use",
        "mcp_tool_use",
        "mcp_tool_result",
        "web_search_tool_result",
        "web_search_result",
        "web_fetch_tool_result",
        "web_fetch_result",
        "code_execution_tool_result",
        "code_execution_result",
        "bash_code_execution_tool_result",
        "bash_code_execution_result",
        "bash_code_execution_output",
        "text_editor_code_execution_tool_result",
        "tool_search_tool_result",
        "tool_search_tool_search_result",
        "container_upload",
        "tool_reference",
        "mcp_tool_listing",
        "mcp_tool_reference",
        "mcp_toolset",
        "mcp_toolset_reference",
        "tool_addition",
        "tool_definition",
        "tool_removal",
        "base64",
        "url",
        "file",
        "content",
        "ephemeral",
    )
)
# Members of a request that are the protocol's own.
PROTECTED_REQUEST: Final = frozenset(
    ("model", "stream", "tool_choice", "thinking", "container", "mcp_servers", "betas", "service_tier")
)
# What the model reads, in the order in which it reads it; the rest of a request follows.
READING_ORDER: Final = ("tools", "system", "messages")
FREE_MEMBERS: Final = frozenset(("input", "input_schema", "input_examples"))
# Of a request's ``metadata``: https://docs.anthropic.com/en/api/messages
PROTECTED_METADATA: Final = frozenset(("user_id",))
# Members of blocks, by their types: whose own members are called after tools, and that hold tools like a request's.
KEYED_BY_TOOLS: Final[Mapping[str, str]] = {"mcp_toolset": "configs"}
HOLDING_TOOLS: Final[Mapping[str, str]] = {
    "mcp_toolset": "tools",
    "mcp_tool_listing": "tools",
    "tool_definition": "definition",
}
# Members of the edits of a request's ``context_management`` that list names of tools.
LISTS_OF_TOOLS: Final = frozenset(("exclude_tools", "clear_tool_inputs"))
# The type of a tool of the API's own.
_DATED: Final = re.compile(r"[a-z0-9_]+_[0-9]{8}")


def is_own_tool(kind: str, name: str) -> bool:
    """Tell whether a tool of the type ``kind`` is the API's own: the type has a date, or is what the tool is called."""
    return _DATED.fullmatch(kind) is not None or kind == name
