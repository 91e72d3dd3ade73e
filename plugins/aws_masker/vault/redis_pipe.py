"""Many commands to one Redis server in one round trip, over a connection of redis-py.

redis-py's own pipeline spends three times as much on each command: it packs them for every form that an argument can
have, and looks for what to make of each reply. Here arguments are words, numbers and values (bytes), and replies stay
as they are.
"""

import functools
from collections.abc import Sequence
from typing import Any, TypeAlias

from redis import Redis
from redis.exceptions import RedisError, ResponseError

Command: TypeAlias = tuple[bytes | str | int, ...]


def run(client: Redis, commands: Sequence[Command]) -> list[Any]:
    """Return the replies to ``commands``, in their order.

    Raises RedisError: that of the first command which the server refused, all others made, or the connection's.
    """
    packed = b"".join([_packed(command) for command in commands])
    pool = client.connection_pool
    # Typed in part only.
    connection: Any = pool.get_connection()

    def exchange() -> list[Any]:
        connection.send_packed_command([packed])
        return [_reply(connection) for _ in commands]

    try:
        # As redis-py does it: a connection that died while it lay in the pool is replaced, as the link says.
        replies = connection.retry.call_with_retry(exchange, lambda _error: connection.disconnect())
    except BaseException:
        # Replies may be left on it, which would pass for those of the next call.
        connection.disconnect()
        raise
    finally:
        pool.release(connection)
    for reply in replies:
        if isinstance(reply, RedisError):
            raise reply
    return list(replies)


def _reply(connection: Any) -> Any:
    try:
        return connection.read_response()
    except ResponseError as refused:
        return refused


def _packed(command: Command) -> bytes:
    """Return a command as the protocol has it: https://redis.io/docs/latest/develop/reference/protocol-spec."""
    return b"*%d\r\n" % len(command) + b"".join(
        [
            b"$%d\r\n%b\r\n" % (len(argument), argument) if isinstance(argument, bytes) else _word(argument)
            for argument in command
        ]
    )


@functools.lru_cache(maxsize=256)
def _word(argument: str | int) -> bytes:
    """Return a word or number of a command as the protocol has it.

    There are few of them, and they are kept. Values, which are bytes, do not come here.
    """
    data = str(argument).encode()
    return b"$%d\r\n%b\r\n" % (len(data), data)
