"""Servers: what a client of a database or broker of AWS's is given beside the host, in every form that clients take."""

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
