"""Servers: what a client of a database or broker of AWS's is given beside the host, in every form that clients take."""

import json

import pytest

from aws_masker import Masker
from masking import marked, plain

_HOST = "«kazor-pg».«c9akciq32rgz».us-east-1.rds.amazonaws.com"
_CACHE = "master.«kazor-cache».«ab12cd».euw1.cache.amazonaws.com"


@pytest.mark.parametrize(
    "text",
    [
        # URLs, with and without a password, in the spellings of Go and Oracle.
        f"mysql://«kazorbi»@{_HOST}/«kazordb»",
        f"redshift+redshift_connector://«kazorbi»:«Zk3vQ9xT7m»@{_HOST}:5439/«kazordb»?x=1",
        f'dsn := "«kazorbi»:«Zk3vQ9xT7m»@tcp({_HOST}:3306)/«kazordb»?parseTime=true"',
        f"jdbc:oracle:thin:«kazorbi»/«Zk3vQ9xT7m»@//{_HOST}:1521/«kazordb»",
        # A line of a file of passwords.
        f"{_HOST}:5432:«kazordb»:«kazorbi»:«Zk3vQ9xT7m»",
        # Keys near the host.
        f'connect(host="{_HOST}", user="«kazorbi»", db="«kazordb»")',
        f"['dsn' => 'sqlsrv:Server={_HOST},1433', 'uid' => '«kazorbi»', 'pwd' => '«Fr1day!Zk3v»']",
        f"Server={_HOST},1433;Database=«kazordb»;Uid=«kazorbi»;Pwd=«Zk3vQ9xT7m»;",
        f"db:\n  host: {_HOST}\n  user: «kazorbi»\n",
        # Options of clients, and the word without one; a line that goes on, a command behind another.
        f"psql -h {_HOST} -p 5432 -U «kazorbi» «kazordb»",
        f"pg_dump --host {_HOST} -U «kazorbi» --format=c «kazordb» > x.dump",
        f"mysql -h {_HOST} -u«kazorbi» -p «kazordb»",
        f"x && mysqldump --single-transaction -h {_HOST} \\\n  -u «kazorbi» -p'«Zk3vQ9xT7m»' «kazordb» | gzip",
        f"bcp «KazorFacts».dbo.Rows out rows.csv -S {_HOST} -U «kazorbi» -P «Zk3vQ9xT7m»",
        f"redis-cli -h {_CACHE} -a «Zk3vQ9xT7m» ping",
        "curl -u «kazorbi»:«Zk3vQ9xT7m» https://search-«kazor-logs»-«abcdefghij1234567890abcdef».eu-west-1.es.amazonaws.com/_cat",
        # Variables, common words, paths of services, other commands, hosts that are not AWS's.
        f"psql -h {_HOST} -U $PGUSER -d postgres",
        f"connect(host='{_HOST}', user=user, db=config.db)",
        "https://«kazor-graph».cluster-«c9akciq32rgz».eu-west-1.neptune.amazonaws.com:8182/gremlin",
        f"dig {_HOST} | grep -u kazorbi; psql -l",
        "createdb -h localhost -U kazorbi kazordb; mysql://kazorbi@localhost/kazordb",
    ],
)
def test_what_stands_around_the_host_of_a_server(one: Masker, text: str) -> None:
    assert marked(one, plain(text)) == text


@pytest.mark.parametrize("depth", range(4))
@pytest.mark.parametrize(
    "text",
    [
        # A command in a command, in the members of a tool's input and of its result, beside others; options behind it.
        f'bash -c "psql -h {_HOST} -U «kazorbi» -d «kazordb»" -U kazor',
        f"sh -c 'mysql -h {_HOST} -u «kazorbi» -p«Zk3vQ9xT7m» «kazordb»' -p kazor",
        f'{{"command": "pg_dump -h {_HOST} -U «kazorbi» «kazordb»", "description": "-U kazor"}}',
        f'{{"stdout": "psql -h {_HOST} -U «kazorbi» «kazordb»", "stderr": "", "note": "-U kazor"}}',
        f'{{"type": "text", "text": "mysql -h {_HOST} -u «kazorbi» -p\'«Zk3vQ9xT7m»\' «kazordb»", "also": "-u kazor"}}',
        f'bash -c "psql -h {_HOST} -U \\"«kazorbi»\\" -d \\"«kazordb»\\""',
        # Lines of a script and of its output, a line that goes on.
        f"set -e\npsql -h {_HOST} -U «kazorbi» «kazordb»\nmake -U kazor",
        f"mysqldump -h {_HOST} \\\n  -u «kazorbi» \\\n  «kazordb»\ngzip -u kazor",
        f"psql\\\n  -h {_HOST} -U «kazorbi»",
        f"psql -c x\ndig {_HOST} -U kazor kazor",
        f'ssh bastion "redis-cli -h {_CACHE} -a «Zk3vQ9xT7m»" -a kazor9Qz',
        # URLs and keys in a string, in the spellings of JSON and of PHP's.
        f'{{"url": "postgresql://«kazorbi»:«Zk3vQ9xT7m»@{_HOST}:5432/«kazordb»", "user": "none"}}',
        f'{{"url": "mysql:\\/\\/«kazorbi»:«Zk3vQ9xT7m»@{_HOST}\\/«kazordb»"}}',
        f'{{"host": "{_HOST}", "user": "«kazorbi»", "db": "«kazordb»", "port": 5432}}',
        f"host={_HOST}\ndbname=«kazordb»\nuser=«kazorbi»\n",
        f"db:\n  host: {_HOST}\n  user: «kazorbi»\n  database: «kazordb»\n",
    ],
)
def test_what_stands_around_the_host_in_a_string_however_deep_it_is_escaped(one: Masker, text: str, depth: int) -> None:
    for _ in range(depth):
        text = json.dumps(text, ensure_ascii=False)[1:-1]
    assert marked(one, plain(text)) == text
